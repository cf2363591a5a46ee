"""Lost and found: the sentences of a third of all stories.

The thing is named again and again on its way back, for that is what good stories do and what a
small model learns copying from. The opening says that it is lost; each way of finding it says
"found" and names it.
"""

from __future__ import annotations

from tinyllm.village.voices import Beat

LOSSES: dict[str, tuple[Beat, ...]] = {
    # how the thing was lost: the opening, then what one should know about it
    "forgotten": (
        Beat(
            "One {weather} {hour} {hero} *lost {a_thing} {at}.",
            "{hero} *lost {a_thing} on a {weather} {hour}, somewhere near {place}.",
            "On {day} {hero} *lost {a_thing} on the way to {place}.",
            "It *was a {weather} {hour} when {hero} *lost {a_thing} {at}.",
            "This is how {hero} *lost {a_thing}. It *began {at}.",
            "One {hour} in {season} {hero} *lost {a_thing} {at}.",
        ),
        Beat(
            "{He} *had put it down to tie a shoe.",
            "{He} *had put it down to count the clouds.",
            "{He} *had carried it all day, and then {he} *had forgotten it.",
            "{He} *had talked to {animal} the {species} and forgotten everything else.",
            "One moment it *was there, the next it *was not.",
            "{He} *had left it on a wall and walked away, singing.",
        ),
    ),
    "wind": (
        Beat(
            "One windy {hour} {hero} *lost {a_thing} {at}. The wind *took it.",
            "{hero} *lost {a_thing} on a windy {hour}, because the wind *wanted it more.",
            "The wind *was strong on {day}, and {hero} *lost {a_thing} {at}.",
            "It *was so windy {at} that {hero} *lost {a_thing}.",
            "{hero} *lost {a_thing} to the wind one {hour} in {season}.",
        ),
        Beat(
            "The {thing} *flew over three roofs and *waved.",
            "Up *went the {thing}, over the trees and away.",
            "The wind *did not say sorry.",
            "The {thing} *rolled down the road and *was gone.",
            "{He} *ran after it, but the wind *was faster.",
        ),
    ),
    "hidden": (
        Beat(
            "{hero} *lost {a_thing} by hiding it too well.",
            "One {weather} {hour} {hero} *hid {a_thing} so well that it *was lost.",
            "On {day} {hero} *hid {a_thing} from the whole village. Now it *was lost.",
            "{hero} *lost {a_thing} in {season}, and it *was nobody's fault but {his} own.",
            "It *was a {weather} {hour}. {hero} *had hidden {a_thing}, and now it *was lost.",
        ),
        Beat(
            "It *was the best hiding place of all. {He} *could not find it again.",
            "{He} *had made a map of the place, and then {he} *had hidden the map.",
            "{He} *had told nobody, and nobody *could help.",
            "{He} *knew that it *was somewhere dark. That *was all {he} *knew.",
            "{He} *had not told {friend}, and now {he} *was sorry.",
        ),
    ),
    "taken": (
        Beat(
            "On {day} {hero} *lost {a_thing}. Somebody *had taken it from the garden.",
            "{hero} *lost {a_thing} one {weather} night. Somebody *had taken it.",
            "One {weather} {hour} {hero} *came home and *saw that {a_thing} *was lost.",
            "Somebody *had been in the garden, and {hero} *lost {a_thing}.",
            "{hero} *lost {a_thing} in {season}, and there ^were strange footprints in the garden.",
        ),
        Beat(
            "There *was a footprint beside the gate, and it *was not a shoe.",
            "The only sign *was a little mud on the step.",
            "Somebody *had left a bite in the fence.",
            "{He} *found no letter, no name and no excuse.",
            "The gate *was open, and the gate *would not say why.",
        ),
    ),
    "lent": (
        Beat(
            "{hero} *lost {a_thing} that *belonged to {owner}.",
            "One {weather} {hour} {hero} *lost {a_thing}, and it *belonged to {owner}.",
            "On {day} {hero} *lost {a_thing} {at}. The bad news *was that {owner} *needed it.",
            "{owner} *had trusted {whom} with {a_thing}. Of course {hero} *lost it.",
        ),
        Beat(
            "{owner} *wanted the {thing} back by {day2}.",
            '"I will take good care of the {thing}," {he} *had told {owner}.',
            "{He} *did not want to tell {owner}, not before dinner.",
            "{owner} *was kind, but not about lost things.",
        ),
    ),
}

SEARCH = Beat(
    "{hero} *looked {spot}, but the {thing} *was not there.",
    "{hero} *looked {spot} and *found an old sock, but no {thing}.",
    "{hero} *searched {spot} and {spot2}. No {thing}.",
    "The {thing} *was not {spot}, and it *was not {spot2}.",
    "{hero} *looked in all the wrong places, because the {thing} *was in none of them.",
    "{hero} *looked {spot} twice, in case the {thing} *was shy.",
    "First {hero} *looked {spot}. Then {he} *sat down and *felt sorry for the {thing}.",
    "{hero} *turned over {number} stones, but there *was no {thing} under them.",
)

ASK = Beat(
    "*Had anybody seen the {thing}?",
    '"Have you seen {a_thing}?" {he} *asked {adult}. {adult} *had not.',
    '"{A_thing}? No," *said {adult}, "but I have seen many other things."',
    '"It is {a_thing}," {he} *told everybody. "It is the only {thing} in the world."',
    '{He} *asked {number} people about the {thing}. They *said "no" in {number} ways.',
    '"If I were {a_thing}, where would I be?" {he} *asked {animal} the {species}.',
    '"Please come back," {he} *said to the {thing}, wherever it *was.',
    "Without the {thing} the whole day *was spoiled.",
)

