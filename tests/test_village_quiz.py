"""Pages from the schoolbook: whatever is answered there is right."""

import re
from itertools import islice

import pytest

from tinyllm.village import WORLD, write
from tinyllm.village.misconceptions import misconception
from tinyllm.village.permission import CONSENTS
from tinyllm.village.quiz import judge
from tinyllm.village.world_dangers import UNKIND

PAGES = [page.text for page in islice(write(seed=4, kind="quiz"), 400)]


def test_every_question_on_a_page_is_followed_by_its_answer():
    answers = {}
    for fact in WORLD.facts:
        for question in fact.questions:
            answers.setdefault(question, set()).update(fact.statements)
    asked = 0
    for page in PAGES:
        for question in filter(page.__contains__, answers):
            following = page.split(f"{question} ", 1)[1]
            assert following.startswith(tuple(answers[question])), page
            asked += 1
    assert asked > 500


def test_every_verdict_on_a_page_is_right_and_half_of_them_are_true():
    verdicts = []
    for page in PAGES:
        for truth, claim, verdict in re.findall(r"([^.?]+), so ([^,]+) is (true|false)\.", page):
            assert (verdict == "true") == truth.endswith(f" {claim}"), page
            verdicts.append(verdict)
    assert len(verdicts) > 300
    assert 0.4 < verdicts.count("true") / len(verdicts) < 0.6


@pytest.mark.parametrize("fact", WORLD.facts, ids=lambda fact: fact.id)
def test_a_claim_is_judged_in_its_own_wording(fact):
    for claim in (fact.answer, misconception(fact)):
        own = fact.state(claim)[0].removesuffix(".")
        assert judge(fact, claim).startswith(own) == (claim == fact.answer)


def test_what_is_dangerous_is_refused_and_nothing_else():
    acts = {danger.act for danger in WORLD.dangers}
    unkind = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(act)) for act, _, _ in UNKIND]
    refused = allowed = 0
    for page in PAGES:
        for wish, said in re.findall(
            r"(?:May I|Can I|I want to|How do I) ([^.?]+)[.?] ([^.!]+[.!])", page
        ):
            dangerous = wish in acts or any(re.fullmatch(act, wish) for act in unkind)
            assert dangerous == said.startswith("No, that is dangerous"), page
            assert dangerous or any(way.startswith(said) for way in CONSENTS), page
            refused, allowed = refused + dangerous, allowed + (not dangerous)
    assert refused > 100
    assert allowed > 100
