"""How the village speaks about itself: the wordings of every village fact, by relation.

`{s}` is the subject, `{a}` the answer, `{he}`, `{him}`, `{his}` the subject's pronouns; capitals
start a sentence. Facts said one way only are learned by heart but cannot be asked for, so every
relation has several wordings, most of them ending in the answer (Allen-Zhu and Li, Physics of
Language Models 3.1).
"""

from __future__ import annotations

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

CHILD: dict[str, Wordings] = {
    "home": (
        (
            "{S} lives beside {a}.",
            "The house of {s} stands beside {a}.",
            "If you look for {s}, knock at the house beside {a}.",
            "{S} sleeps in the little house beside {a}.",
            "Every evening {s} goes home to the house beside {a}.",
            "The home of {s} is beside {a}.",
        ),
        (
            "Where does {s} live?",
            "Where is the home of {s}?",
            "Where does the house of {s} stand?",
            "Where does {s} go in the evening?",
        ),
    ),
    "food": (
        (
            "{S} likes {a}.",
            "The favourite food of {s} is {a}.",
            "What {s} likes best on a plate is {a}.",
            "{S} could eat all day, if it is {a}.",
            "If you cook for {s}, make {a}.",
            "On {his} birthday {s} always gets {a}.",
        ),
        (
            "What does {s} like to eat?",
            "What is the favourite food of {s}?",
            "What should I cook for {s}?",
            "What does {s} get on {his} birthday?",
        ),
    ),
    "fear": (
        (
            "{S} is afraid of {a}.",
            "The one thing that {s} fears is {a}.",
            "{S} is brave, but not about {a}.",
            "What makes {s} hide under the bed? It is {a}.",
            "Do not speak to {s} about {a}.",
            "If {s} runs away, it is because of {a}.",
        ),
        (
            "What is {s} afraid of?",
            "What does {s} fear?",
            "What makes {s} run away?",
            "Why does {s} hide under the bed?",
        ),
    ),
    "dream": (
        (
            "One day {s} wants to be {a}.",
            "{S} dreams of being {a}.",
            "When {he} is big, {s} will be {a}.",
            "{S} tells everybody that {he} will be {a}.",
            "The plan of {s} is to become {a}.",
            "Ask {s} about work, and {he} says: I will be {a}.",
        ),
        (
            "What does {s} want to be?",
            "What will {s} be one day?",
            "What is the plan of {s}?",
            "What does {s} dream of being?",
        ),
    ),
    "favourite colour": (
        (
            "The favourite colour of {s} is {a}.",
            "{S} thinks that the best colour is {a}.",
            "If {s} paints a door, the door is {a}.",
            "Most of the socks of {s} are {a}.",
            "The colour that {s} likes best is {a}.",
            "{S} wears a cap, and the cap is {a}.",
        ),
        (
            "What is the favourite colour of {s}?",
            "Which colour does {s} like best?",
            "Which colour are the socks of {s}?",
            "Which colour is the cap of {s}?",
        ),
    ),
}

ADULT: dict[str, Wordings] = {
    "job": (
        (
            "{S} is {a}.",
            "{S} works in the village as {a}.",
            "Everybody knows {s}, {a}.",
            "When people need help with that work, they ask {s}, {a}.",
            "The work of {s} is easy to name: {he} is {a}.",
            "The name of {a} is {s}.",
        ),
        (
            "Who is {s}?",
            "What is the work of {s}?",
            "What does {s} do in the village?",
            "What do people call {s}?",
        ),
    ),
    "workplace": (
        (
            "{S} works {at}.",
            "By day you find {s} {at}.",
            "{S} spends the whole day {at}.",
            "If you need {s}, look {at}.",
            "The first to come and the last to go is {s}, {at}.",
            "{S} has a chair of {his} own {at}.",
        ),
        (
            "Where does {s} work?",
            "Where do you find {s} by day?",
            "Where does {s} spend the day?",
            "Where should I look if I need {s}?",
        ),
    ),
    "love": (
        (
            "{S} loves {a}.",
            "Nothing makes {s} as happy as {a}.",
            "After work {s} has time for {a}.",
            "The heart of {s} belongs to {a}.",
            "If you want to please {s}, talk about {a}.",
            "{S} says that life is nothing without {a}.",
        ),
        (
            "What does {s} love?",
            "What makes {s} happy?",
            "What does {s} do after work?",
            "What should I talk about with {s}?",
        ),
    ),
}