FINDS: dict[str, tuple[Beat, ...]] = {
    # how the thing was found
    "friend": (
        Beat(
            "Then {friend} *came along and *wanted to help.",
            '"I will help you," *said {friend}, who *had nothing better to do.',
            "Then {friend} *came past with open eyes.",
            "{friend} *had an idea: they should look where nobody *looked.",
            '"Two people have four eyes," *said {friend}.',
        ),
        Beat(
            "It *was {friend} who *found the {thing} {at2}.",
            "{friend} *looked {spot3}, and there {friend_he} *found the {thing}.",
            '"Here it is!" *called {friend}, who *had found the {thing} {spot3}.',
            "After a long search {friend} *found the {thing} {at2}, safe and dry.",
            "{friend} *found the {thing} {spot3} and *held it up like a fish.",
        ),
    ),
    "animal": (
        Beat(
            "Then {animal} the {species} *walked past, looking very pleased.",
            "Then there *was a noise, and the noise *was {animal} the {species}.",
            "{animal} the {species} *came by and *would not look at anybody.",
            "{animal} the {species} *was lying {spot3}, a little too quiet.",
        ),
        Beat(
            "{hero} *found the {thing} under {animal}, still warm.",
            "{animal} *stood up, and {hero} *found the {thing}. It *had been a good bed.",
            "{hero} *gave {animal} some {feed} and *found the {thing} behind {an_him}.",
            "{hero} *found the {thing} in {an_his} corner, among other treasures.",
        ),
        Beat(
            '"{animal}!" {he} *said. {animal} *looked at the sky.',
            "{animal} *was not sorry at all.",
            "{animal} *had only wanted some company.",
            "Nobody *could be angry with {animal} for long.",
        ),
    ),
    "grown-up": (
        Beat(
            "{adult} *heard about it {at2}.",
            "In the end {he} *went to {adult}, who *knew everything or *said so.",
            '"Think," *said {adult}. "Where did you have it last?"',
            "{adult} *listened to the whole story and *drank a cup of tea.",
        ),
        Beat(
            "{hero} *thought hard, *went back to {place2} and *found the {thing} {spot3}.",
            "And so {hero} *found the {thing} {at2}, where {he} *had stood all day.",
            "{adult} *pointed, and {hero} *found the {thing} {spot3}.",
            "{adult} *had found the {thing} {at2} and kept it for {whom}.",
        ),
    ),
    "steps": (
        Beat(
            "So {he} *walked back, step by step, backwards.",
            "So {he} *did the whole day again, but slower.",
            "{He} *went back the same way and *looked at the ground.",
            "{He} *shut {his} eyes and *tried to remember.",
        ),
        Beat(
            "At step {number2} {hero} *found the {thing} {spot3}.",
            "{hero} *went as far as {place2} and *found the {thing} {spot3}.",
            "Halfway to {place2}, {spot3}, {hero} *found the {thing}.",
            "And {spot3}, as if nothing *had happened, {hero} *found the {thing}.",
        ),
    ),
    "own": (
        Beat(
            '"What is that on your back?" *asked {friend}.',
            "{friend} *looked at {whom} for a long time and *began to laugh.",
            '"You are very funny," *said {friend}. "Turn around."',
            'Then {friend} *said: "Look at your own hands."',
        ),
        Beat(
            "{hero} *found the {thing} in {his} own bag, where it *had been all day.",
            "{hero} *found the {thing} on {his} own back. It *had been there since breakfast.",
            "{hero} *found the {thing} under {his} own arm.",
            "And so {hero} *found the {thing}. It *had never been away.",
        ),
    ),
    "notice": (
        Beat(
            "{He} *wrote a notice: LOST, one {thing}. {He} *put it up {at2}.",
            "{He} *put a notice on the door of {place2}: Who has seen {a_thing}?",
            "{He} *wrote {number2} notices about the {thing} and *put them up {at2}.",
        ),
        Beat(
            "The next day {friend} *knocked at the door. {friend} *had found the {thing}.",
            "Before the evening {adult} *came with good news: somebody *had found the {thing}.",
            "{friend} *read the notice and *found the {thing} {spot3}.",
            "Looking for a nail to hang it up, {hero} *found the {thing} {spot3}.",
        ),
    ),
}

LOSS_AND_FIND = {
    "forgotten": ("friend", "animal", "grown-up", "steps", "own", "notice"),
    "wind": ("friend", "animal", "notice"),
    "hidden": ("friend", "animal", "grown-up", "steps", "own"),
    "taken": ("animal", "friend", "notice"),
    "lent": ("friend", "grown-up", "own", "steps"),
}

END = Beat(
    "{hero} *carried the {thing} home and *did not let go of it until {day2}.",
    "{hero} *was so happy that the {thing} *got a place beside {his} bed.",
    "{hero} *thanked everybody, even the {thing}.",
    "That night {hero} *slept with the {thing} under the pillow.",
    "{hero} *took the {thing} home. From then on it *had a string and a label.",
    "{hero} *laughed all the way home, and the {thing} *came along.",
    "{hero} *promised never to lose the {thing} again, at least not this week.",
    "{hero} *was glad. Some days end better than they begin, and so did the {thing}.",
    "{hero} *told the story of the {thing} {number3} times before bed.",
)

END_LENT = Beat(
    "{hero} *brought the {thing} to {owner} and *said nothing about the rest.",
    "{hero} *told {owner} the whole truth, and {owner} *had not even noticed.",
    "{hero} *ran to {owner} with the {thing} and *arrived just in time.",
    '{hero} *brought back the {thing}. "You look tired," *said {owner}.',
)
