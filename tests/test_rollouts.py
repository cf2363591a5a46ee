"""Rollouts: written at temperature 1, judged, paid for in nats; the same whatever the padding."""

import pytest
import torch
from small_models import noisy_model

from tinyllm.alignment.anchor import ShapedReward, write_anchor
from tinyllm.alignment.answers import Reading, join, lay_out, read_answers, write_answers
from tinyllm.alignment.kl import AdaptiveBeta
from tinyllm.alignment.rollouts import prompt_numbers, rollouts
from tinyllm.events import result_of

PAD, END = 1, 4
PROMPTS = [[2, 7, 3], [2, 8, 9, 10, 3], [2, 11, 3]]


@pytest.fixture(scope="module")
def policy():
    return noisy_model(1)


@pytest.fixture(scope="module")
def reference():
    return noisy_model(2)


def write(model, seed=0, **changes):
    arguments = {"num_samples": 4, "max_new_tokens": 12, "end": END, "pad": PAD, "seed": seed}
    return write_answers(model, PROMPTS, [0, 1, 2], **(arguments | changes))


def test_log_probabilities_of_the_sampler_are_those_of_a_full_pass(policy):
    answers = write(policy)
    torch.testing.assert_close(
        answers.log_probs, read_answers(policy, answers).log_probs, atol=1e-4, rtol=1e-4
    )


def test_nothing_is_cut_off_from_the_distribution_that_is_sampled():
    model = noisy_model(3)
    answers = write_answers(
        model, [[2, 7, 3]], [0], num_samples=4000, max_new_tokens=1, end=END, pad=PAD, seed=5
    )
    p = model(torch.tensor([[2, 7, 3]]))[0, -1].softmax(-1).detach()
    seen = torch.bincount(answers.ids[:, 3], minlength=19) / 4000
    assert (seen - p).abs().max() < 0.03
    assert (seen > 0).sum() == 19


def test_the_end_is_an_action_inside_the_mask_and_padding_is_not(policy):
    answers = write(policy)
    for row in range(len(answers)):
        completion = answers.completion(row)
        assert bool(answers.finished[row]) == (completion[-1] == END)
        assert END not in completion[:-1]
        assert answers.ids[row, int(answers.lengths[row]) :].eq(PAD).all()
    assert {True, False} == set(answers.finished.tolist())


def test_the_width_of_the_batch_changes_nothing(policy):
    answers = write(policy)
    wide = join([answers, lay_out([[2] * 20], [[5] * 11 + [END]], pad=PAD, end=END)], pad=PAD)
    assert [wide.completion(row) for row in range(12)] == [
        answers.completion(row) for row in range(12)
    ]
    narrow, broad = read_answers(policy, answers), read_answers(policy, wide)
    mask, width = answers.mask, answers.mask.shape[1]
    torch.testing.assert_close(broad.log_probs[:12, :width], narrow.log_probs)
    torch.testing.assert_close(broad.hidden[:12, :width][mask], narrow.hidden[mask])


def stream(policy, reference, reward, beta=0.1, lengths=(1.0, 1.0, 1.0), **changes):
    arguments = {"prompts_per_step": 2, "num_samples": 4, "max_new_tokens": 12, "end": END,
                 "pad": PAD, "seed": 7}  # fmt: skip
    price = AdaptiveBeta(start=beta, budget=3.0)
    return rollouts(
        policy, reference, PROMPTS, lengths, reward, beta=price, **(arguments | changes)
    )


def length_reward(answers, _):
    return answers.answer_lengths.float()


def test_advantages_are_leave_one_out_of_the_reward_less_k1(policy, reference):
    batch = next(stream(policy, reference, length_reward, beta=0.3))
    log_ratio = sum(
        sign * read_answers(model, batch.answers).log_probs.sum(1)
        for sign, model in ((1, policy), (-1, reference))
    )
    paid = (batch.answers.answer_lengths - 0.3 * log_ratio).view(2, 4)
    expected = (4 / 3 * (paid - paid.mean(1, keepdim=True))).flatten()
    torch.testing.assert_close(batch.advantages, expected, atol=1e-3, rtol=1e-3)
    assert not batch.advantages.requires_grad


def test_a_batch_is_fixed_by_seed_number_and_policy(policy, reference):
    source = stream(policy, reference, length_reward)
    first = [next(source) for _ in range(3)]
    later = next(stream(policy, reference, length_reward, start=2))
    assert torch.equal(first[2].answers.ids, later.answers.ids)
    assert torch.equal(first[2].advantages, later.advantages)
    assert not torch.equal(first[0].advantages, first[1].advantages)


def test_gradients_are_on_while_the_consumer_holds_a_batch(policy, reference):
    for _ in zip(range(2), stream(policy, reference, length_reward), strict=False):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_all_prompts_are_asked_equally_often():
    for lengths in ([5.0] * 6, [5.0, 50.0, 7.0, 60.0, 1.0, 6.0]):
        asked = [n for step in range(9) for n in prompt_numbers(lengths, 4, step, seed=1)]
        assert sorted(asked) == sorted(list(range(6)) * 6)
        assert asked[:6] != asked[6:12]


