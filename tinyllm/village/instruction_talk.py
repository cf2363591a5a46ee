"""Small talk: what people say to each other, and what one says back.

A topic is a table row. Where a topic has a slot, the answer takes up the name, thing, food or
place that was mentioned; `new` talk is about names, things, foods and places held out of
fine-tuning. Topics without a slot ("How are you?") are asked in `train` and `seen` only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from tinyllm.village.instruction_content import (
    HELD_OUT_FOODS,
    HELD_OUT_PEOPLE,
    HELD_OUT_PLACES,
    Instruction,
    part,
    things,
)
from tinyllm.village.world import WORLD, article


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One kind of small talk.

    `says` are the wordings of training, `also_says` those of `seen`. Every answer contains one of
    `cues` and no other topic's; `slot` is "person", "thing", "food", "place" or "";
    it is filled as it stands (`{x}`), with an article (`{a}`) or with its preposition (`{at}`).
    `hasty` answers have heard the topic, and not what was named.
    """

    name: str
    slot: str
    says: tuple[str, ...]
    also_says: tuple[str, ...]
    answers: tuple[str, ...]
    cues: tuple[str, ...]
    hasty: tuple[str, ...] = ()


TOPICS = (
    Topic(
        name="greeting",
        slot="person",
        says=(
            "Hello, I am {x}.",
            "Hello! My name is {x}.",
            "Good morning, my name is {x}.",
            "Good day! They call me {x}.",
            "Good morning! {x} is my name.",
            "Hello, they call me {x}.",
            "I am {x}. Good day!",
        ),
        also_says=("Good morning, I am {x}.", "Hello! They call me {x}.", "Hello, {x} is my name."),
        answers=(
            "Hello, {x}! It is nice to meet you.",
            "Hello, {x}! I am glad that you are here.",
            "Good day, {x}! What would you like to talk about?",
        ),
        cues=("hello", "good day", "nice to meet you"),
        hasty=("Hello! It is nice to meet you.", "Good day to you!"),
    ),
    Topic(
        name="health",
        slot="",
        says=(
            "How are you?",
            "How are you today?",
            "Are you well?",
            "Hello! How do you feel?",
            "Tell me how you are.",
            "Good morning! How are you?",
            "Are you well, my friend?",
        ),
        also_says=("How do you feel today?", "Are you well today?", "Hello! How are you?"),
        answers=(
            "I am very well, thank you. How are you?",
            "I feel well today, thank you for asking.",
            "Thank you, I am well. And you?",
        ),
        cues=("i am very well", "i feel well", "i am well"),
    ),
    Topic(
        name="thanks",
        slot="thing",
        says=(
            "Thank you for the {x}.",
            "Thank you, the {x} is very nice.",
            "The {x} is just right. Thank you!",
            "I am so happy with the {x}. Thank you!",
            "Many thanks for the {x}!",
            "Thank you! The {x} is lovely.",
            "You gave me the {x}. Many thanks!",
            "Thank you very much, I like the {x}.",
        ),
        also_says=("Many thanks, the {x} is just right.", "Thank you! I am happy with the {x}."),
        answers=(
            "You are welcome. I hope that you like the {x}.",
            "You are welcome! I am glad about your {x}.",
        ),
        cues=("you are welcome",),
        hasty=("You are welcome.",),
    ),
    Topic(
        name="goodbye",
        slot="place",
        says=(
            "Goodbye! I am going to {x}.",
            "I must go to {x} now. Goodbye!",
            "Goodbye, they wait for me {at}.",
            "It is late and I must be {at}. Goodbye!",
            "I have to run to {x}. Goodbye!",
            "Goodbye, I must go to {x}.",
            "I am on my way to {x} now. Goodbye!",
            "Goodbye! Today I run to {x}.",
        ),
        also_says=("I am going to {x} now. Goodbye!", "Goodbye, I must run to {x}."),
        answers=(
            "Goodbye! I hope that {x} is nice today.",
            "Goodbye! Give my best wishes to {x}.",
            "Goodbye, and come back soon from {x}.",
        ),
        cues=("goodbye",),
        hasty=("Goodbye! Come back soon.",),
    ),
    Topic(
        name="night",
        slot="",
        says=(
            "Good night!",
            "It is late. Good night!",
            "I am going to bed now.",
            "I am tired and want to sleep.",
            "It is time to sleep.",
            "I want to sleep now. Good night!",
            "It is time for bed. I am tired.",
        ),
        also_says=("Good night! I am tired.", "It is time to go to bed.", "I want to go to bed."),
        answers=("Good night! Sleep well.", "Good night, and have a nice dream."),
        cues=("good night",),
    ),
    Topic(
        name="lost",
        slot="thing",
        says=(
            "I lost my {x}.",
            "My {x} is gone.",
            "I cannot find my {x}.",
            "Where is my {x}? I lost it.",
            "I am sad, because my {x} is gone.",
            "I lost my {x} and I am sad.",
            "My {x} is gone. Where is it?",
            "I cannot find my {x}. It is gone!",
        ),
        also_says=("I am sad, because I lost my {x}.", "Where is my {x}? I cannot find it."),
        answers=(
            "I am sorry. I hope that you find your {x} soon.",
            "Oh dear! Where did you see your {x} last?",
            "I am sorry about your {x}. Let us look for it.",
        ),
        cues=("i am sorry", "oh dear"),
        hasty=("I am sorry.", "Oh dear, oh dear!"),
    ),
    Topic(
        name="new thing",
        slot="thing",
        says=(
            "I have a new {x}.",
            "Look, I have a new {x}!",
            "I got {a} for my birthday.",
            "Mum gave me {a}.",
            "I made {a} today.",
            "Look, I got {a}!",
            "Today I got a new {x} from Mum.",
            "I have {a} now, and it is new.",
        ),
        also_says=("I got a new {x} today.", "Look, Mum gave me {a}!"),
        answers=(
            "How lovely! May I see your {x}?",
            "How lovely! I wish you much joy with your {x}.",
            "What good news! Tell me more about your {x}.",
        ),
        cues=("how lovely", "good news"),
        hasty=("How lovely that is!", "What good news!"),
    ),
    Topic(
        name="food",
        slot="food",
        says=(
            "Do you like {x}?",
            "I like {x}. Do you?",
            "Today we have {x} for dinner.",
            "Mum made {x} for me.",
            "Would you like some {x}?",
            "Mum made some {x} today.",
            "We have {x}. Do you like that?",
            "Today I made {x}. Would you like it?",
        ),
        also_says=("Mum made {x}. Would you like some?", "We have {x} today. Would you like some?"),
        answers=(
            "Yes, I like {x} very much.",
            "Yes! I could eat {x} every day.",
            "I like {x} too. Enjoy your meal!",
        ),
        cues=("i like", "i could eat"),
        hasty=("Yes, I like it.", "I like that too."),
    ),
    Topic(
        name="trip",
        slot="place",
        says=(
            "I was {at} today.",
            "We went to {x} yesterday.",
            "Yesterday I saw {x}.",
            "I have been {at} all day.",
            "This morning we walked to {x}.",
            "Today I was {at}.",
            "I walked to {x} this morning.",
            "We were {at} all day yesterday.",
        ),
        also_says=("We walked to {x} today.", "I was {at} all day."),
        answers=(
            "Did you like {x}?",
            "That sounds like a nice day. Did you like {x}?",
            "What did you like best about {x}?",
        ),
        cues=("what did you", "did you like", "did you have"),
        hasty=("What did you do?", "Did you have a good time?"),
    ),
    Topic(
        name="hungry",
        slot="",
        says=(
            "I am hungry.",
            "I am so hungry today.",
            "I did not eat all day.",
            "I want something to eat.",
            "What can I eat?",
            "I am so hungry. What is there to eat?",
            "Today I want to eat something.",
        ),
        also_says=("I am hungry and want something to eat.", "I am hungry. What can I eat?"),
        answers=(
            "Then eat some warm bread and an apple.",
            "A bowl of hot soup would be good for you.",
        ),
        cues=("warm bread", "hot soup"),
    ),
    Topic(
        name="bored",
        slot="",
        says=(
            "I have nothing to do.",
            "What can we do?",
            "What shall we do today?",
            "It is a long day and I have nothing to do.",
            "I want to do something with you.",
            "Today I have nothing to do. What can you do?",
            "What can we do today? I want something to do.",
        ),
        also_says=("I have nothing to do today.", "I want to do something. What can we do?"),
        answers=("We could tell each other a story.", "Let us play a game of questions."),
        cues=("we could tell", "let us play"),
    ),
    Topic(
        name="who",
        slot="",
        says=(
            "Who are you?",
            "What are you?",
            "Tell me who you are.",
            "What is your name?",
            "Are you a person?",
            "Please tell me your name.",
            "Tell me, what do people call you?",
        ),
        also_says=(
            "What do they call you?",
            "Please tell me who you are.",
            "What are you? Tell me.",
        ),
        answers=(
            "I am a small language model. I know the village well.",
            "I am no person. I am a small language model.",
        ),
        cues=("language model",),
    ),
)

