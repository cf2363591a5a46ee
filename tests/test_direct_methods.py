"""DPO and KTO, which learn from labels alone, and the labels themselves."""

import math
from dataclasses import replace
from itertools import chain, islice

import pytest
import torch
from method_ingredients import END, PAD, carry_out, ingredients
from small_models import noisy_model

from tinyllm.alignment.anchor import write_anchor
from tinyllm.alignment.comparisons import Pair
from tinyllm.alignment.labels import Labels, Thumb, labels_from_records, labels_from_reward
from tinyllm.alignment.methods import METHODS
from tinyllm.alignment.methods.dpo import dpo_loss, preferred_loss
from tinyllm.alignment.methods.kto import balanced, kto_loss, liked_loss
from tinyllm.alignment.methods.offline import Recall, answer_log_probs, shuffled, side_by_side
from tinyllm.alignment.records import Answer, Record
from tinyllm.files import TinyLLMError
from tinyllm.training import Rates

ASKED = (2, 7, 3)
GOOD, BAD, OTHER = (8, 9, 4), (10, 11, 12, 4), (13, 4)
PAIRS = [Pair(ASKED, GOOD, BAD), Pair((2, 8, 3), OTHER, BAD), Pair((2, 3), GOOD, OTHER)]
THUMBS = [Thumb(ASKED, GOOD, True), Thumb(ASKED, BAD, False), Thumb((2, 8, 3), OTHER, True)]


@pytest.fixture(scope="module")
def reference():
    return noisy_model(2).requires_grad_(False)


def first_batch(name, policy, reference, labels):
    learning = METHODS[name](ingredients(policy, reference, labels=labels))
    return learning, next(learning.batches)


def gradient(loss, model):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


# DPO


def test_at_the_reference_the_loss_of_dpo_is_ln_two_and_its_gradient_is_half_beta(reference):
    policy = noisy_model(2)
    learning, batch = first_batch("dpo", policy, reference, Labels(PAIRS))
    loss, metrics = preferred_loss(policy, batch, beta=0.3)
    assert loss.item() == pytest.approx(math.log(2), rel=1e-5)
    assert metrics["chosen"] == pytest.approx(0, abs=1e-4)
    found = gradient(loss, policy)
    chosen, rejected = answer_log_probs(policy, batch.answers).chunk(2)
    by_hand = gradient(-(0.3 / 2) * (chosen - rejected).mean(), policy)
    torch.testing.assert_close(found, by_hand, atol=1e-5, rtol=1e-3)
    assert learning.learner is policy
    assert not learning.on_policy


def test_dpo_sums_over_tokens_and_only_the_gap_counts(reference):
    policy = noisy_model(1)
    _, batch = first_batch("dpo", policy, reference, Labels(PAIRS[:1]))
    by_hand = {}
    for name, answer in (("chosen", GOOD), ("rejected", BAD)):
        ids = torch.tensor([[*ASKED, *answer]])
        new, old = (
            m(ids)[0, 2:-1].log_softmax(-1)[range(len(answer)), list(answer)].sum().item()
            for m in (policy, reference)
        )
        by_hand[name] = new - old
    loss, metrics = preferred_loss(policy, batch, beta=0.2)
    gap = by_hand["chosen"] - by_hand["rejected"]
    assert loss.item() == pytest.approx(math.log1p(math.exp(-0.2 * gap)), rel=1e-4)
    assert {k: metrics[k] for k in by_hand} == pytest.approx(by_hand, rel=1e-3)
    chosen, rejected = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 3.0])
    torch.testing.assert_close(dpo_loss(chosen + 7, rejected + 7, 0.2),
                               dpo_loss(chosen, rejected, 0.2))  # fmt: skip


# KTO


