"""Troubles, first half: what goes wrong in a village, and what people do about it."""

from __future__ import annotations

from tinyllm.village.voices import Beat

Solutions = dict[str, tuple[Beat, ...]]

TROUBLES: dict[str, tuple[tuple[Beat, ...], Solutions]] = {
    "roof": (
        (
            Beat(
                "One {weather} {hour} {hero} *looked up. {animal} the {species} *was on the roof.",
                "{hero} *saw it first: {animal} the {species} *was on the roof of {house}.",
                'On {day} {hero} *heard a loud "{sound}" from the roof of {house}.',
                "{hero} *wanted to feed {animal} the {species}, but {animal} *was on the roof.",
            ),
            Beat(
                "Nobody *knew how {animal} *had got up there, least of all {animal}.",
                '"Come down!" {he} *called. "{Sound}," *said {animal}, and *stayed.',
                "{animal} *had gone up alone and *did not know the way down.",
                "The whole village *stood below and *gave good advice.",
            ),
        ),
        {
            "ladder": (
                Beat(
                    "{adult} *brought a ladder, but the ladder *was too short.",
                    "{adult} *came with the longest ladder in the village.",
                    '"I will hold the ladder," *said {adult}, "and you will climb."',
                ),
                Beat(
                    "{hero} *climbed up and *carried {animal} down under one arm.",
                    "{hero} *went up, *took {animal} by the ear and *came down again.",
                    "{hero} *put a board beside the ladder, and {animal} *walked down like a king.",
                ),
            ),
            "dinner": (
                Beat(
                    "Then {hero} *thought of something that {animal} *liked: {feed}.",
                    "{friend} *ran to get {feed}, because {animal} *ate nothing else.",
                    '"What does {animal} eat?" *asked {friend}. It *was {feed}.',
                ),
                Beat(
                    "{He} *put some {feed} on the grass, and {animal} *was down in a moment.",
                    "When {animal} *smelled {feed}, {an_he} *forgot to be afraid.",
                    "Nobody *saw how {animal} *came down, but the {feed} *was gone.",
                ),
            ),
            "waiting": (
                Beat(
                    "{adult} *told {them} to go home and let {animal} think.",
                    '"Do not look up," *said {adult}. "Then it is no fun."',
                    "So {they} ^sat down with {their} backs to {animal} and ^waited.",
                ),
                Beat(
                    "After {number} minutes {animal} *stood beside {whom} and *was hungry.",
                    "When it *was dark, {animal} *came down all alone.",
                    "Soon {animal} *was bored and *came down through the house.",
                ),
            ),
        },
    ),
    "fear": (
        (
            Beat(
                "One {weather} {hour} {hero} *had to go to {place} alone. {He} *was afraid of "
                "{fear}.",
                "{hero} *was afraid of {fear}, and on {day} {he} *had to go to {place}.",
                "The whole village *knew that {hero} *was afraid of {fear}.",
                "{hero} *was afraid of {fear}. It *was not a good day for it.",
            ),
            Beat(
                "{His} knees ^were not sure about it.",
                "{He} *counted to {number}, and then {he} *counted back.",
                "{He} *could think of {number} reasons to stay at home.",
                "{He} *put on two hats to feel bigger.",
            ),
        ),
        {
            "song": (
                Beat(
                    "So {he} *sang, as loudly as {he} *could.",
                    '"Sing," *said {adult}. "Nobody can sing and shake."',
                    "Then {he} *thought of a song, a long one.",
                ),
                Beat(
                    "The song *was so bad that even {fear} *would have run away.",
                    "After {number2} songs {he} *was there, and nothing *had happened.",
                    "{animal} the {species} *sang along, and the way *was short.",
                ),
            ),
            "company": (
                Beat(
                    "{friend} *took {his} hand and *said nothing at all.",
                    '"I am afraid too," *said {friend}, "but I do not mind {fear}."',
                    "{friend} *walked in front and *talked about lunch.",
                ),
                Beat(
                    "Together {they} ^walked all the way, and it *was only half as bad.",
                    "Together {they} ^were very brave, or at least very loud.",
                    "When {they} ^came back, {friend} *asked for a bun, which *was fair.",
                ),
            ),
            "question": (
                Beat(
                    "{adult} *asked what *was so bad about {fear}.",
                    '"I was afraid of {fear} too," *said {adult}, "until I was {number2}."',
                    "{adult} *told {whom} everything about {fear}. It *took an hour.",
                ),
                Beat(
                    "{He} *thought about it. It *was not much.",
                    "The more {he} *knew, the smaller the fear *became.",
                    "In the end {he} *was not less afraid, only much more interested.",
                ),
            ),
        },
    ),
    "cake": (
        (
            Beat(
                "{hero} *baked a cake for {friend}, the first in {his} life.",
                "One {weather} {hour} {hero} *baked a cake for {friend}.",
                "On {day} {hero} *wanted to bake a cake for the birthday of {friend}.",
                "{hero} *baked a cake in {season}, all alone, for {friend}.",
            ),
            Beat(
                "It *had salt in it where the sugar should be.",
                "It *came out of the oven as hard as a stone.",
                "It *was black on top, black below and raw in the middle.",
                "{He} *had forgotten the flour, so it *was mostly eggs.",
            ),
        ),
        {
            "again": (
                Beat(
                    "Mrs Crumb *came over and *tasted it. Then she *put on her apron.",
                    '"My first cake broke a plate," *said Mrs Crumb.',
                    "{He} *carried it to the bakery and *told Mrs Crumb everything.",
                ),
                Beat(
                    "Together {they} ^made a new one, and {he} *read every word of the recipe.",
                    "The second cake *was soft and sweet, and {friend} *ate {number} pieces.",
                    "Mrs Crumb *showed {him} which jar *was sugar. Now {he} *knew.",
                ),
            ),
            "animal": (
                Beat(
                    "{animal} the {species} *looked through the window and *seemed interested.",
                    "Nobody *wanted a piece, but {animal} the {species} *was not nobody.",
                    "{He} *put the cake outside and *turned around for one moment.",
                ),
                Beat(
                    "{animal} *ate all of it and *asked for more. {friend} *got {friend_food}.",
                    "{animal} *ate the cake, the paper and one candle.",
                    "{animal} *ate it in {number} bites. So it *was a good cake after all.",
                ),
            ),
            "useful": (
                Beat(
                    '"It is not a cake," *said {friend}. "It is something better."',
                    "{friend} *knocked on it. It *made a good sound.",
                    "{friend} *looked at it from all sides and *had an idea.",
                ),
                Beat(
                    "To this day it *held the door of {house} open.",
                    "{They} ^took it to {place}, and it *became a chair.",
                    "{adult} *bought it for {number} coins and *put it under a short table leg.",
                ),
            ),
        },
    ),
    "quarrel": (
        (
            Beat(
                "{hero} *had a quarrel with {friend} about the last pancake.",
                "One {weather} {hour} {hero} *had a quarrel with {friend} about a pancake.",
                "On {day} {hero} *would not speak to {friend}. It *was about the last pancake.",
                "{hero} *wanted the last pancake, and so *did {friend}.",
            ),
            Beat(
                '"I saw it first," {he} *said. "I smelled it first," *said {friend}.',
                "{They} ^did not look at each other for {number} minutes.",
                "Each *had one hand on the plate.",
                "{friend} *built a wall of cups across the table.",
            ),
        ),
        {
            "half": (
                Beat(
                    '{adult} *took a knife. "One of you cuts, the other chooses."',
                    '"There is a way," *said {adult}. "One cuts and the other takes first."',
                ),
                Beat(
                    "Never *was a pancake cut with so much care.",
                    "{friend} *cut for {number2} minutes. Both halves ^were cold.",
                    "{friend} *measured it with a string. The halves ^were the same.",
                ),
            ),
            "thief": (
                Beat(
                    "While {they} ^spoke, {animal} the {species} *came in.",
                    "Nobody *looked at {animal} the {species}, and that *was a mistake.",
                    'Then somebody *said "{sound}". It *was {animal} the {species}.',
                ),
                Beat(
                    "{animal} *ate the pancake and *left. {They} ^laughed until it hurt.",
                    "A moment later the plate *was empty, and {animal} *was full.",
                    "{animal} *took the pancake and *thanked nobody. That *was the end of it.",
                ),
            ),
            "polite": (
                Beat(
                    'Then {friend} *said: "You take it." "No, you," {he} *said.',
                    "{friend} *was sorry and *pushed the plate across the table.",
                    "{friend} *said sorry first, which *was brave.",
                ),
                Beat(
                    "Then both ^were so polite that nobody *ate it at all.",
                    "{They} ^shared it, and each *took the smaller half.",
                    "{They} ^gave it to {adult}, who *had heard everything and *was hungry.",
                ),
            ),
        },
    ),
    "picnic": (
        (
            Beat(
                "One rainy {hour} {hero} *planned a picnic {at}.",
                "{hero} *had planned a picnic {at} with {friend}. Of course it *was rainy.",
                "On {day} {hero} *invited {friend} to a picnic {at}. It *was a rainy {hour}.",
                "{hero} *carried {number} buns to {place}. Then it *rained.",
            ),
            Beat(
                "The soup *got bigger, and the bread *got softer.",
                "{friend} *held a plate over the cheese and another over {friend_his} head.",
                "Soon the blanket *was a small lake.",
                '"It is only water," *said {friend}, who *was only water too.',
            ),
        ),
        {
            "bridge": (
                Beat(
                    "So {they} ^carried everything under the bridge.",
                    '"The bridge has a roof," *said {friend}, "if you sit under it."',
                ),
                Beat(
                    "The echo *said everything twice, even the sandwiches.",
                    "{animal} the {species} *was already there and *had kept two places.",
                    "It *was so nice that {they} ^stayed until {adult} *came with a lantern.",
                ),
            ),
            "wet": (
                Beat(
                    "{They} ^stayed where {they} ^were, out of pride.",
                    '"We wanted a picnic," {he} *said, "and this is one."',
                ),
                Beat(
                    "{They} ^ate wet buns and ^were as happy as ducks.",
                    "After {number2} minutes the sun *came out to see who *was so stubborn.",
                    "{adult} *saw {them}, *laughed and *joined {them} with an umbrella.",
                ),
            ),
            "inside": (
                Beat(
                    "{adult} *opened a door and *called {them} in.",
                    "{They} ^ran to {house}, where {adult} *was just making tea.",
                ),
                Beat(
                    "{They} ^had the picnic on the floor, and nobody *missed the ants.",
                    "{They} ^sat under the table and ^said that the table *was the sky.",
                    "The tea *was hot and the stories ^were long.",
                ),
            ),
        },
    ),
    "race": (
        (
            Beat(
                "On {day} {hero} *wanted to win the great snail race.",
                "One {weather} {hour} {hero} *took a snail to the great snail race {at}.",
                "In {season} the village holds a snail race. {hero} *had a fast snail.",
                "{hero} *had trained a snail for {number} weeks. Now the race *was here.",
            ),
            Beat(
                "The snail of {friend} *was said to be the fastest in the village.",
                "Mayor Brass *gave a long speech, and the snails ^slept.",
                "The way *was as long as an arm. It *would take all {hour}.",
                "{friend} *whispered something to {friend_his} snail.",
            ),
        ),
        {
            "lost race": (
                Beat(
                    "Halfway {whose} snail *stopped to eat a leaf.",
                    "{Whose} snail *turned around and *went home.",
                ),
                Beat(
                    "It *came in last, and everybody *cheered for it the most.",
                    "{friend} *won and *shared the prize, which *was a cabbage.",
                    "The winner *got a cabbage, and the winner *ate it.",
                ),
            ),
            "won race": (
                Beat(
                    "Then {friend} *sneezed, and {whose} snail *woke up.",
                    "{He} *put a piece of lettuce behind the finish.",
                ),
                Beat(
                    "It *won by one whole finger. Nobody *had ever seen such speed.",
                    "It *won, and nobody *was more surprised than the snail.",
                    "The prize *was a cabbage. The snail *took it with both eyes.",
                ),
            ),
            "stopped race": (
                Beat(
                    "Then {animal} the {species} *walked across the course.",
                    "The judge *was {adult}, and {adult} *fell asleep.",
                ),
                Beat(
                    "The snails ^hid in their houses, and the race *was over.",
                    "Everybody *said that everybody *had won, even the ones in last place.",
                    "So nobody *won, and {they} ^shared the cabbage.",
                ),
            ),
        },
    ),
}