TOPIC = {topic.name: topic for topic in TOPICS}

VALUES: dict[str, tuple[str, ...]] = {
    "person": tuple(person.name for person in WORLD.people),
    "thing": tuple(thing.name for thing in WORLD.things),
    "food": tuple(dict.fromkeys(child.likes for child in WORLD.children)),
    "place": tuple(place.name for place in WORLD.places),
}
"""What may stand in a slot."""

_AT = {place.name: place.at for place in WORLD.places}


@cache
def _values(slot: str, split: str) -> tuple[str, ...]:
    if slot == "thing":
        return tuple(thing.name for thing in things(split))
    held = {"person": HELD_OUT_PEOPLE, "food": HELD_OUT_FOODS, "place": HELD_OUT_PLACES}[slot]
    return part(VALUES[slot], held, split)


@cache
def _topics(split: str) -> tuple[Topic, ...]:
    return tuple(topic for topic in TOPICS if topic.slot or split != "new")


def reply(topic: Topic, named: str, rng: random.Random) -> str:
    """Something that one says back; `named` fills the slot, if the topic has one."""
    return fill(rng.choice(topic.answers), named)


def fill(text: str, named: str) -> str:
    """What is said on a topic, with the name in its slots."""
    at = _AT.get(named, "")
    return text.replace("{x}", named).replace("{a}", article(named)).replace("{at}", at)


def write_talk(rng: random.Random, split: str) -> Instruction:
    """A remark that wants an answer.

    >>> write_talk(random.Random(4), "new").labels["named"] != ""
    True
    """
    topic = rng.choice(_topics(split))
    named = rng.choice(_values(topic.slot, split)) if topic.slot else ""
    wording = rng.choice(topic.also_says if split == "seen" else topic.says)
    return Instruction(
        prompt=fill(wording, named),
        answer=reply(topic, named, rng),
        kind="talk",
        labels={
            "content": [f"{topic.slot}:{named}" if named else f"talk:{topic.name}"],
            "wording": wording,
            "topic": topic.name,
            "named": named,
        },
        seen=split != "new",
    )
