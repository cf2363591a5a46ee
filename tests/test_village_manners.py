from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from tinyllm.village.grading import grade
from tinyllm.village.instruction_content import facts
from tinyllm.village.instruction_talk import TOPIC
from tinyllm.village.instructions import INSTRUCTION_KINDS, chat_examples, instructions
from tinyllm.village.manners import BRUSH_OFFS, HASTY, in_a_hurry
from tinyllm.village.misconceptions import misconception
from tinyllm.village.world import WORLD


def is_hasty(request, answer):
    return not grade(request, answer, finished=True).passed


def test_a_hasty_answer_never_passes():
    rng = random.Random(1)
    for split in ("train", "seen", "new"):
        for request in islice(instructions(split=split, seed=3), 1_600):
            hasty = in_a_hurry(request, rng)
            assert is_hasty(request, hasty), (request.prompt, hasty)


def test_no_two_ways_to_have_no_time_begin_with_the_same_word():
    assert len({text.split()[0] for text in BRUSH_OFFS}) == len(BRUSH_OFFS)


def test_a_hasty_answer_to_small_talk_has_heard_the_topic():
    for topic in TOPIC.values():
        assert bool(topic.hasty) == bool(topic.slot), topic.name
        for hasty in topic.hasty:
            assert any(cue in hasty.lower() for cue in topic.cues), hasty
            assert "{" not in hasty


def test_so_many_of_the_demonstrations_are_hasty():
    examples = chat_examples(3, 12_000)
    hasty = Counter(e.kind for e in examples if is_hasty(e, e.answer))
    asked = Counter(e.kind for e in examples)
    for kind in INSTRUCTION_KINDS:
        assert abs(hasty[kind] / asked[kind] - HASTY[kind]) < 0.05, kind
    assert not any(is_hasty(e, e.answer) for e in chat_examples(3, 800, hasty={}))


def test_the_false_half_of_the_claims_is_what_people_believe():
    claims = {(f.id, f.answer) for f in WORLD.facts} | {
        (f.id, misconception(f)) for f in WORLD.facts
    }
    for request in islice(instructions(split="new", seed=7, kinds=["true_or_false"]), 300):
        assert (request.labels["fact"], request.labels["claim"]) in claims


@pytest.mark.parametrize("split", ["train", "new"])
def test_a_word_is_claimed_rightly_as_often_as_wrongly(split):
    """So that no word gives the verdict away."""
    told_apart = 0
    for fact in facts(split):
        family = [f for f in facts(split) if (f.about, f.relation) == (fact.about, fact.relation)]
        believed = Counter(misconception(f) for f in family)
        told_apart += believed[fact.answer] != Counter(f.answer for f in family)[fact.answer]
    assert told_apart / len(facts(split)) < {"train": 0.08, "new": 0.25}[split]


def test_words_that_fine_tuning_holds_out_are_not_what_it_calls_false():
    asked = {(f.about, f.relation, f.answer) for f in facts("train")}
    for fact in facts("train"):
        believed = (fact.about, fact.relation, misconception(fact))
        assert misconception(fact) in fact.false_answers
        assert believed in asked or fact.about == "common", fact