def test_at_the_reference_kto_weighs_a_quarter_of_beta_up_and_down(reference):
    policy = noisy_model(2)
    _, batch = first_batch("kto", policy, reference, Labels(thumbs=THUMBS))
    loss, metrics = liked_loss(policy, batch, beta=0.4)
    assert metrics["z0"] == pytest.approx(0, abs=1e-4)
    assert loss.item() == pytest.approx(0.5, abs=1e-4)
    found = gradient(loss, policy)
    sign = torch.where(batch.up, 1.0, -1.0)
    log_probs = answer_log_probs(policy, batch.answers)
    by_hand = gradient(-(0.4 / 4) * (batch.weights * sign * log_probs).mean(), policy)
    torch.testing.assert_close(found, by_hand, atol=1e-5, rtol=1e-3)


def test_likes_and_dislikes_count_alike_however_many_there_are():
    for ups, downs in ((1, 9), (5, 5), (30, 2)):
        up = [True] * ups + [False] * downs
        weight_up, weight_down = balanced(up)
        assert ups * weight_up == pytest.approx(downs * weight_down)
        assert (ups * weight_up + downs * weight_down) / len(up) == pytest.approx(1)


def test_the_point_of_reference_comes_from_answers_under_wrong_prompts_and_never_below_nought(
    reference,
):
    policy = noisy_model(1)
    _, batch = first_batch("kto", policy, reference, Labels(thumbs=THUMBS))
    prompts = [tuple(batch.answers.ids[row][: int(start)].tolist()) for row, start in enumerate(
        batch.answers.mask.int().argmax(1))]  # fmt: skip
    wrong = [tuple(batch.wrong.ids[row][: int(start)].tolist()) for row, start in enumerate(
        batch.wrong.mask.int().argmax(1))]  # fmt: skip
    assert wrong == [prompts[-1], *prompts[:-1]]
    moved = (answer_log_probs(policy, batch.wrong) - batch.wrong_reference).mean().item()
    assert liked_loss(policy, batch)[1]["z0"] == pytest.approx(max(0.0, moved), abs=1e-5)
    assert min(moved, -moved) < 0, "one of the two directions is below nought"
    there = replace(batch, wrong_reference=batch.wrong_reference + moved + 5)
    assert liked_loss(policy, there)[1]["z0"] == 0
    back = replace(batch, wrong_reference=batch.wrong_reference + moved - 5)
    assert liked_loss(policy, back)[1]["z0"] == pytest.approx(5, abs=1e-3)


def test_kto_moves_likes_above_and_dislikes_below_the_point_of_reference():
    log_ratio = torch.tensor([0.5, 0.5], requires_grad=True)
    up = torch.tensor([True, False])
    kto_loss(log_ratio, up, torch.tensor(0.2), torch.ones(2), 0.1).backward()
    slope = 0.1 * torch.sigmoid(torch.tensor(0.03)) * torch.sigmoid(torch.tensor(-0.03)) / 2
    torch.testing.assert_close(log_ratio.grad, torch.stack([-slope, slope]))


# Both


@pytest.mark.parametrize("name", ["dpo", "kto"])
def test_a_few_steps_make_what_was_preferred_likelier_beside_what_was_not(name, reference):
    policy = noisy_model(2)
    learning, _ = first_batch(name, policy, reference, Labels(PAIRS, THUMBS))
    rates = Rates(matrices=0.01, embedding=0.003, gains=0.003, head=0.003, clip=1.0)
    steps = carry_out(learning, rates, 20)
    said = side_by_side([(ASKED, GOOD), (ASKED, BAD)], end=END, pad=PAD)
    moved = answer_log_probs(policy, said) - answer_log_probs(reference, said)
    assert moved[0] > moved[1] + 1
    assert steps[-1].loss < steps[0].loss
    assert learning.usual_tokens > 0


def test_what_the_reference_makes_of_an_answer_is_read_once(reference, monkeypatch):
    from tinyllm.alignment.methods import offline

    read = []
    whole = offline.read_answers
    monkeypatch.setattr(
        offline, "read_answers", lambda model, answers: read.append(len(answers)) or
        whole(model, answers),
    )  # fmt: skip
    recall = Recall(reference, end=END, pad=PAD)
    said = [(ASKED, GOOD), (ASKED, BAD), (ASKED, GOOD)]
    first, again = recall(said), recall(said[::-1])
    assert read == [2]
    assert first[0] == first[2] != first[1]
    assert torch.equal(first.flip(0), again)


