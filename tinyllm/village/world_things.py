"""Where things are and what they are for: plain tables, read by `world.py`."""

from __future__ import annotations

PLACES = (
    # name, with its preposition, what stands next to it, what one finds there
    ("the bakery", "at the bakery", "the market", "warm bread"),
    ("the market", "at the market", "the bakery", "fresh cheese"),
    ("the mill", "at the mill", "the pond", "white flour"),
    ("the pond", "by the pond", "the mill", "green frogs"),
    ("the school", "at the school", "the library", "a box of chalk"),
    ("the library", "in the library", "the school", "a thousand books"),
    ("the bridge", "on the bridge", "the forest", "a very good echo"),
    ("the forest", "in the forest", "the bridge", "brown mushrooms"),
    ("the farm", "at the farm", "the orchard", "six fat cows"),
    ("the orchard", "in the orchard", "the farm", "sweet apples"),
    ("the tower", "at the tower", "the well", "a big clock"),
    ("the well", "by the well", "the tower", "cold water"),
    ("the smithy", "at the smithy", "the hill", "a hot fire"),
    ("the hill", "on the hill", "the smithy", "the best wind"),
    ("the inn", "at the inn", "the post office", "onion soup"),
    ("the post office", "at the post office", "the inn", "brown parcels"),
    ("the meadow", "in the meadow", "the river", "tall grass"),
    ("the river", "by the river", "the meadow", "smooth stones"),
    ("the barn", "in the barn", "the castle", "dry hay"),
    ("the castle", "at the castle", "the barn", "half a roof"),
)

COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown")
SIZES = ("old", "new", "little", "big")
CLOTH = (*COLOURS, *SIZES, "striped")
METAL = (*COLOURS, *SIZES, "shiny")
WOOD = (*COLOURS, *SIZES, "wooden")
PLAIN = (*COLOURS, *SIZES)

THINGS = (
    # name, adjectives it may have, what it is for, made of
    ("kite", CLOTH, "to play with the wind", "paper"),
    ("ball", CLOTH, "to throw and catch", "leather"),
    ("drum", WOOD, "to make a lot of noise", "wood"),
    ("lantern", METAL, "to see in the dark", "glass"),
    ("basket", PLAIN, "to carry apples", "straw"),
    ("scarf", CLOTH, "to keep your neck warm", "wool"),
    ("hat", CLOTH, "to keep your head warm", "wool"),
    ("key", METAL, "to open a door", "iron"),
    ("bell", METAL, "to call people to dinner", "iron"),
    ("book", PLAIN, "to read before bed", "paper"),
    ("spoon", WOOD, "to eat soup", "wood"),
    ("kettle", METAL, "to make tea", "iron"),
    ("cup", PLAIN, "to drink milk", "clay"),
    ("bucket", METAL, "to carry water", "iron"),
    ("rope", PLAIN, "to tie up a boat", "straw"),
    ("whistle", METAL, "to call the dog", "iron"),
    ("coin", METAL, "to buy a bun", "gold"),
    ("map", PLAIN, "to find the way", "paper"),
    ("umbrella", CLOTH, "to stay dry in the rain", "cloth"),
    ("glove", CLOTH, "to keep one hand warm", "wool"),
    ("ribbon", CLOTH, "to tie up a present", "cloth"),
    ("flute", WOOD, "to play a song", "wood"),
    ("doll", WOOD, "to play with", "wood"),
    ("box", WOOD, "to keep secrets in", "wood"),
    ("blanket", CLOTH, "to sleep under", "wool"),
    ("hammer", METAL, "to hit a nail", "iron"),
    ("jar", PLAIN, "to keep jam in", "glass"),
    ("candle", PLAIN, "to light the table", "wax"),
    ("comb", WOOD, "to tidy your hair", "wood"),
    ("mirror", METAL, "to look at your nose", "glass"),
    ("brush", WOOD, "to paint a fence", "wood"),
    ("bag", CLOTH, "to carry books", "cloth"),
    ("boot", PLAIN, "to walk through mud", "leather"),
    ("marble", CLOTH, "to roll along the floor", "glass"),
    ("feather", CLOTH, "to tickle a friend", "nothing much"),
    ("bottle", PLAIN, "to carry lemonade", "glass"),
    ("puppet", WOOD, "to tell a story", "wood"),
    ("clock", WOOD, "to tell the time", "wood"),
    ("wagon", WOOD, "to pull a friend along", "wood"),
    ("pan", METAL, "to fry an egg", "iron"),
    ("pencil", WOOD, "to draw a cow", "wood"),
    ("teapot", METAL, "to pour the tea", "clay"),
    ("pillow", CLOTH, "to rest your head", "cloth"),
    ("net", PLAIN, "to catch a fish", "straw"),
    ("stool", WOOD, "to reach the shelf", "wood"),
    ("ruler", WOOD, "to draw a straight line", "wood"),
    ("ring", METAL, "to wear on a finger", "gold"),
    ("bowl", PLAIN, "to hold the soup", "clay"),
    ("sledge", WOOD, "to slide through the snow", "wood"),
    ("lamp", METAL, "to read at night", "glass"),
    ("fan", CLOTH, "to keep cool", "paper"),
    ("magnet", METAL, "to pick up nails", "iron"),
    ("purse", CLOTH, "to keep coins in", "leather"),
    ("violin", WOOD, "to play a slow song", "wood"),
    ("apron", CLOTH, "to stay clean in the kitchen", "cloth"),
    ("broom", WOOD, "to sweep the stairs", "wood"),
    ("cushion", CLOTH, "to sit on a hard chair", "cloth"),
    ("shovel", METAL, "to dig a hole", "iron"),
    ("telescope", METAL, "to count the stars", "glass"),
    ("mug", PLAIN, "to drink cocoa", "clay"),
)

COUNTED = (
    # one, many: what is counted in the village
    ("apple", "apples"),
    ("egg", "eggs"),
    ("nut", "nuts"),
    ("button", "buttons"),
    ("stone", "stones"),
    ("plum", "plums"),
    ("bun", "buns"),
    ("pear", "pears"),
    ("carrot", "carrots"),
    ("sheep", "sheep"),
)
