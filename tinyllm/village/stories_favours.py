"""One good turn after another: a favour chain goes down link by link and comes back up.

The first person wants something before giving; so does the second, perhaps. Everything that is
carried is named at both ends of its way.
"""

from __future__ import annotations

from tinyllm.village.voices import Beat

OPENING = Beat(
    "{adult} *had {a_thing}, and {hero} *needed it {use}.",
    "One {weather} {hour} {hero} *needed {a_noun} {use}. {adult} *had {a_thing}.",
    "{hero} *wanted {a_noun} for {season}. Only {adult} *had {a_thing}.",
    "On {day} {hero} *needed {a_noun} {use}. {adult} *had {a_thing}.",
    "{adult} *had {a_thing}. {hero} *looked at it every {hour} and *sighed.",
)

PRICE = Beat(
    '"You can have the {thing}," *said {adult}, "if you bring me {a_thing2}."',
    '"The {thing} is not free," *said {adult}. "Bring me {a_thing2}."',
    "{adult} *wanted {a_thing2} for the {thing}, and nothing else.",
    '"I like my {thing}," *said {adult}, "but I would like {a_thing2} more."',
)

GOING = Beat(
    "So {hero} *went to look for {a_thing2}.",
    "So {hero} *walked to {place} to find {a_thing2}.",
    '"Where do I get {a_thing2}?" {he} *asked {animal} the {species}.',
    "{A_thing2}! {hero} *ran to the house of {friend}.",
)

GIVEN = Beat(
    "{friend} *had one and *smiled. {friend} *gave the {thing2} to {whom}.",
    '"That is easy," *said {friend}. And {friend} *gave the {thing2} to {whom}.',
    "{friend} *was in a good mood and *gave the {thing2} to {whom}.",
    "{At} sat {friend} with the {thing2}. {friend} *gave the {thing2} to {whom}.",
)

SECOND_PRICE = Beat(
    "{friend} *had the {thing2}, but {friend} *wanted {a_thing3} for it.",
    '"I will give you the {thing2} for {a_thing3}," *said {friend}.',
    "{friend} *would not give away the {thing2} without {a_thing3}.",
)

SECOND_GIVEN = Beat(
    "{third} *asked for nothing and *gave the {thing3} to {whom}.",
    "At last {third} *gave the {thing3} to {whom}, for a smile.",
    "{third} *had two of them and *gave the {thing3} to {whom}.",
)

SECOND_BACK = Beat(
    "{hero} *gave the {thing3} to {friend}, and {friend} *gave the {thing2} to {whom}.",
    "Back {he} *went. {hero} *gave the {thing3} to {friend}, and {friend} *gave the {thing2} to "
    "{whom}.",
)

BACK = Beat(
    "{hero} *gave the {thing2} to {adult}, and {adult} *gave the {thing} to {whom}.",
    "{hero} *ran back and *gave the {thing2} to {adult}. {adult} *gave the {thing} to {whom}.",
    "{hero} *gave the {thing2} to {adult}. As promised, {adult} *gave the {thing} to {whom}.",
)

CLAIM = Beat(
    "Now {adult} *had the {thing2}, and {hero} *had the {thing}.",
    "Now {hero} *had the {thing}, and {adult} *had the {thing2}.",
    "In the end {hero} *had the {thing}.",
    "So now {hero} *had the {thing}.",
)

END = Beat(
    "{hero} *carried the {thing} home with both arms.",
    "{hero} *was tired, but the {thing} *was worth it.",
    "{hero} *said that asking *was the hardest part.",
    "{hero} *took the {thing} to bed, just this once.",
    "{hero} *used the {thing} until it *was dark.",
    "{hero} *thanked everybody twice, because once *was not enough.",
)
