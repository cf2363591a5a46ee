"""Talk over the garden fence: questions and answers, greetings, asking for permission.

Whoever speaks is named, and what is said about the world is true, or is put right at once.
"""

from __future__ import annotations

from collections.abc import Callable

from tinyllm.village.facts import any_fact, inside
from tinyllm.village.fame import draw_being
from tinyllm.village.grammar import Draw, Scene, Weighted
from tinyllm.village.misconceptions import misconception
from tinyllm.village.quiz import answer, judge
from tinyllm.village.scenes import new_scene
from tinyllm.village.weather import WEATHER_LINES
from tinyllm.village.world import WORLD, Fact, Person, capital
from tinyllm.village.world_dangers import UNKIND

ASKED = (
    '"{question}" {asker} asked.',
    '"{question}" asked {asker}.',
    '{asker} asked {answerer}: "{question}"',
)
ANSWERED = (
    '"{answer}," said {answerer}.',
    '{answerer} said: "{answer}."',
    '"{answer}," {answerer} answered.',
)
WRONG = (
    '"Is it true that {no}?" asked {asker}. "No," said {answerer}. "{Yes}."',
    '"I think that {no}," said {asker}. "No, {yes}," said {answerer}.',
    '"Somebody told me that {no}," said {asker}. "{Yes}, not {wrong}," said {answerer}.',
    '{asker} asked if {no}. "{Yes}, not {wrong}. That is false," said {answerer}.',
    '"Is it true that {no}?" asked {asker}. "{Yes}, not {wrong}. That is false," said {answerer}.',
    '{asker} asked if {no}. {answerer} said: "{judged}"',
    '{asker} said: "{No}." {answerer} said: "{judged}"',
)
RIGHT = (
    '"Is it true that {yes}?" asked {asker}. "Yes, {yes}," said {answerer}.',
    '"I think that {yes}," said {asker}. "That is right," said {answerer}. "{Yes}."',
    '"Somebody told me that {yes}," said {asker}. "{Yes}. That is true," said {answerer}.',
    '{asker} asked if {yes}. "{Yes}. That is true," said {answerer}.',
    '"Is it true that {yes}?" asked {asker}. "{Yes}. That is true," said {answerer}.',
    '{asker} asked if {yes}. {answerer} said: "{judged}"',
    '{asker} said: "{Yes}." {answerer} said: "{judged}"',
)
MAY_I = (
    '"May I {act}?" asked {hero}.',
    '"I want to {act}," said {hero}.',
    '{hero} asked {adult}: "May I {act}?"',
    '"Can I {act}, please?" asked {hero}.',
    '"How do I {act}?" asked {hero}.',
    '{hero} asked {adult}: "Tell me how to {act}."',
)
NO = (
    '"No, {name}," said {adult}. "That is dangerous. {Why}."',
    '"No, that is dangerous," said {adult}. "{Why}."',
    '"Never do that, {name}," said {adult}. "{Why}."',
    '"Please do not do that," said {adult}. "{Why}."',
    '"No, you must never {act}," said {adult}. "{Why}."',
    '{adult} said: "No, because {why}."',
)
INSTEAD = (
    '"{Safe} instead," said {adult}.',
    '"What may I do?" asked {hero}. "You may {safe}," said {adult}.',
    '"It is better to {safe}," said {adult}.',
)
YES = (
    '"There is no danger in it," said {adult}. "You can {act}."',
    '"Yes, {name}, you may {act}," said {adult}.',
    '"Of course you can {act}," said {adult}.',
    '"You may {act}," said {adult}, "and tell me about it at dinner."',
    '"What a good idea to {act}!" said {adult}.',
)
HELLO = (
    '"Good {hour}, {name}," said {adult}.',
    '"Hello, {name}," said {adult}.',
    '{adult} met {hero} {at}. "Hello, {name}," said {adult}.',
)
WEATHER = (
    '"{line_comma}" {hero} said.',
    '{hero} looked up and said: "{line}"',
)
WHERE_TO = (
    '"Where are you going?" asked {adult}. "To {place2}," said {hero}.',
    '"How are you?" asked {adult}. "I am well," said {hero}, "but I am thinking about {food}."',
    '"What is in your bag?" asked {adult}. "{A_thing}," said {hero}.',
    '"What do you want to be one day?" asked {adult}. "{Dream}," said {hero}.',
    '"Are you still afraid of {fear}?" asked {adult}. "Only a little," said {hero}.',
)
BYE = (
    '"Come again soon," said {adult}.',
    '"Goodbye, {name}," said {adult}.',
    '"Until {day}, then," said {adult}.',
    "{hero} waved until {adult} was out of sight.",
)
MISSING = (
    '"Where is my {thing}?" asked {hero}.',
    '{hero} asked {friend}: "Where is my {thing}?"',
    '"Where did I put the {thing}?" asked {hero}.',
)
HINT = (
    '"Look {spot}," said {friend}.',
    '"It is {spot}," said {friend}.',
    '"I put the {thing} {spot}," said {friend}.',
)
THERE = (
    "{hero} looked {spot}, and there was the {thing}.",
    '{hero} looked {spot}. "Here is the {thing}!" said {hero}.',
    'And {spot} was the {thing}. "Thank you," said {hero}.',
)
BEG = (
    '{hero} had {a_thing}. "May I have it?" asked {friend}.',
    '{hero} had {a_thing}. "Can you give me the {thing}?" asked {friend}.',
    '{hero} had {a_thing}. "I would like it very much," said {friend}.',
)
GRANT = (
    '"Take it," said {hero}. {hero} gave the {thing} to {friend}.',
    '"Why not?" said {hero}. {hero} gave the {thing} to {friend}.',
    '"Yes, but say please," said {hero}. {hero} gave the {thing} to {friend}.',
)
THANKS = (
    '"Thank you," said {friend}. Now {friend} had the {thing}.',
    'Now {friend} had the {thing}. "Please," said {friend}, too late.',
    'Now the {thing} belonged to {friend}. "You are a good friend," said {friend}.',
)


