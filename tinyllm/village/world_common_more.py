"""More of what is true everywhere: more rows for the families of `world_common.py`, more families.

A row more is cheap to learn, because its wordings are known from the rows beside it; a family more
costs its wordings. Every fact has one answer, whoever is asked and wherever.

Which facts fine-tuning holds out goes by a hash (`instruction_content.py`). Rows are chosen such
that none of `world_common.py` changes sides; above all "What colour is the sky?" stays asked.
"""

from __future__ import annotations

from tinyllm.village.world_common import Family

MORE_ROWS: dict[str, tuple[tuple[str, str], ...]] = {
    # relation of `world_common.COMMON`: rows of subject and answer
    "colour": (
        ("a banana", "yellow"),
        ("a cherry", "red"),
        ("an orange", "orange"),
        ("mustard", "yellow"),
        ("a cucumber", "green"),
        ("salt", "white"),
        ("mud", "brown"),
        ("a flamingo", "pink"),
        ("lavender", "purple"),
    ),
    "opposite": (
        ("young", "old"),
        ("strong", "weak"),
        ("clean", "dirty"),
        ("near", "far"),
        ("good", "bad"),
        ("up", "down"),
        ("rich", "poor"),
        ("day", "night"),
    ),
    "sound": (
        ("a horse", "neigh"),
        ("a donkey", "hee-haw"),
        ("a rooster", "cockadoodle"),
        ("a crow", "caw"),
        ("a lion", "roar"),
    ),
    "number": (
        ("the wheels of a car", "four"),
        ("the corners of a square", "four"),
        ("the arms of an octopus", "eight"),
        ("the fingers of two hands", "ten"),
        ("the colours of a rainbow", "seven"),
        ("the months of a year", "twelve"),
    ),
    "young": (
        ("a foal", "a horse"),
        ("a piglet", "a pig"),
        ("a gosling", "a goose"),
        ("a fawn", "a deer"),
        ("a cygnet", "a swan"),
    ),
    "sum": (
        # with those of `COMMON`: every sum up to ten, in one of its two orders
        ("three plus one", "four"),
        ("four plus one", "five"),
        ("five plus one", "six"),
        ("six plus one", "seven"),
        ("seven plus one", "eight"),
        ("eight plus one", "nine"),
        ("nine plus one", "ten"),
        ("four plus two", "six"),
        ("five plus two", "seven"),
        ("seven plus two", "nine"),
        ("eight plus two", "ten"),
        ("five plus three", "eight"),
        ("six plus three", "nine"),
        ("seven plus three", "ten"),
        ("six plus four", "ten"),
    ),
    "maker": (
        ("butter", "milk"),
        ("juice", "fruit"),
        ("flour", "wheat"),
        ("paper", "wood"),
        ("glass", "sand"),
    ),
    "body": (
        ("breathe", "lungs"),
        ("hug", "arms"),
        ("chew", "teeth"),
        ("kiss", "lips"),
        ("listen", "ears"),
    ),
    "feel": (
        ("glue", "sticky"),
        ("soap", "slippery"),
        ("a thorn", "sharp"),
        ("an anchor", "heavy"),
    ),
}

