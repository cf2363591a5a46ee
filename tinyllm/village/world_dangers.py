"""What is dangerous, why, and what to do instead: plain tables, read by `world.py`.

Each danger stands beside two harmless wishes about the same object, so that refusing everything
that mentions a wasp nest is as wrong as poking it. Every reason names the object: who warns of
something says what it is.
"""

from __future__ import annotations

DANGERS = (
    # what one must not do, the object, why, what to do instead, two harmless wishes
    (
        "poke a wasp nest",
        "wasp nest",
        "the wasps will sting you",
        "watch the wasps from far away",
        ("draw a wasp nest", "read a book about wasps"),
    ),
    (
        "touch the hot stove",
        "stove",
        "the stove will burn your hand",
        "ask a grown-up to cook",
        ("draw the stove", "sit in the warm kitchen"),
    ),
    (
        "walk on thin ice",
        "ice",
        "the ice can break under your feet",
        "slide on the snowy hill",
        ("look at the ice", "put ice in a drink"),
    ),
    (
        "eat wild mushrooms",
        "mushrooms",
        "the mushrooms can be poison",
        "eat mushrooms from the market",
        ("count the mushrooms", "paint a mushroom"),
    ),
    (
        "play with matches",
        "matches",
        "the matches can start a fire",
        "ask a grown-up to light the candle",
        ("count the boxes of matches", "buy matches for Mrs Crumb"),
    ),
    (
        "swim in the deep river",
        "river",
        "the river will pull you away",
        "swim in the pond with a grown-up",
        ("draw the river", "listen to the river"),
    ),
    (
        "climb the old tower at night",
        "tower",
        "the tower has broken steps",
        "climb the hill by day",
        ("look at the tower", "draw the tower"),
    ),
    (
        "pull the donkey's tail",
        "donkey",
        "the donkey will kick you",
        "give the donkey a carrot",
        ("brush the donkey", "feed the donkey"),
    ),
    (
        "run with a knife",
        "knife",
        "the knife will cut you if you fall",
        "put the knife back on the table",
        ("look at the knife in the shop", "draw a knife and a fork"),
    ),
    (
        "drink from the green bottle in the shed",
        "bottle",
        "the bottle holds poison for rats",
        "drink cold water from the well",
        ("fill a clean bottle with water", "wash the water bottle"),
    ),
    (
        "stand under a tree in a storm",
        "tree",
        "the tree may be hit by lightning",
        "go into a house until the storm is over",
        ("sit under a tree in the sun", "plant a tree"),
    ),
    (
        "go with a stranger",
        "stranger",
        "the stranger may take you far away",
        "tell a grown-up that you know",
        ("wave to a stranger from the door", "ask Mum about the stranger"),
    ),
    (
        "play with the big saw",
        "saw",
        "the saw can cut your fingers",
        "build a house of wooden blocks",
        ("paint a picture of a saw", "hear how a saw works"),
    ),
    (
        "stare at the sun",
        "sun",
        "the sun will hurt your eyes",
        "look at your shadow",
        ("draw the sun", "play in the sun"),
    ),
    (
        "lean over the well",
        "well",
        "the well is deep and you can fall in",
        "let a grown-up pull up the water",
        ("sit near the well", "tell a story about the well"),
    ),
    (
        "cross the road without looking",
        "road",
        "the road has carts that come fast",
        "stop, look and listen first",
        ("sweep the road with Dad", "draw the road to the mill"),
    ),
    (
        "wake a sleeping dog with a stick",
        "dog",
        "the dog may bite you",
        "let the dog sleep",
        ("stroke a friendly dog", "walk with a dog"),
    ),
    (
        "put beans up a nose",
        "beans",
        "the beans will not come out again",
        "plant the beans in a pot",
        ("cook beans with Dad", "count the beans"),
    ),
    (
        "jump from the roof",
        "roof",
        "the roof is so high that you break a leg",
        "jump from the lowest step",
        ("draw a red roof", "listen to the rain on the roof"),
    ),
    (
        "taste the medicine of Doctor Wren",
        "medicine",
        "the medicine makes you ill",
        "ask Doctor Wren for peppermint tea",
        ("ask what medicine is for", "draw a bottle of medicine"),
    ),
    (
        "hide in the oven",
        "oven",
        "the oven gets hot and you cannot get out",
        "hide behind the door",
        ("smell the bread from the oven", "draw an oven"),
    ),
    (
        "open the beehive alone",
        "beehive",
        "the beehive is full of angry bees",
        "ask Old Jonas to show you the bees",
        ("paint a beehive", "eat honey from the beehive"),
    ),
    (
        "chase the geese",
        "geese",
        "the geese will bite you",
        "throw corn to the geese",
        ("count the geese", "listen to the geese"),
    ),
    (
        "play behind the mill wheel",
        "mill wheel",
        "the mill wheel never stops turning",
        "play on the grass in front of the mill",
        ("watch the mill wheel from the bridge", "draw the mill wheel"),
    ),
)

MORE_ACTS = {
    # more of what one must not do with the object, for the same reason
    "wasp nest": ("throw stones at the wasp nest",),
    "stove": ("sit on the hot stove",),
    "ice": ("run over thin ice", "jump on the thin ice"),
    "mushrooms": ("cook wild mushrooms",),
    "matches": ("light matches in bed",),
    "river": ("jump into the deep river",),
    "tower": ("run up the old tower in the dark",),
    "donkey": ("shout at the donkey", "kick the donkey"),
    "knife": ("dance with a knife",),
    "bottle": ("open the green bottle in the shed",),
    "tree": ("climb a tree in a storm",),
    "stranger": ("get on a cart with a stranger",),
    "saw": ("touch the teeth of the saw", "carry the big saw"),
    "sun": ("look straight into the sun",),
    "well": ("climb into the well",),
    "road": ("run across the road",),
    "dog": ("pull the ears of a sleeping dog",),
    "beans": ("put beans in an ear", "push beans into a nose"),
    "roof": ("dance on the roof",),
    "medicine": ("drink the medicine of Doctor Wren",),
    "oven": ("climb into the oven",),
    "beehive": ("knock on the beehive",),
    "geese": ("tease the geese", "run after the geese"),
    "mill wheel": ("climb on the mill wheel",),
}

UNKIND = (
    # what one must not do with anybody's {noun}, why, what to do instead
    (
        "throw the {noun} at {friend}",
        "the {noun} will hurt {friend}",
        "give the {noun} to {friend}",
    ),
    (
        "hit {friend} with the {noun}",
        "the {noun} will hurt {friend}",
        "show the {noun} to {friend}",
    ),
    ("break the {noun} of {friend}", "{friend} will be very sad", "mend the {noun} of {friend}"),
    (
        "hide the {noun} of {friend}",
        "{friend} will be very sad",
        "look for the {noun} with {friend}",
    ),
    ("take the {noun} from {friend}", "{friend} will be angry", "ask {friend} for the {noun}"),
)
KIND = tuple(safe for _, _, safe in UNKIND)
"""What nobody minds, with the same things and people."""
