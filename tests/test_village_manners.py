from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from tinyllm.village.grading import grade
from tinyllm.village.instruction_talk import TOPIC
from tinyllm.village.instructions import INSTRUCTION_KINDS, chat_examples, instructions
from tinyllm.village.manners import BRUSH_OFFS, HASTY, in_a_hurry
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
        (f.id, f.misconception) for f in WORLD.facts
    }
    for request in islice(instructions(split="new", seed=7, kinds=["true_or_false"]), 300):
        assert (request.labels["fact"], request.labels["claim"]) in claims


def test_a_misconception_is_a_truth_elsewhere_as_often_as_it_is_not():
    """So that no word gives the verdict away: most misconceptions are the answer to another fact
    of their sort."""
    answers = {(fact.relation, fact.answer) for fact in WORLD.facts}
    true_elsewhere = sum((fact.relation, fact.misconception) in answers for fact in WORLD.facts)
    assert true_elsewhere / len(WORLD.facts) > 0.5
