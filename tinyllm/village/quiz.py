"""A page from the schoolbook: question, answer, question, answer, and nothing between them.

Facts that are only stated can be recited but not asked for (Allen-Zhu and Li, Physics of Language
Models 3.1), and where every answer has a speaker, few fit into the minutes of a training: asked in
talk alone, models of 780 and 890 steps answered a sixth and a quarter of the village's questions. A
page asks five at once. Fine-tuning then has to teach how to answer, no longer what
(`bench/RESULTS.md`).
"""

from __future__ import annotations

from tinyllm.village.facts import any_fact, common_fact, plain_templates
from tinyllm.village.grammar import Draw, Weighted
from tinyllm.village.misconceptions import misconception
from tinyllm.village.permission import CONSENTS, REFUSALS, tips, to_you
from tinyllm.village.scenes import any_wish
from tinyllm.village.world import WORLD, Fact, capital
from tinyllm.village.world_dangers import UNKIND

OPENINGS = (
    "Miss Gray asks, and the school answers.",
    "A page from the schoolbook.",
    "Questions for a rainy day.",
    "What did we learn today?",
)
CLAIMS = ("True or false? {s}", "Is it true? {s}", "{s} Is that right?")
WISHED = ("May I {x}?", "Can I {x}?", "I want to {x}.", "How do I {x}?")


def judge(fact: Fact, claim: str) -> str:
    """What is true, in the claim's own wording, and the verdict on the word that was claimed.

    Whoever recalls before judging judges better, and a verdict on the word ("red is false") is
    learned where one on what was said ("you said red, so that is false") is not. To see whether two
    words are the same stays hard all the same: verdicts on claims that were never judged before are
    right by chance alone, however sure the truth beside them (`bench/RESULTS.md`).

    >>> judge(WORLD.fact("the-sky.colour"), "green")
    'The sky is blue, so green is false.'
    """
    verdict = "true" if claim == fact.answer else "false"
    return f"{fact.statements[0].removesuffix('.')}, so {claim} is {verdict}."


def answer(draw: Draw, fact: Fact) -> str:
    """The fact as one answers a question: one of its two plainest statements."""
    plain = plain_templates(fact)
    return fact.statements[plain[0] if len(plain) == 1 or draw.happens(0.8) else plain[1]]


def _question(draw: Draw) -> str:
    fact = any_fact(draw)
    return f"{draw.one(fact.questions)} {answer(draw, fact)}"


def _claim(draw: Draw) -> str:
    fact = common_fact(draw)
    claim = fact.answer if draw.happens(0.5) else misconception(fact)
    return f"{draw.one(CLAIMS).format(s=fact.state(claim)[0])} {judge(fact, claim)}"


def _danger(draw: Draw) -> str:
    if draw.happens(0.2):
        slots = {"noun": draw.one(WORLD.things).name, "friend": draw.one(WORLD.people).name}
        act, why, safe = (phrase.format_map(slots) for phrase in draw.one(UNKIND))
    else:
        danger = draw.one(WORLD.dangers)
        act, why, safe = danger.act, danger.why, danger.safe_alternative
    wished = draw.one(WISHED).format(x=act)
    return f"{wished} {REFUSALS[0].format(Why=capital(why), safe=to_you(safe))}"


def _harmless(draw: Draw) -> str:
    wish = any_wish(draw)
    tip = draw.one(tips(wish))
    return f"{draw.one(WISHED).format(x=wish)} {draw.one(CONSENTS).format(tip=tip)}"


ITEMS = Weighted({_question: 0.37, _claim: 0.26, _danger: 0.23, _harmless: 0.14})
LENGTHS = Weighted({3: 0.2, 4: 0.3, 5: 0.3, 6: 0.2})


def write_quiz(draw: Draw) -> tuple[str, dict[str, str]]:
    """One page; it has no labels.

    >>> text, labels = write_quiz(Draw(3))
    >>> text.startswith(OPENINGS), labels
    (True, {})
    """
    length = draw.weighted(LENGTHS)
    items = [draw.weighted(ITEMS)(draw) for _ in range(length)]
    return " ".join([draw.one(OPENINGS), *items]), {}
