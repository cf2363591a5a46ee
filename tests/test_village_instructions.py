from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice

import pytest

from tinyllm.village.fame import well_known
from tinyllm.village.grading_text import words
from tinyllm.village.instruction_content import HELD_OUT_FACTS, SPLITS, Instruction, facts
from tinyllm.village.instruction_wordings import WISH
from tinyllm.village.instructions import (
    CHAT_WEIGHTS,
    GROUPS,
    INSTRUCTION_KINDS,
    chat_examples,
    instructions,
)
from tinyllm.village.world import WORLD

MANY = {"train": 24_000, "seen": 8_000, "new": 8_000}


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Instruction]]:
    return {
        split: list(islice(instructions(split=split, seed=11), MANY[split])) for split in SPLITS
    }


def contents(requests: Iterable[Instruction]) -> set[str]:
    return {content for request in requests for content in request.labels["content"]}


def by_kind(requests: Iterable[Instruction]) -> dict[str, list[Instruction]]:
    kinds: dict[str, list[Instruction]] = defaultdict(list)
    for request in requests:
        kinds[request.kind].append(request)
    return kinds


def test_every_kind_belongs_to_one_group() -> None:
    grouped = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(INSTRUCTION_KINDS)
    assert len(INSTRUCTION_KINDS) >= 8
    assert set(CHAT_WEIGHTS) == set(INSTRUCTION_KINDS)


@pytest.mark.parametrize("split", SPLITS)
def test_the_kinds_come_in_turn(split: str) -> None:
    turns = list(islice(instructions(split=split, seed=1), 5 * len(INSTRUCTION_KINDS)))
    for start in range(0, len(turns), len(INSTRUCTION_KINDS)):
        turn = turns[start : start + len(INSTRUCTION_KINDS)]
        assert sorted(request.kind for request in turn) == sorted(INSTRUCTION_KINDS)


def test_a_seed_always_asks_the_same_and_another_seed_something_else() -> None:
    first = list(islice(instructions(split="train", seed=5), 200))
    assert first == list(islice(instructions(split="train", seed=5), 200))
    assert first != list(islice(instructions(split="train", seed=6), 200))


def test_seen_is_false_exactly_for_content_held_out(asked: dict[str, list[Instruction]]) -> None:
    for split, requests in asked.items():
        assert {request.seen for request in requests} == {split != "new"}


def test_no_content_of_new_is_asked_in_train_or_seen(asked: dict[str, list[Instruction]]) -> None:
    new = contents(asked["new"])
    assert not new & contents(asked["train"])
    assert not new & contents(asked["seen"])
    many = contents(islice(instructions(split="train", seed=9), 160_000))
    assert contents(asked["seen"]) <= many
    for kind, requests in by_kind(asked["new"]).items():
        assert len(contents(requests)) >= 5, kind


def test_a_held_out_fact_is_never_stated_in_train_or_seen(
    asked: dict[str, list[Instruction]],
) -> None:
    held = {text for id in HELD_OUT_FACTS for text in WORLD.fact(id).statements}
    for split in ("train", "seen"):
        for request in asked[split]:
            told = f"{request.prompt} {request.answer}"
            if request.kind in ("fact", "true_or_false", "counting", "story", "talk"):
                assert not any(text in told for text in held), told


def test_about_a_fifth_of_the_facts_of_every_relation_is_held_out() -> None:
    assert 0.15 < len(facts("new")) / len(WORLD.facts) < 0.25
    relations = {fact.relation for fact in WORLD.facts}
    assert {fact.relation for fact in facts("new")} == relations


def test_places_beside_each_other_are_held_out_together() -> None:
    for fact in facts("new"):
        if fact.relation == "neighbour":
            assert WORLD.fact(f"{fact.answer.replace(' ', '-')}.neighbour").id in HELD_OUT_FACTS


def test_no_prompt_of_seen_or_new_is_a_prompt_of_train(
    asked: dict[str, list[Instruction]],
) -> None:
    train = {request.prompt for request in asked["train"]}
    for split in ("seen", "new"):
        assert not train & {request.prompt for request in asked[split]}