MORE: dict[str, Family] = {
    # as in `world_common.COMMON`: statements, questions, rows, further wrong answers
    "next month": (
        # no wording begins with the month: a month keeps its capital inside another sentence
        (
            "After {s} comes {a}.",
            "The month after {s} is {a}.",
            "When {s} is over, it is {a}.",
            "First we have {s} and then we have {a}.",
            "In every year {s} is followed by {a}.",
            "At the end of {s} begins {a}.",
            "On the last day of {s} we wait for {a}.",
        ),
        (
            "Which month comes after {s}?",
            "What is the month after {s}?",
            "{S} is over. Which month is it now?",
            "Which month follows {s}?",
        ),
        (
            ("January", "February"),
            ("February", "March"),
            ("March", "April"),
            ("April", "May"),
            ("May", "June"),
            ("June", "July"),
            ("July", "August"),
            ("August", "September"),
            ("September", "October"),
            ("October", "November"),
            ("November", "December"),
            ("December", "January"),
        ),
        (),
    ),
    "lives in": (
        (
            "{S} lives in {a}.",
            "The home of {s} is {a}.",
            "You find {s} in {a}.",
            "{S} feels at home in {a}.",
            "If you look for {s}, look in {a}.",
            "When {s} goes home, it goes to {a}.",
            "{A} is the home of {s}.",
        ),
        (
            "Where does {s} live?",
            "Where is the home of {s}?",
            "Where do you find {s}?",
            "Where does {s} feel at home?",
        ),
        (
            ("a bee", "a hive"),
            ("a bird", "a nest"),
            ("a spider", "a web"),
            ("a snail", "a shell"),
            ("a rabbit", "a burrow"),
            ("a whale", "the sea"),
            ("a camel", "the desert"),
            ("a monkey", "the jungle"),
        ),
        (),
    ),
    "made of": (
        (
            "{S} is made of {a}.",
            "People make {s} out of {a}.",
            "Look at {s}: it is made of {a}.",
            "To make {s}, you need {a}.",
            "If you touch {s}, you touch {a}.",
            "What is {s} made of? {A}.",
            "Nobody can make {s} without {a}.",
        ),
        (
            "What is {s} made of?",
            "What do you need to make {s}?",
            "What do people make {s} out of?",
            "What do you touch if you touch {s}?",
        ),
        (
            ("a window", "glass"),
            ("a nail", "iron"),
            ("a jumper", "wool"),
            ("a newspaper", "paper"),
            ("a brick", "clay"),
            ("a tyre", "rubber"),
            ("a snowman", "snow"),
            ("a sandcastle", "sand"),
        ),
        (),
    ),
    "sort": (
        (
            "{S} is {a}.",
            "We call {s} {a}.",
            "Everybody agrees that {s} is {a}.",
            "If you see {s}, you see {a}.",
            "What is {s}? It is {a}.",
            "In the book of all things, {s} is {a}.",
            "Show {s} to a child, and the child says that it is {a}.",
        ),
        (
            "What is {s}?",
            "What do we call {s}?",
            "What kind of thing is {s}?",
            "What is {s} in the book of all things?",
        ),
        (
            ("a rose", "a flower"),
            ("an oak", "a tree"),
            ("an eagle", "a bird"),
            ("a trout", "a fish"),
            ("an ant", "an insect"),
            ("an apple", "a fruit"),
            ("a cabbage", "a vegetable"),
            ("a hammer", "a tool"),
        ),
        (),
    ),
}

HALF_TRUE: dict[tuple[str, str], tuple[str, ...]] = {
    # relation and subject: answers of other rows that are not false enough to be called wrong
    ("colour", "a banana"): ("green", "brown"),
    ("colour", "a cherry"): ("black", "pink"),
    ("colour", "an orange"): ("green",),
    ("colour", "mustard"): ("brown",),
    ("colour", "a cucumber"): ("yellow",),
    ("colour", "salt"): ("pink",),
    ("colour", "mud"): ("black", "grey"),
    ("colour", "a flamingo"): ("red", "orange"),
    ("colour", "lavender"): ("blue", "pink"),
    ("colour", "milk"): ("yellow",),  # the wrong answers named for milk are those of its maker
    ("opposite", "happy"): ("bad",),
    ("opposite", "early"): ("night",),
    ("opposite", "hard"): ("weak",),
    ("opposite", "strong"): ("soft", "small"),
    ("opposite", "good"): ("sad", "poor"),
    ("opposite", "up"): ("low",),
    ("opposite", "rich"): ("empty",),
    ("opposite", "day"): ("dark", "late"),
    ("sound", "a hen"): ("cockadoodle",),
    ("sound", "a rooster"): ("cluck",),
    ("maker", "butter"): ("cows", "sheep"),
    ("maker", "juice"): ("trees",),
    ("maker", "paper"): ("trees",),
    ("body", "clap"): ("arms",),
    ("body", "bite"): ("lips",),
    ("body", "hug"): ("hands",),
    ("body", "chew"): ("lips",),
    ("feel", "glue"): ("wet", "soft", "hot", "cold", "hard", "slippery"),
    ("feel", "soap"): ("wet", "soft", "hard"),
    ("feel", "a thorn"): ("hard",),
    ("feel", "an anchor"): ("hard", "cold", "wet", "sharp"),
    ("lives in", "a bee"): ("a nest",),
    ("lives in", "a bird"): ("the jungle", "the desert"),
    ("lives in", "a spider"): ("a nest", "a burrow", "the jungle", "the desert"),
    ("lives in", "a snail"): ("the sea", "the jungle"),
    ("lives in", "a rabbit"): ("a nest",),
    ("made of", "a brick"): ("sand",),
}
