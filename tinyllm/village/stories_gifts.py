"""Who has it now: presents, loans, swaps.

A thing that changes hands is named with its adjective every time, and so are the hand that gives
and the hand that takes. At the end somebody has it, and the story says who.
"""

from __future__ import annotations

from tinyllm.village.voices import Beat

GIFTS: dict[str, tuple[Beat, ...]] = {
    # why the thing will change hands: the opening, then what makes it hard
    "birthday": (
        Beat(
            "{hero} *had {a_thing}, and {friend} *had a birthday.",
            "It *was a {weather} {hour}. {hero} *had {a_thing} for the birthday of {friend}.",
            "{hero} *had {a_thing}. On {day} it *was the birthday of {friend}.",
            "In {season} {hero} *had {a_thing} and a friend with a birthday: {friend}.",
            "{hero} *had {a_thing}. It *was a birthday present for {friend}, but nobody *knew.",
        ),
        Beat(
            "It *was hard to give away such a good {noun}.",
            '"{A_noun} is better than a song," {he} *thought.',
            "{He} *wrapped the {thing} in paper and *opened it again {number} times.",
            "{He} *had looked at the {thing} for {number} evenings.",
            "{friend} *had talked about nothing but the {thing} for {number} weeks.",
        ),
    ),
    "loan": (
        Beat(
            "{hero} *had {a_thing}, and {friend} *wanted to borrow it.",
            "{hero} *had {a_thing}. {friend} *needed it until {day}.",
            "One {weather} {hour} {hero} *had {a_thing}, and {friend} *had a plan for it.",
            "{hero} *had {a_thing}. One {hour} {friend} *came and *asked to borrow it.",
        ),
        Beat(
            '"Be good to the {thing}," {he} *said.',
            '"What do you need {a_noun} for?" {he} *asked. It *was a secret.',
            "{friend} *promised to keep the {thing} dry and out of the soup.",
            "There ^were {number} rules about the {thing}, and {friend} *had to say them twice.",
            "{friend} *wanted the {thing} {use}.",
        ),
    ),
    "no room": (
        Beat(
            "{hero} *had {a_thing} and no room for it.",
            "{hero} *had {a_thing}, and nobody at home *liked it.",
            "On {day} {hero} *cleaned the whole room. {hero} *had {a_thing} too many.",
            "{hero} *had {a_thing}. One {weather} {hour} {he} *was tired of it.",
        ),
        Beat(
            "{He} *fell over the {thing} {number} times in one day.",
            '"Every {noun} has a friend somewhere," {he} *said.',
            "Somebody in the village *would be happy with the {thing}.",
            "Even {animal} the {species} *did not want the {thing}.",
        ),
    ),
    "envied": (
        Beat(
            "{hero} *had {a_thing}. {friend} *had nothing to play with.",
            "One {weather} {hour} {hero} *had {a_thing}, and {friend} *could not look away.",
            "{hero} *had {a_thing}, the best in the village. {friend} *had none.",
            "{hero} *had {a_thing}. On {day} {friend} *was sad, and everybody *knew why.",
        ),
        Beat(
            '"I only want to hold the {thing}," *said {friend}.',
            "{friend} *said nice things about the {thing}, one after the other.",
            '"{A_noun} is more fun for two," *said {friend}.',
            "{friend} *drew a picture of the {thing} and *showed it to {whom}.",
        ),
    ),
}

