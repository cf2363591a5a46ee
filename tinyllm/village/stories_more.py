"""Troubles, second half: things that break, stop, make a noise or take too long."""

from __future__ import annotations

from tinyllm.village.stories_troubles import Solutions
from tinyllm.village.voices import Beat

MORE_TROUBLES: dict[str, tuple[tuple[Beat, ...], Solutions]] = {
    "broken": (
        (
            Beat(
                "One {weather} {hour} {hero} *broke a window of {house}.",
                "On {day} {hero} *broke a window. It *belonged to {house}.",
                "{hero} *threw a stone at a wall, and a window of {house} *was broken.",
                "{hero} *wanted to see how far a stone *could fly, and *broke a window of {house}.",
            ),
            Beat(
                "The noise *was heard in {number} streets.",
                '"It was the wind," *said {friend}, but there *was no wind.',
                "{animal} the {species} *looked at {whom} and *knew everything.",
                "{His} ears ^were as hot as a kettle.",
            ),
        ),
        {
            "truth": (
                Beat(
                    "{hero} *went to {adult} and *told the truth, all of it, at once.",
                    '"It was me," {he} *said to {adult}, before anybody *asked.',
                    "{He} *wanted to run. {His} feet *went to {adult} instead.",
                ),
                Beat(
                    '"Thank you," *said {adult}. "The truth is cheaper than glass."',
                    "{adult} *was angry for one minute and proud for {number2}.",
                    '{adult} *said: "I broke that window {number2} times when I was small."',
                ),
            ),
            "work": (
                Beat(
                    "{He} *swept up the glass and *asked what a window costs.",
                    '"A window costs {number2} mornings of work," *said {adult}.',
                ),
                Beat(
                    "So {he} *carried water every {hour2}, until the new glass *was paid.",
                    "For a week {he} *fed the hens and *washed pots, and then it *was paid.",
                    "{friend} *came to help, and the work *was half as long.",
                ),
            ),
            "secret": (
                Beat(
                    "{He} *told nobody, and that night {he} *could not sleep.",
                    "{He} *hid under the bed, but the secret *was there too.",
                ),
                Beat(
                    "In the morning {he} *told {adult}, and the breakfast *tasted good again.",
                    "At midnight {he} *knocked at the door of {adult} and *said it in one breath.",
                    "The next day {he} *brought {adult} all {his} money. It *was two coins.",
                ),
            ),
        },
    ),
    "clock": (
        (
            Beat(
                "One {weather} {hour} {hero} *saw that the tower clock *had stopped at {number}.",
                "On {day} the clock in the tower *stopped. {hero} *saw it first.",
                "{hero} *was late on {day}, because the tower clock *had stopped.",
                "{hero} *looked at the tower. The big clock *said {number}, all {hour}.",
            ),
            Beat(
                "Without the clock nobody *knew when to eat, so people ^ate all the time.",
                "The school *did not begin, and it *did not end.",
                "Mrs Crumb *baked the same bread {number2} times.",
                "Mayor Brass *said that time *would have to wait.",
            ),
        ),
        {
            "nest": (
                Beat(
                    "{He} *climbed the tower with {adult}, step by step.",
                    "{adult} *took a lantern and *went up the stairs with {him}.",
                ),
                Beat(
                    "Between the wheels there *was a nest with {number3} eggs.",
                    "A bird *had built a nest on the big hand.",
                ),
                Beat(
                    "{They} ^moved it as slowly as a clock, and then the clock *went on.",
                    "So the clock *got a holiday until the eggs ^were birds.",
                ),
            ),
            "oil": (
                Beat(
                    '"It is thirsty," *said Mr Flint. "It needs oil."',
                    "Mr Flint *listened at the clock like a doctor.",
                ),
                Beat(
                    "{hero} *gave it {number3} drops of oil, and it *said tick, then tock.",
                    "{He} *was the only one small enough to reach the wheel. One drop *was enough.",
                ),
            ),
            "rooster": (
                Beat(
                    "{animal} the {species} *did not need a clock.",
                    '"{animal} always knows when it is dinner," *said {friend}.',
                ),
                Beat(
                    'So each time {animal} *said "{sound}", the village *had dinner.',
                    "So {they} ^put {animal} on the tower steps, and dinner *was on time again.",
                ),
            ),
        },
    ),
    "noise": (
        (
            Beat(
                "One {weather} night {hero} *heard a strange noise.",
                "{hero} *woke up in the night. There *was a noise, and it *was not the rain.",
                "In the night of {day} {hero} *heard a noise under the window.",
                "{hero} *could not sleep. Somewhere near {place} *was a noise.",
            ),
            Beat(
                "It *was long and low, and then it *was quiet. Then it *came again.",
                "It *sounded like a ghost with a cold.",
                "{He} *pulled the blanket over {his} head, but the noise *came in too.",
                "It *sounded like {number} old doors.",
            ),
        ),
        {
            "animal": (
                Beat(
                    "{He} *took a candle and *opened the door.",
                    "{He} *looked out, first with one eye, then with both.",
                ),
                Beat(
                    '"{Sound}," *said {animal} the {species}, who *had lost the way home.',
                    "It *was {animal} the {species}, with {an_his} head in a bucket.",
                    "It *was {animal} the {species}, who *wanted {feed}, now.",
                ),
            ),
            "adult": (
                Beat(
                    "{He} *went to wake {friend}, and together {they} ^went to look.",
                    "{He} *called {friend}, who *brought a big spoon, just in case.",
                ),
                Beat(
                    "It *was Mrs Crumb, singing to the bread.",
                    "It *was Captain Brook, singing an old song to the moon.",
                    "It *was Old Jonas. He *snored so loudly that the bees ^could not sleep.",
                ),
            ),
            "friend": (
                Beat(
                    "{He} *followed the noise to the house of {friend}.",
                    "{He} *opened the window. There, in the garden, *stood {friend}.",
                ),
                Beat(
                    "{friend} *was learning to play the flute, in secret.",
                    "{friend} *was practising for the long-nap contest and *snored.",
                    "{friend} *could not sleep either and *was telling jokes to {animal}.",
                ),
            ),
        },
    ),
    "ill": (
        (
            Beat(
                "One {weather} {hour} {hero} *heard that {friend} *was ill.",
                "On {day} {hero} *waited for {friend}, but {friend} *was ill.",
                "{hero} *wanted to play with {friend}, but {friend} *was ill in bed.",
                "In {season} {hero} *walked to school alone, because {friend} *was ill.",
            ),
            Beat(
                "Doctor Wren *said: tea, bed and no jumping for {number} days.",
                "The nose of {friend} *was as red as a tomato.",
                '"I am dying," *said {friend}. "You have a cold," *said Doctor Wren.',
                "{friend} *was so bored that {friend_he} *counted the spots on the wall.",
            ),
        ),
        {
            "food": (
                Beat(
                    "So {hero} *thought of what {friend} *liked best: {friend_food}.",
                    '"What does {friend} like?" {he} *asked {adult}. "{Friend_food}."',
                ),
                Beat(
                    "{He} *brought a big plate of {friend_food}, and {friend} *sat up at once.",
                    "After some {friend_food} the cold *was only half as big.",
                ),
            ),
            "visit": (
                Beat(
                    "So {hero} *brought {animal} the {species} for a visit.",
                    "Visitors ^were not allowed, but nobody *had said a word about {animal}.",
                ),
                Beat(
                    "{animal} *lay down on the bed and *stayed until {friend} *laughed.",
                    '"{Sound}," *said {animal}. It *was the best joke of the week.',
                ),
            ),
            "story": (
                Beat(
                    "So {hero} *sat outside the window and *told a story.",
                    "So {hero} *read aloud through the door, all {hour2}.",
                ),
                Beat(
                    "The story *was about a snail and *took {number2} days.",
                    "On the last page {friend} *fell asleep. In the morning the cold *was gone.",
                ),
            ),
        },
    ),
    "dream": (
        (
            Beat(
                "{hero} *wanted to be {dream}, and {he} *could not wait.",
                "One {weather} {hour} {hero} *decided to be {dream}, right now.",
                'On {day} {hero} *put a sign on the door: "Here lives {dream}."',
                "{hero} *wanted to be {dream} one day. One day *was too far away.",
            ),
            Beat(
                '"You are too small," *said {friend}, who *was smaller.',
                "{He} *began with the hat. Everything else *would follow.",
                "{He} *practised in front of {animal} the {species}.",
                "For {number} days nothing *went right.",
            ),
        ),
        {
            "ask": (
                Beat(
                    "So {he} *asked {adult}, who *knew about work.",
                    '"How did you begin?" {he} *asked {adult}.',
                ),
                Beat(
                    '"I began by doing it badly," *said {adult}. That *was good news.',
                    '"Get up early and wash your hands," *said {adult}. The rest *was easy.',
                ),
            ),
            "try": (
                Beat(
                    "So {he} *tried it for one {hour2}, with {friend} as the public.",
                    '"You can try it on me," *said {friend}, and *shut both eyes.',
                ),
                Beat(
                    "It *went wrong {number2} times, and each time a little less.",
                    "{friend} *clapped, because it *was over and because it *was good.",
                ),
            ),
        },
    ),
    "bored": (
        (
            Beat(
                "One {weather} {hour} {hero} *was bored.",
                "{hero} *was so bored on {day} that {he} *counted {his} own toes.",
                "It *was {season}, it *was {weather}, and {hero} *was bored.",
                "{hero} *sat {at} and *was bored. Nothing *happened, and then it *happened again.",
            ),
            Beat(
                '"There is nothing to do," {he} *told {animal} the {species}.',
                "{He} *looked at the wall, and the wall *looked back.",
                "Even the flies ^were bored.",
                "{adult} *offered some work. {He} *was not that bored.",
            ),
        ),
        {
            "stare": (
                Beat(
                    "Then {animal} the {species} *looked at {him} and *did not look away.",
                    "Then {he} *began a staring contest with {animal} the {species}.",
                ),
                Beat(
                    "It *took {number} minutes. {animal} *won and *was given {feed}.",
                    "{hero} *lost, but {he} *had not been bored for a moment.",
                ),
            ),
            "count": (
                Beat(
                    "{friend} *asked {him} how many {many} there ^were {at2}.",
                    "Then {friend} *asked whether there ^were more {many} or more frogs.",
                ),
                Beat(
                    "So {they} ^counted {many} until it *was dark. There ^were too many.",
                    "{They} ^came as far as {number2}, then somebody *sneezed.",
                ),
            ),
            "museum": (
                Beat(
                    "So {he} *opened a museum of boring things.",
                    "{friend} *said that the most boring thing in the world *was worth a coin.",
                ),
                Beat(
                    "There *was a grey stone, a wet sock and a picture of a wall.",
                    "{Number3} people ^came to see the wet sock. It *was a good day.",
                ),
            ),
        },
    ),
}

END = Beat(
    "{hero} *slept well that night and *dreamed of {many}.",
    "{hero} *drew a picture of it and *hung it over the bed.",
    "{hero} *laughed about it until bedtime.",
    "{hero} *wanted to remember this day, so {he} *wrote it on the wall.",
    "{hero} *told {witness} about it, and {witness} *wanted to hear it again.",
    "{hero} *ate {food} for dinner and *was happy.",
    "{hero} *decided to keep away from trouble, at least until {day3}.",
    "{hero} *told it to {witness} {number3} times, and each time it *was a little longer.",
    "{hero} *learned something that day, but {he} *could not say what.",
)
