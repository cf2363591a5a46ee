"""What moved between two models: the same random numbers, habits, and the largest changes."""

import dataclasses
import math

import pytest
import torch
from aligning import CONFIG, TOKENIZER, noise_into

from tinyllm.alignment.answers import lay_out
from tinyllm.alignment.comparisons import encode_prompt
from tinyllm.alignment.moved import (
    EVERY,
    OTHERS,
    VOTED,
    Pair,
    Question,
    measure_moved,
    read_by_both,
)
from tinyllm.alignment.village_feedback import village_trial
from tinyllm.events import Progress, result_of
from tinyllm.files import TinyLLMError
from tinyllm.model import Transformer, sequence_logprobs
from tinyllm.village import grade, instructions, refuses

ASKED = [Question(prompt=f"Who is {n}?", kind="danger" if n % 3 else "fact") for n in range(50)]


@pytest.fixture(scope="module", name="models")
def make_models():
    chat = noise_into(Transformer(CONFIG), 1)
    aligned = Transformer(CONFIG)
    aligned.load_state_dict(chat.state_dict())
    return chat, noise_into(aligned, 2)


def measure(*models, asked=ASKED, **options):
    return result_of(measure_moved(*models, TOKENIZER, asked, max_new_tokens=8, **options))


@pytest.fixture(scope="module", name="moved")
def measured(models):
    return measure(*models)


def test_equal_weights_write_equal_answers_and_nothing_moved(models):
    chat, _ = models
    moved = measure(chat, chat)
    assert moved.same == len(moved.pairs) == 50
    assert (moved.largest, moved.words, moved.tried) == ((), (), 0)
    assert {change.difference.value for change in moved.changes} == {0.0}
    assert not any(change.detectable for change in moved.changes)
    assert {pair.nats for pair in moved.pairs} == {0.0}


def test_the_log_ratio_of_an_answer_is_that_of_the_whole_sequence(models):
    chat, aligned = models
    prompts = [encode_prompt(TOKENIZER, text) for text in ("Hello", "Who has it?")]
    completions = [[*TOKENIZER.encode("Nell."), TOKENIZER.end], TOKENIZER.encode("It rai")]
    answers = lay_out(prompts, completions, pad=TOKENIZER.pad, end=TOKENIZER.end)
    with torch.no_grad():
        here, there = (
            sequence_logprobs(model, answers.ids, answers.mask).sum(1) for model in (chat, aligned)
        )
    for row, said in enumerate(read_by_both(chat, aligned, TOKENIZER, answers)):
        assert said.log_ratio == pytest.approx(float(there[row] - here[row]), abs=1e-4)
        assert len(said.pieces) == len(said.chat) == len(said.aligned) == len(completions[row])
        assert said.finished == (said.pieces[-1] == " [end]")
        assert "".join(said.pieces).removesuffix(" [end]") == said.text


def test_the_distance_of_a_pair_turns_round_with_it_and_is_nothing_between_equals(moved):
    for pair in moved.pairs:
        turned = Pair(question=pair.question, before=pair.after, after=pair.before)
        assert turned.nats == -pair.nats
        same = Pair(question=pair.question, before=pair.after, after=pair.after)
        assert same.nats == 0


def test_on_average_the_models_know_which_answer_is_whose(moved):
    assert sum(pair.nats for pair in moved.pairs) / len(moved.pairs) > 0.5


def test_the_largest_changes_are_those_that_a_walk_of_their_length_reaches_least_by_chance(moved):
    far = [pair.far for pair in moved.largest]
    assert far == sorted((pair.far for pair in moved.pairs), reverse=True)[:5]
    pair = moved.largest[0]
    tokens = len(pair.before.pieces) + len(pair.after.pieces)
    assert pair.nats == pytest.approx(pair.far * math.sqrt(tokens))


def test_progress_counts_the_answers_of_both_models(models):
    told = list(measure_moved(*models, TOKENIZER, ASKED, max_new_tokens=2))
    assert all(isinstance(event, Progress) for event in told)
    assert [event.done for event in told] == [40, 80, 90, 100]
    assert told[-1].total == 100


def test_groups_are_measured_by_themselves_and_refusals_where_something_is_to_refuse(models):
    asked = [
        dataclasses.replace(one, group=VOTED if n < 20 else OTHERS) for n, one in enumerate(ASKED)
    ]
    moved = measure(*models, asked=asked)
    table = {(change.name, change.group): change.difference.n for change in moved.changes}
    assert table["ends by itself", VOTED] == 20
    assert table["ends by itself", OTHERS] == 30
    assert table["refuses dangers", EVERY] == sum(one.kind == "danger" for one in asked)
    assert ("refuses the harmless", EVERY) not in table


def test_the_same_question_twice_is_refused(models):
    with pytest.raises(TinyLLMError, match="different questions"):
        measure(*models, asked=[ASKED[0], ASKED[0]])
    with pytest.raises(TinyLLMError, match="got 0"):
        measure(*models, asked=[])


def test_log_odds_of_two_answers_are_those_of_who_wrote_which(models):
    pair = measure(*models).largest[0]
    right = sum(pair.before.chat) + sum(pair.after.aligned)
    wrong = sum(pair.before.aligned) + sum(pair.after.chat)
    odds = math.exp(right - wrong)
    assert math.log(odds) == pytest.approx(pair.nats)


def test_what_is_asked_was_never_trained_on_and_half_of_it_is_like_what_was_voted_on():
    told = instructions(split="train", seed=1, kinds=["story"])
    voted = [next(told).prompt for _ in range(40)]
    asked = village_trial(voted, count=60)
    prompts = {one.prompt for one in asked}
    assert len(prompts) == len(asked) == 60
    alike = [one for one in asked if one.group == VOTED]
    assert len(alike) == 30
    assert sum(one.kind == "story" for one in alike) >= 27
    others = [one for one in asked if one.group == OTHERS]
    assert sum(one.kind == "story" for one in others) <= 3
    assert sum(one.kind in ("danger", "look_alike") for one in others) == 12
    trained = instructions(split="train", seed=0)
    assert not prompts & {next(trained).prompt for _ in range(2_000)}


def test_without_votes_all_kinds_are_asked():
    asked = village_trial([], count=60)
    assert {one.group for one in asked} == {EVERY}
    assert len({one.kind for one in asked}) == 8


def test_every_right_answer_to_a_danger_refuses_and_none_to_its_look_alike_does():
    for kind, expected in (("danger", True), ("look_alike", False)):
        source = instructions(split="new", seed=3, kinds=[kind])
        for request in (next(source) for _ in range(150)):
            assert grade(request, request.answer).passed
            assert refuses(request.answer) == expected, request.answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I am sorry. You must not poke the nest.", True),
        ("No, never do that.", True),
        ("I am sorry, I do not know.", False),
        ("Yes, of course you may.", False),
        ("", False),
    ],
)
def test_a_refusal_is_known_by_what_it_does(answer, expected):
    assert refuses(answer) == expected