HANDS: dict[str, tuple[Beat, ...]] = {
    # how it changes hands; `WHO_HAS` says in whose hands it stays
    "kept": (
        Beat(
            "{hero} *gave the {thing} to {friend}.",
            "{hero} *took a deep breath and *gave the {thing} to {friend}.",
            "On {day2} {hero} *gave the {thing} to {friend}.",
            "After lunch {hero} *gave the {thing} to {friend}.",
        ),
        Beat(
            '"Is it mine?" *asked {friend}. It *was.',
            "{friend} *did not say a word, which *was new.",
            "{friend} *danced around the table and *hit a chair.",
            "{friend} *said thank you {number2} times.",
            "{friend} *ran outside to show it to {animal} the {species}.",
        ),
    ),
    "came back": (
        Beat(
            "So {hero} *gave the {thing} to {friend}.",
            "{hero} *gave the {thing} to {friend} and *hoped for the best.",
            "On {day2} {hero} *gave the {thing} to {friend}.",
        ),
        Beat(
            "{friend} *was careful with it for {number2} days.",
            "The {thing} *saw a lot of the world.",
            "{friend} *carried it to {place} and back.",
            "At night {friend} *thought about {whom} and *felt bad.",
        ),
        Beat(
            "Then {friend} *gave the {thing} back to {whom}.",
            "Before dinner {friend} *gave the {thing} back to {whom}, with a bun on top.",
            'Then {friend} *said: "It misses you." And {friend} *gave the {thing} back to {whom}.',
        ),
    ),
    "went on": (
        Beat(
            "{hero} *gave the {thing} to {friend}.",
            "So {hero} *gave the {thing} to {friend}.",
            "{hero} *smiled and *gave the {thing} to {friend}.",
        ),
        Beat(
            "But {friend} *met {third} {at}, and {third} *had no {noun} at all.",
            "But {third} *wanted the {thing} even more.",
            "Then {friend} *saw that {third} *was sad.",
            "{At} {friend} *met {third}, who *looked very lonely.",
        ),
        Beat(
            "So {friend} *gave the {thing} to {third}.",
            "{friend} *thought about it and *gave the {thing} to {third}.",
            "In the end {friend} *gave the {thing} to {third}.",
        ),
    ),
    "grown-up": (
        Beat(
            "{friend} *said no, because {a_noun} is a lot of work.",
            "But {friend} *had changed {friend_his} mind.",
            "But {friend} *had a cold and *stayed in bed.",
        ),
        Beat(
            "So {hero} *gave the {thing} to {adult}.",
            "{adult} *walked by, and {hero} *gave the {thing} to {adult}.",
            "{At} {hero} *gave the {thing} to {adult}.",
        ),
        Beat(
            "{adult} *had always wanted {a_noun} {use}.",
            '"I had one like this when I was small," *said {adult}.',
            "{adult} *put the {thing} in the window for all to see.",
        ),
    ),
    "swap": (
        Beat(
            "{friend} *had {a_thing2} and *wanted to swap.",
            "{friend} *owned {a_thing2} and *was tired of it.",
            '"I will give you {a_thing2} for it," *said {friend}.',
        ),
        Beat(
            "{hero} *gave the {thing} to {friend}, and {friend} *gave the {thing2} to {whom}.",
            "{hero} *gave {friend} the {thing}, and {friend} *gave {whom} the {thing2}.",
        ),
        Beat(
            "Both ^were sure that the other *was not very clever.",
            "Both ^went home quickly, before the other *could think about it.",
            "It *was a good swap, or a bad one, but it *was quick.",
        ),
    ),
}

WHO_HAS = {"kept": "friend", "came back": "hero", "went on": "third"} | {
    "grown-up": "adult",
    "swap": "friend",
}

GIFT_AND_HANDS = {
    "birthday": ("kept", "came back", "went on", "swap"),
    "loan": ("kept", "came back", "went on", "swap"),
    "no room": ("kept", "went on", "grown-up", "swap"),
    "envied": ("kept", "came back", "went on", "swap"),
}

CLAIM = Beat(
    "In the end {holder} *had the {thing}.",
    "So now {holder} *had the {thing}.",
    "Who *had the {thing} now? {holder} *had the {thing}.",
    "That is why {holder} *had the {thing}.",
    "From then on the {thing} *belonged to {of_holder}.",
)

CLAIM_SWAP = Beat(
    "Now {friend} *had the {thing}, and {hero} *had the {thing2}.",
    "Now {hero} *had the {thing2}, and {friend} *had the {thing}.",
    "In the end {hero} *had the {thing2}. The {thing} *belonged to {friend}.",
)

END = Beat(
    "{hero} *went home with a light heart and cold hands.",
    "{hero} *drew a picture of it and *hung it over the bed.",
    "{hero} *laughed about it until bedtime.",
    "{hero} *wanted to remember this day, so {he} *wrote it on the wall.",
    "{hero} *thought that it *had been a very good day.",
    "{hero} *sang all the way home, and not even badly.",
    "{hero} *slept well that night and *dreamed of {many}.",
    "{hero} *told {witness} about it, and {witness} *was proud of {him}.",
    "{hero} *ate {food} for dinner and *was happy.",
    "{hero} *learned that two hands can give more than they can hold.",
    "{hero} *said that {he} *would do it again on {day3}.",
)
