"""Requests for a story with a child and a thing, and short stories that answer them.

Every plot is a row of sentences, every sentence a choice of wordings. The child named in the
request is the hero and stays the hero; the thing is named again and again; the last sentence ends
the story.
"""

from __future__ import annotations

import random
from functools import cache

from tinyllm.village.instruction_content import Instruction, people, things
from tinyllm.village.instruction_wordings import STORY
from tinyllm.village.world import WORLD, Person, Thing, article, capital

Plot = tuple[tuple[str, ...], ...]

PLOTS: tuple[Plot, ...] = (
    (  # lost and found
        ("{h} had {a_t} and took it everywhere.", "{h} loved {his} {t} very much."),
        ("One morning the {t} was gone.", "One day {he} could not find the {t}."),
        ("{h} looked under the bed and behind the door.", "{h} looked for it everywhere."),
        ("At last {he} found the {t} {at}.", "In the end the {t} was {at}."),
        ("{h} laughed and carried it home.", "{h} was so happy that {he} danced."),
    ),
    (  # somebody else's thing
        ("One day {h} found {a_t} {at}.", "{h} saw {a_t} {at}."),
        ("It did not belong to {him}.", "{h} did not know whose {t} it was."),
        ("So {he} asked {f}, and it was the {t} of {f}.", "Then {f} came and looked for the {t}."),
        ("{h} gave it back with a smile.", "{h} gave the {t} back at once."),
        ("From that day {h} and {f} were friends.", "{f} thanked {h} and gave {him} a bun."),
    ),
    (  # rain
        ("{h} walked {to} with {his} {t}.", "{h} was {at} with {a_t}."),
        ("Then it began to rain.", "Suddenly there was rain."),
        ("{h} held the {t} under {his} coat and ran.", "{h} hid the {t} in {his} coat and ran."),
        ("At home the {t} was dry, but {h} was wet.", "{h} was wet, but the {t} was dry."),
        ("{He} drank hot milk and laughed.", "{He} sat by the fire and was happy."),
    ),
    (  # a sad friend
        ("{h} met {f}, who was sad.", "{h} saw that {f} sat {at} and cried."),
        ("{h} ran home and came back with {a_t}.", "So {h} fetched {a_t}."),
        ("{He} gave the {t} to {f} for a whole day.", "{He} let {f} hold the {t}."),
        ("Soon {f} smiled again.", "Then {f} was not sad any more."),
        ("{h} was glad and went home singing.", "And {h} was happy too."),
    ),
    (  # the market
        ("{h} wanted {a_t} more than anything.", "{h} dreamed of {a_t}."),
        ("{He} worked for a week at the market.", "{He} helped at the market for a week."),
        ("Then {he} had enough money and bought the {t}.", "Then {he} could buy the {t}."),
        ("{h} showed it to everybody.", "{h} showed the {t} to {f}."),
        ("That night the {t} lay beside the bed of {h}.", "{h} was very proud of the {t}."),
    ),
    (  # the goose
        ("{h} put {his} {t} on the grass.", "The {t} of {h} lay on the grass."),
        ("A fat goose sat down on it.", "A goose came and sat on the {t}."),
        ("{h} asked nicely, but the goose did not move.", "{h} waited, but the goose stayed."),
        ("So {he} gave the goose some bread.", "Then {he} brought a piece of bread."),
        ("The goose got up, and {h} had the {t} again.", "At last {h} got the {t} back."),
    ),
    (  # a present
        ("{h} wanted to give {f} a present.", "{h} had no present for {f}."),
        ("{He} had no money, but {he} had {a_t}.", "{He} had nothing to give but {a_t}."),
        ("{He} cleaned the {t} until it was like new.", "{He} put the {t} in blue paper."),
        ("{f} opened the present and smiled.", "{f} liked the {t} best of all."),
        ("{h} was happy all day.", "{h} was proud and ate two pieces of cake."),
    ),
    (  # broken
        ("The {t} of {h} was broken.", "One day {h} broke {his} {t}."),
        ("{h} was sad and carried it to {f}.", "{h} went to {f} for help."),
        ("They worked on the {t} all morning.", "Together they mended the {t}."),
        ("In the evening it was as good as new.", "Now the {t} was better than before."),
        ("{h} thanked {f} and ran home.", "{h} said thank you and went home happy."),
    ),
    (  # a dream
        ("One night {h} had a dream about {a_t}.", "{h} dreamed about {a_t}."),
        ("In the dream the {t} could talk.", "The {t} had a mouth and could speak."),
        ("It told {him} a funny story.", "It knew all the secrets of the village."),
        ("In the morning {h} looked at {his} {t}.", "Then {h} woke up and took the {t}."),
        ("It said nothing, but {h} smiled.", "It was quiet, but {h} knew better."),
    ),
    (  # forgotten
        ("{h} forgot {his} {t} {at}.", "One evening {h} left {his} {t} {at}."),
        ("It was dark, and {he} was a little afraid.", "It was late and dark outside."),
        ("But {f} came along with a light.", "But {f} said that two are braver than one."),
        ("Together they found the {t} in the grass.", "Soon they saw the {t}."),
        ("{h} slept well that night.", "{h} held it all the way home."),
    ),
    (  # a game
        ("{h} hid {a_t} {at}.", "{h} and {f} played a game with {a_t}."),
        ("{f} had to look for the {t}.", "{f} closed {fhis} eyes and had to find it."),
        ("{f} looked high and low and found nothing.", "It took a very long time."),
        ("Then {h} helped, and there was the {t}.", "At last {h} showed where the {t} was."),
        ("{h} laughed all the way home.", "{h} wanted to play it again at once."),
    ),
)