def test_wordings_of_seen_are_not_those_of_train_and_new_uses_those_of_train(
    asked: dict[str, list[Instruction]],
) -> None:
    wordings = {
        split: {
            kind: {request.labels["wording"] for request in of_kind}
            for kind, of_kind in by_kind(requests).items()
        }
        for split, requests in asked.items()
    }
    for kind in INSTRUCTION_KINDS:
        train, seen, new = (wordings[split][kind] for split in ("train", "seen", "new"))
        assert len(train) >= 10, kind
        assert len(seen) >= 4, kind
        assert not train & seen, kind
        assert new <= train, kind


def test_seen_asks_with_words_that_training_knows(asked: dict[str, list[Instruction]]) -> None:
    known = {word for one in asked["train"] for word in words(f"{one.prompt} {one.answer}")}
    texts = (text for fact in WORLD.facts for text in (*fact.questions, *fact.false_answers))
    stated = {word for text in texts for word in words(text)}
    for request in asked["seen"]:
        assert set(words(request.prompt)) <= known | stated, request.prompt


def test_danger_and_its_look_alike_are_asked_in_the_same_words() -> None:
    for split in SPLITS:
        kinds = by_kind(
            islice(instructions(split=split, seed=2, kinds=["danger", "look_alike"]), 2_000)
        )
        asked = [{request.labels["wording"] for request in kinds[kind]} for kind in kinds]
        assert asked[0] == asked[1] == set(WISH[split == "seen"])


def test_answers_end_and_are_short(asked: dict[str, list[Instruction]]) -> None:
    for requests in asked.values():
        for request in requests:
            length = len(request.answer.split())
            assert request.answer[-1] in ".!?"
            assert (25 if request.kind == "story" else 3) <= length <= 60, request.answer
            assert len(request.prompt) + len(request.answer) < 700


def test_no_slot_is_left_open_and_no_space_is_doubled(asked: dict[str, list[Instruction]]) -> None:
    for requests in asked.values():
        for request in requests:
            for text in (request.prompt, request.answer):
                assert not set("{}[]<>*^") & set(text), text
                assert "  " not in text, text
                assert text == text.strip(), text
                assert text[0].isupper(), text


def test_answers_to_one_question_vary() -> None:
    answers = defaultdict(set)
    for request in islice(instructions(split="train", seed=3, kinds=["fact"]), 4_000):
        if well_known(WORLD.fact(request.labels["fact"])):
            answers[request.labels["fact"]].add(request.answer)
    assert sum(len(said) > 1 for said in answers.values()) > 0.9 * len(answers)


def test_labels_are_plain_json_values() -> None:
    for split in SPLITS:
        for request in islice(instructions(split=split, seed=4), 80):
            assert json.loads(json.dumps(request.labels)) == request.labels


def test_half_of_the_statements_to_judge_are_true() -> None:
    judged = islice(instructions(split="new", seed=3, kinds=["true_or_false"]), 2_000)
    assert 0.45 < sum(request.labels["truth"] for request in judged) / 2_000 < 0.55


def test_chat_examples_keep_the_shares_and_repeat_no_prompt_needlessly() -> None:
    examples = chat_examples(0, 4_000)
    assert len(examples) == 4_000
    assert examples == chat_examples(0, 4_000)
    kinds = by_kind(examples)
    for kind, weight in CHAT_WEIGHTS.items():
        assert len(kinds[kind]) == pytest.approx(4_000 * weight, abs=2)
    for kind in ("fact", "true_or_false", "story", "who_has", "counting"):
        assert len({request.prompt for request in kinds[kind]}) > 0.99 * len(kinds[kind])
    assert {request.labels["content"][0] for request in examples} <= contents(
        islice(instructions(split="train", seed=9), 120_000)
    )


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_chat_examples_are_as_many_as_asked(count: int) -> None:
    assert len(chat_examples(1, count)) == count


def test_an_unknown_split_or_kind_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="split"):
        instructions(split="test", seed=0)
    with pytest.raises(ValueError, match="kinds"):
        instructions(split="train", seed=0, kinds=["poem"])
    with pytest.raises(ValueError, match="examples"):
        chat_examples(0, -1)