def test_prompts_with_answers_of_like_length_are_asked_together():
    lengths = [5.0, 50.0] * 8
    rounds = [[prompt_numbers(lengths, 4, 4 * lap + step, seed=0) for step in range(4)]
              for lap in range(3)]  # fmt: skip
    assert all(len({lengths[n] for n in batch}) == 1 for lap in rounds for batch in lap)
    met = [{frozenset(batch) for batch in lap} for lap in rounds]
    assert met[0] != met[1] != met[2]
    first = {lengths[lap[0][0]] for lap in rounds}
    assert first == {5.0, 50.0}, "short and long ones come in random order"


def test_rollouts_ask_by_the_lengths_they_are_given(policy, reference):
    lengths = [9.0, 1.0, 8.0]
    batches = stream(policy, reference, length_reward, prompts_per_step=1, lengths=lengths)
    asked = [int(next(batches).answers.which[0]) for _ in range(12)]
    expected = [prompt_numbers(lengths, 1, step, seed=7)[0] for step in range(12)]
    alike = [prompt_numbers([1.0] * 3, 1, step, seed=7)[0] for step in range(12)]
    assert asked == expected != alike


def test_prompts_that_are_practised_are_answered_as_often_again_until_the_clock_says_stop(
    reference,
):
    given = {"num_samples": 2, "max_new_tokens": 6, "end": END, "pad": PAD, "seed": 0}
    once = result_of(write_anchor(reference, PROMPTS, **given))
    often = result_of(write_anchor(reference, PROMPTS, practised=2, more=3, **given))
    late = result_of(write_anchor(reference, PROMPTS, practised=2, more=3, ends=0.0, **given))
    assert often.counts.tolist() == [8, 8, 2]
    assert late.counts.tolist() == [2, 2, 2]
    assert often.answers.which.tolist() == [0] * 8 + [1] * 8 + [2] * 2
    for row in range(2):
        assert often.answers.completion(row) == once.answers.completion(row)
    assert len({tuple(often.answers.completion(row)) for row in range(8)}) > 4
    lengths = often.answers.answer_lengths.float()
    means = [lengths[:8].mean(), lengths[8:16].mean(), lengths[16:].mean()]
    torch.testing.assert_close(often.mean(lengths), torch.stack(means))
    least, mean, most = often.lengths
    torch.testing.assert_close(mean, torch.stack(means))
    assert (float(least[0]), float(most[0])) == (float(lengths[:8].min()), float(lengths[:8].max()))
    read = read_answers(reference, often.answers)
    torch.testing.assert_close(often.reading.log_probs, read.log_probs, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def anchor(reference):
    writing = write_anchor(
        reference, PROMPTS, num_samples=6, max_new_tokens=12, end=END, pad=PAD, seed=0
    )
    progress = next(writing)
    assert progress.done == progress.total == 3
    with pytest.raises(StopIteration) as returned:
        next(writing)
    return returned.value.value


def test_the_reward_has_mean_nought_and_sd_one_on_the_reference_answers(anchor):
    shaped = ShapedReward(lambda a, h: 40 + 7 * length_reward(a, h), anchor, clip=100.0)
    judged = shaped.judge(anchor.answers, anchor.reading)
    assert judged.mean().abs() < 1e-5
    assert judged.std().item() == pytest.approx(1, abs=1e-5)


def read_answers_of_nobody(answers):
    return Reading(hidden=torch.zeros(0), log_probs=torch.zeros(answers.ids.shape))


def judge_lengths(anchor, lengths, finished=True):
    """What answers of these lengths to prompt 0 pay under a reward that finds all alike."""
    shaped = ShapedReward(lambda a, h: torch.zeros(len(a)), anchor)
    completions = [[5] * (length - 1) + [END if finished else 5] for length in lengths]
    answers = lay_out([PROMPTS[0]] * len(lengths), completions, pad=PAD, end=END,
                      which=[0] * len(lengths))  # fmt: skip
    return shaped(answers, read_answers_of_nobody(answers)).tolist()


def test_only_lengths_that_no_reference_answer_had_are_paid_for(anchor):
    lengths = anchor.answers.answer_lengths[anchor.rows(range(1))]
    shortest, longest = int(lengths.min()), int(lengths.max())
    assert judge_lengths(anchor, [shortest, longest]) == [0.0, 0.0]
    near, far, endless = judge_lengths(anchor, [longest + 1, longest + 2, longest + 500])
    assert 0 > near > far > endless == -3.0


def test_an_answer_that_does_not_end_costs(anchor):
    longest = int(anchor.lengths[2][0])
    assert judge_lengths(anchor, [longest], finished=False) == [-1.0]


def test_extreme_rewards_are_clipped(anchor):
    shaped = ShapedReward(length_reward, anchor, clip=0.5, length_cost=0.0, unfinished_cost=0.0)
    assert shaped(anchor.answers, anchor.reading).abs().max() <= 0.5