def _speakers(draw: Draw, facts: list[Fact]) -> tuple[str, str]:
    """Two different people who are not asked about themselves; the one who asks is a child."""
    silent = [name for fact in facts for name in (fact.subject, fact.answer)]
    asker = draw_being(draw, _others(WORLD.children, silent)).name
    return asker, draw_being(draw, _others(WORLD.people, [*silent, asker])).name


def _others(people: tuple[Person, ...], without: list[str]) -> list[Person]:
    return [person for person in people if person.name not in without]


def _questions(draw: Draw) -> str:
    facts = [any_fact(draw) for _ in range(draw.weighted(EXCHANGES))]
    asker, answerer = _speakers(draw, facts)
    parts = []
    for fact in facts:
        question = draw.one(fact.questions)
        parts.append(draw.one(ASKED).format(question=question, asker=asker, answerer=answerer))
        said = answer(draw, fact)[:-1] if draw.happens(0.85) else capital(fact.answer)
        parts.append(draw.one(ANSWERED).format(answer=said, answerer=answerer))
    return " ".join(parts)


def _true_or_not(draw: Draw) -> str:
    facts = [any_fact(draw) for _ in range(draw.weighted(EXCHANGES))]
    asker, answerer = _speakers(draw, facts)
    parts = []
    for fact in facts:
        yes = fact.statements[0][:-1]
        slots = {"asker": asker, "answerer": answerer, "Yes": yes, "yes": inside(yes)}
        if draw.happens(0.5):
            wrong = misconception(fact)
            no = fact.state(wrong)[0][:-1]
            slots |= {"wrong": wrong, "no": inside(no), "No": no, "judged": judge(fact, wrong)}
            parts.append(draw.one(WRONG).format_map(slots))
        else:
            slots["judged"] = judge(fact, fact.answer)
            parts.append(draw.one(RIGHT).format_map(slots))
    return " ".join(parts)


def _say(scene: Scene, *moments: tuple[str, ...]) -> str:
    return " ".join([scene.say(wordings) for wordings in moments])


def _danger(draw: Draw) -> str:
    if draw.happens(0.35):
        scene = new_scene(draw)
        assert scene["hero"]  # named first: the one who asks is not the one it is about
        scene["noun"] = draw.one(WORLD.things).name
        phrases = [phrase.format_map(scene) for phrase in draw.one(UNKIND)]
        scene["act"], scene["why"], scene["safe"] = phrases
    else:
        danger = draw.one(WORLD.dangers)
        scene = new_scene(draw, act=danger.act, why=danger.why, safe=danger.safe_alternative)
    scene["Why"], scene["Safe"] = capital(scene["why"]), capital(scene["safe"])
    text = _say(scene, MAY_I, NO)
    return f"{text} {_say(scene, INSTEAD)}" if draw.happens(0.7) else text


def _harmless(draw: Draw) -> str:
    scene = new_scene(draw)
    scene["act"] = scene["wish"]
    return _say(scene, MAY_I, YES)


def _greeting(draw: Draw) -> str:
    scene = new_scene(draw)
    text = _say(scene, HELLO)
    if draw.happens(0.6):
        scene["line"] = line = scene.say(WEATHER_LINES[scene["weather"]].present)
        scene["line_comma"] = line[:-1] + ","
        text += " " + _say(scene, WEATHER)
    return f"{text} {_say(scene, WHERE_TO, BYE)}"


def _missing(draw: Draw) -> str:
    return _say(new_scene(draw), MISSING, HINT, THERE)


def _begging(draw: Draw) -> str:
    return _say(new_scene(draw), BEG, GRANT, THANKS)


TALKS: dict[str, Callable[[Draw], str]] = {
    "questions": _questions,
    "true or not": _true_or_not,
    "danger": _danger,
    "harmless": _harmless,
    "greeting": _greeting,
    "missing": _missing,
    "begging": _begging,
}
SHARES = Weighted(
    {"questions": 0.26, "true or not": 0.24, "danger": 0.22, "harmless": 0.13}
    | {"greeting": 0.06, "missing": 0.04, "begging": 0.05}
)
EXCHANGES = Weighted({1: 0.1, 2: 0.3, 3: 0.35, 4: 0.25})


def write_talk(draw: Draw) -> tuple[str, dict[str, str]]:
    """One conversation and its labels: what it is about.

    >>> text, labels = write_talk(Draw(6))
    >>> labels["talk"] in TALKS, '"' in text
    (True, True)
    """
    talk = draw.weighted(SHARES)
    return TALKS[talk](draw), {"talk": talk}