def test_every_label_is_learned_once_an_epoch_in_another_order():
    batches = list(islice(shuffled(range(7), rows=3, seed=1), 9))
    assert [len(batch) for batch in batches] == [3, 3, 1] * 3
    epochs = [[*chain(*batches[n : n + 3])] for n in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("dpo", Labels(), "DPO learns from comparisons, and there are none"),
        ("kto", Labels(), "thumbs up and thumbs down, and there are none"),
        ("kto", Labels(thumbs=THUMBS[:1] * 3), "all 3 there are are alike"),
    ],
)
def test_too_few_labels_are_named_with_a_way_out(name, labels, words, reference):
    with pytest.raises(TinyLLMError, match=words):
        METHODS[name](ingredients(noisy_model(2), reference, labels=labels))


# Labels


class Letters:
    """A tokenizer of letters: a is 5, b is 6, and so on."""

    end, pad = END, PAD

    def encode(self, text):
        return [ord(letter) - ord("a") + 5 for letter in text]


def record(number, kind, answer, *, prompt="p", **fields):
    return Record(
        id=str(number), time="", session="s", turn=str(number), kind=kind, prompt=prompt,
        answer=Answer(text=answer), **fields,
    )  # fmt: skip


def labels_of(*records):
    prompts, numbers = [[2, 3], [2, 9, 3]], {"p": 0, "q": 1}
    return labels_from_records(records, Letters(), prompts, numbers, longest=32)


def test_a_pair_is_a_comparison_and_two_thumbs():
    labels = labels_of(
        record(1, "pair", "a", other=Answer(text="b"), choice="b", shown="ab"),
        record(2, "edit", "c", other=Answer(text="d"), prompt="q"),
    )
    assert list(labels.pairs) == [Pair((2, 3), (6, 4), (5, 4)), Pair((2, 9, 3), (8, 4), (7, 4))]
    assert {(t.answer, t.up) for t in labels.thumbs} == {
        ((6, 4), True), ((5, 4), False), ((8, 4), True), ((7, 4), False),
    }  # fmt: skip


def test_thumbs_on_one_question_are_compared_and_those_on_different_ones_never():
    labels = labels_of(
        record(1, "thumb", "a", value=1),
        record(2, "thumb", "b", value=-1),
        record(3, "thumb", "c", value=-1, prompt="q"),
    )
    assert list(labels.pairs) == [Pair((2, 3), (5, 4), (6, 4))]
    assert len(labels.thumbs) == 3


def test_a_tie_says_nothing_and_both_bad_is_two_thumbs_down():
    choices = {"other": Answer(text="b"), "shown": "ab"}
    assert labels_of(record(1, "pair", "a", choice="tie", **choices)) == Labels([], [])
    bad = labels_of(record(1, "pair", "a", choice="both_bad", **choices))
    assert not bad.pairs
    assert [thumb.up for thumb in bad.thumbs] == [False, False]


def test_a_reward_labels_the_best_and_the_worst_answer_to_each_prompt(reference):
    writing = write_anchor(
        reference, [[2, 7, 3], [2, 8, 3], [2, 3]], num_samples=4, max_new_tokens=8, end=END,
        pad=PAD, seed=0,
    )  # fmt: skip
    next(writing)  # the one piece of progress; then it is written
    with pytest.raises(StopIteration) as done:
        next(writing)
    anchor = done.value.value
    lengths = anchor.answers.answer_lengths.float()
    labels = labels_from_reward(anchor, lengths, range(2))
    assert {pair.prompt for pair in labels.pairs} <= {(2, 7, 3), (2, 8, 3)}
    assert labels.pairs
    assert all(len(pair.chosen) > len(pair.rejected) for pair in labels.pairs)
    assert labels_from_reward(anchor, torch.zeros(12), range(3)) == Labels([], [])