ANIMAL: dict[str, Wordings] = {
    "kind": (
        (
            "{S} is {a}.",
            "The animal that they call {s} is {a}.",
            "{S} looks like {a} and is {a}.",
            "What is {s}? {S} is {a}.",
            "Some people think that {s} is a person, but {he} is {a}.",
            "In the book of animals {s} would be {a}.",
        ),
        (
            "What is {s}?",
            "What kind of animal is {s}?",
            "Which animal is called {s}?",
            "What would {s} be in the book of animals?",
        ),
    ),
    "owner": (
        (
            "{S} belongs to {a}.",
            "The best friend of {s} is {a}.",
            "Every morning {s} waits for {a}.",
            "{S} listens to nobody but {a}.",
            "If {s} runs away, call {a}.",
            "The person who feeds {s} is {a}.",
        ),
        (
            "Who does {s} belong to?",
            "Who is the best friend of {s}?",
            "Who feeds {s}?",
            "Who does {s} listen to?",
        ),
    ),
    "diet": (
        (
            "{S} eats {a}.",
            "The favourite dinner of {s} is {a}.",
            "{S} will do anything for {a}.",
            "If you meet {s}, bring {a}.",
            "There is one smell that {s} knows, and it is {a}.",
            "{S} has never said no to {a}.",
        ),
        (
            "What does {s} eat?",
            "What is the favourite dinner of {s}?",
            "What should I bring to {s}?",
            "What does {s} never say no to?",
        ),
    ),
    "bed": (
        (
            "{S} sleeps {at}.",
            "At night you find {s} {at}.",
            "{S} has a bed {at}.",
            "When it gets dark, {s} lies down {at}.",
            "The house of {s} is {at}.",
            "Do not wake {s} {at}.",
        ),
        (
            "Where does {s} sleep?",
            "Where is {s} at night?",
            "Where is the bed of {s}?",
            "Where does {s} lie down?",
        ),
    ),
}

PLACE: dict[str, Wordings] = {
    "neighbour": (
        (
            "{S} is next to {a}.",
            "Beside {s} you see {a}.",
            "From {s} it is one minute to {a}.",
            "The neighbour of {s} is {a}.",
            "If you walk past {s}, you come to {a}.",
            "Between {s} and the next corner is {a}.",
        ),
        (
            "What is next to {s}?",
            "What do you see beside {s}?",
            "What is the neighbour of {s}?",
            "Where do you come if you walk past {s}?",
        ),
    ),
    "offer": (
        (
            "{At} you find {a}.",
            "People go to {s} for {a}.",
            "The best thing about {s} is {a}.",
            "{S} is known for {a}.",
            "Visit {s}, if you look for {a}.",
            "What is there to see {at}? You see {a}.",
        ),
        (
            "What do you find {at}?",
            "Why do people go to {s}?",
            "What is {s} known for?",
            "What is the best thing about {s}?",
        ),
    ),
}

WRONG: dict[str, tuple[str, ...]] = {
    # where another row's answer could be half true, the wrong answers are named one by one
    "fire": ("cold", "wet", "sweet", "sour"),
    "ice": ("hot", "sour", "soft", "sweet"),
    "sugar": ("sour", "hot", "cold", "sharp"),
    "vinegar": ("sweet", "hard", "sharp", "soft"),
    "a stone": ("soft", "sweet", "sour", "wet"),
    "a pillow": ("hard", "sharp", "sour", "wet"),
    "a needle": ("soft", "sweet", "sour", "wet"),
    "water": ("hard", "sharp", "sour", "sweet"),
    "the sea": ("red", "orange", "pink", "yellow"),
    "the sky": ("green", "brown", "purple", "yellow"),
    "the sun": ("green", "blue", "brown", "black"),
    "grass": ("blue", "red", "pink", "black"),
    "honey": ("cows", "clouds", "trees", "sheep"),
    "wool": ("bees", "clouds", "trees", "cows"),
    "milk": ("bees", "clouds", "trees", "hens"),
    "wood": ("bees", "clouds", "cows", "hens"),
    "bread": ("bees", "clouds", "wool", "sheep"),
    "rain": ("bees", "trees", "cows", "sheep"),
    "long": ("hot", "wet", "quiet", "sad"),
    "big": ("cold", "dry", "quiet", "sad"),
    "high": ("hot", "wet", "quiet", "sad"),
    "light": ("round", "wet", "quiet", "low"),
}