@cache
def children(split: str) -> tuple[Person, ...]:
    """The children who can be the hero of this split's stories."""
    return tuple(person for person in people(split) if person.kind == "child")


@cache
def _adults() -> tuple[Person, ...]:
    return tuple(person for person in people("train") if person.kind != "child")


def tell(hero: Person, thing: Thing, rng: random.Random) -> str:
    """A story of five sentences, 30 to 60 words, in which this child and this thing stay.

    Whoever else turns up is an adult. Were it one of thirty children, none of them would be likely,
    and a small model that takes the likeliest name takes the hero's: "Pia thanked Pia".

    >>> story = tell(WORLD.person("Nell"), WORLD.things[0], random.Random(3))
    >>> "Nell" in story and "kite" in story
    True
    """
    friend, place = rng.choice(_adults()), rng.choice(WORLD.places)
    filling = {
        "h": hero.name,
        "he": hero.he,
        "He": capital(hero.he),
        "him": hero.him,
        "his": hero.his,
        "f": friend.name,
        "fhis": friend.his,
        "t": thing.name,
        "a_t": article(thing.name),
        "at": place.at,
        "to": f"to {place.name}",
    }
    plot = PLOTS[int(rng.random() * len(PLOTS))]
    lines = [wordings[rng.random() < 0.5] for wordings in plot]
    return capital(" ".join(lines).format_map(filling))


def write_story(rng: random.Random, split: str) -> Instruction:
    """A request for a story about one child and one thing.

    >>> write_story(random.Random(1), "new").labels["hero"] in ("Ada", "Hugo", "Ruby")
    True
    """
    hero, thing = rng.choice(children(split)), rng.choice(things(split))
    wording = rng.choice(STORY[split == "seen"])
    return Instruction(
        prompt=wording.format(h=hero.name, a=article(thing.name)),
        answer=tell(hero, thing, rng),
        kind="story",
        labels={
            "content": [f"person:{hero.name}", f"thing:{thing.name}"],
            "wording": wording,
            "hero": hero.name,
            "thing": thing.name,
        },
        seen=split != "new",
    )
