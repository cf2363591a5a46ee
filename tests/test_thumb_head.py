"""The Bayesian head: convex, deterministic, sure only of what the votes have said."""

import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.features import Features
from tinyllm.alignment.honesty import accuracy, prequential
from tinyllm.alignment.store import FeedbackStore
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward, number_prompts
from tinyllm.alignment.thumbs import Votes, fit, fit_with_scales, prior_sd
from tinyllm.model import ModelConfig, Transformer
from tinyllm.tokens import Tokenizer


def votes_of(x, up, thumb=True):
    x = torch.as_tensor(x, dtype=torch.float64)
    return Votes(
        x=x,
        up=torch.as_tensor(up, dtype=torch.float64),
        thumb=torch.full((len(x),), thumb) if isinstance(thumb, bool) else torch.as_tensor(thumb),
    )


def fit_plain(votes, sd=1.0, lapse=0.05, **arguments):
    features = votes.x.shape[1]
    zero = torch.zeros(features, dtype=torch.float64)
    return fit(votes, prior_mean=zero, prior_sd=zero + sd, lapse=lapse, **arguments)


def simulate(votes, features, seed, pairs=0):
    """Thumbs (then pairs) of a person whose taste is the first feature."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(votes + pairs, features, generator=generator, dtype=torch.float64)
    noise = torch.rand(votes + pairs, generator=generator, dtype=torch.float64)
    up = (noise < torch.sigmoid(3 * x[:, 0])).double()
    return Votes(x=x, up=up, thumb=torch.arange(votes + pairs) < votes)


def test_constant_features_give_the_base_rate():
    votes = votes_of(torch.zeros(8, 2), [1, 1, 1, 1, 1, 1, 0, 0])
    head = fit_plain(votes)
    p = torch.sigmoid(head.mean[-1]).item()
    assert (p - 0.05) / 0.9 == pytest.approx(6 / 8, abs=1e-4)
    assert head.mean[:-1].abs().max() < 1e-9


def test_two_items_are_told_apart_by_the_logit_of_the_win_rate():
    votes = votes_of(torch.ones(10, 1), [1] * 7 + [0] * 3, thumb=False)
    head = fit_plain(votes, sd=1e4, lapse=1e-9)
    assert head.mean[0].item() == pytest.approx(math.log(7 / 3), abs=1e-5)


def test_the_peak_has_no_gradient_and_the_covariance_is_the_inverse_hessian():
    votes = simulate(30, 3, seed=0, pairs=10)
    sd, lapse = 0.7, 0.1
    head = fit_plain(votes, sd=sd, lapse=lapse)
    spread = torch.tensor([sd, sd, sd, 100.0], dtype=torch.float64)

    def negative_log_posterior(w):
        logits = votes.x @ w[:-1] + votes.thumb * w[-1]
        target = lapse + (1 - 2 * lapse) * votes.up
        fits = target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)
        return -fits.sum() + ((w / spread) ** 2).sum() / 2

    w = head.mean.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(negative_log_posterior(w), w)
    hessian = torch.autograd.functional.hessian(negative_log_posterior, head.mean)
    assert gradient.abs().max() < 1e-4
    torch.testing.assert_close(head.covariance @ hessian, torch.eye(4, dtype=torch.float64))


def test_the_evidence_is_the_integral_over_the_weight():
    votes = votes_of([[1.0]] * 6 + [[-1.0]] * 6, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1], thumb=False)
    head = fit_plain(votes, sd=1.0, lapse=0.05)
    w = torch.linspace(-12, 12, 20_001, dtype=torch.float64)[:, None]
    target = 0.05 + 0.9 * votes.up
    logits = w * votes.x[:, 0]
    log_p = (target * logsigmoid(logits) + (1 - target) * logsigmoid(-logits)).sum(1)
    log_p = log_p - w[:, 0] ** 2 / 2 - math.log(2 * math.pi) / 2
    integral = torch.trapezoid(log_p.exp(), w[:, 0]).log().item()
    assert head.evidence == pytest.approx(integral, abs=0.03)


def test_the_order_of_votes_and_of_a_pair_does_not_matter():
    votes = simulate(20, 3, seed=1, pairs=20)
    order = torch.arange(39, -1, -1)
    sign = torch.where(votes.thumb, 1.0, -1.0)
    swapped = Votes(
        x=(votes.x * sign[:, None])[order],
        up=torch.where(votes.thumb, votes.up, 1 - votes.up)[order],
        thumb=votes.thumb[order],
    )
    torch.testing.assert_close(fit_plain(votes).mean, fit_plain(swapped).mean)


def test_the_same_votes_give_the_same_head_bit_for_bit():
    votes = simulate(40, 5, seed=2)
    assert torch.equal(fit_plain(votes).mean, fit_plain(votes).mean)


def test_no_votes_leave_the_prior():
    mean, sd = torch.tensor([0.5, -1.0]).double(), torch.tensor([0.2, 0.4]).double()
    head = fit(votes_of(torch.zeros(0, 2), []), prior_mean=mean, prior_sd=sd)
    torch.testing.assert_close(head.mean[:-1], mean)
    torch.testing.assert_close(head.covariance.diagonal()[:-1], sd**2)
    assert head.evidence == pytest.approx(0.0, abs=1e-9)


def test_thumbs_and_pairs_share_what_they_teach():
    thumbs, pairs = simulate(60, 2, seed=3), simulate(0, 2, seed=4, pairs=60)
    both = Votes(
        x=torch.cat([thumbs.x, pairs.x]),
        up=torch.cat([thumbs.up, pairs.up]),
        thumb=torch.cat([thumbs.thumb, pairs.thumb]),
    )
    spreads = [fit_plain(votes).covariance[0, 0].item() for votes in (both, thumbs, pairs)]
    assert spreads[0] < min(spreads[1:])


def test_pessimism_pays_for_what_no_vote_has_said():
    head = fit_plain(simulate(60, 3, seed=5))
    near, far = torch.tensor([[0.2, 0, 0]]).double(), torch.tensor([[0.2, 0, 9]]).double()
    mu, variance = head.reward(far)
    assert head.pessimistic(far, 0.5).item() == pytest.approx((mu - variance).item())
    assert head.pessimistic(far, 0.2) < head.pessimistic(near, 0.2)
    assert head.reward(torch.zeros(1, 3).double())[1].item() == 0.0


def test_evidence_frees_the_features_that_explain_the_votes_and_no_others():
    groups = {"taste": slice(0, 1), "noise": slice(1, 21)}
    votes = simulate(120, 21, seed=6)
    _, chosen = fit_with_scales(votes, groups, prior_mean=torch.zeros(21).double())
    assert chosen == {"taste": 1.0, "noise": 0.1}


def test_the_prior_is_overridden_only_by_votes():
    groups = {"taste": slice(0, 1)}
    votes = simulate(100, 1, seed=7)
    believed = torch.tensor([-1.0]).double()
    sd = prior_sd(groups, {"taste": 1.0})
    few, many = (fit(votes[:n], prior_mean=believed, prior_sd=sd).mean[0] for n in (2, 100))
    assert few < 0 < many


def test_a_vote_does_not_help_to_predict_itself_or_those_before_it():
    groups = {"all": slice(0, 3)}
    votes = simulate(40, 3, seed=8)
    other = Votes(x=votes.x, up=votes.up.clone(), thumb=votes.thumb)
    other.up[30:] = 1 - other.up[30:]
    zero = torch.zeros(3).double()
    first, second = (prequential(v, groups, prior_mean=zero) for v in (votes, other))
    assert first[:31] == second[:31]
    assert first[0] == 0.5


def test_foresight_is_claimed_for_a_taste_and_not_for_coin_flips():
    groups = {"all": slice(0, 3)}
    votes = simulate(100, 3, seed=9)
    zero = torch.zeros(3).double()
    up = [int(y) for y in votes.up]
    told = accuracy(prequential(votes, groups, prior_mean=zero), up)
    assert told.better_than_guessing
    assert told.log_loss < told.baseline_log_loss
    flips = torch.rand(100, generator=torch.Generator().manual_seed(1)) < 0.5
    coin = Votes(x=votes.x, up=flips.double(), thumb=votes.thumb)
    guessed = accuracy(prequential(coin, groups, prior_mean=zero), [int(y) for y in coin.up])
    assert guessed.sentence.endswith("not distinguishable from guessing.")


@pytest.mark.parametrize("lapse", [0.0, 0.5, 0.9])
def test_a_lapse_that_is_no_lapse_is_refused(lapse):
    with pytest.raises(ValueError, match="expected a lapse between 0"):
        fit_plain(simulate(5, 1, seed=0), lapse=lapse)


# The head on the features of real answers.

TOKENIZER = Tokenizer.from_merges([])
PROMPTS = ["Hello", "Sing", "Who has it?"]


@pytest.fixture(scope="module")
def reference():
    config = ModelConfig(vocab_size=TOKENIZER.vocab_size, hidden_size=32, intermediate_size=48,
                         num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                         head_dim=16, max_position_embeddings=64)  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    model = Transformer(config, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def anchor(reference):
    """Six answers to each prompt, as a chat model might have given them."""
    said = ["the fox sleeps", "a fox!", "no fox here", "the bear sings", "bears sing well", "why?"]
    prompts, _ = number_prompts(TOKENIZER, PROMPTS, longest=40)
    answers = lay_out(
        [prompt for prompt in prompts for _ in said],
        [[*TOKENIZER.encode(text), TOKENIZER.end] for _ in prompts for text in said],
        which=[number for number in range(3) for _ in said],
        pad=TOKENIZER.pad,
        end=TOKENIZER.end,
    )
    reading = read_answers(reference, answers)
    return Anchor(prompts=prompts, answers=answers, reading=reading, num_samples=6)


def thumb_reward(store, reference, anchor, base=None, only=None):
    numbers = {prompt: number for number, prompt in enumerate(PROMPTS)}
    grounds = Grounds(records=store.valid(), reference=reference, tokenizer=TOKENIZER,
                      anchor=anchor, numbers=numbers, base=base, beta=1.0)  # fmt: skip
    return ThumbReward(grounds, only=only)


def judge(reward, reference, texts, which):
    """The mean reward of texts as answers to the prompts of these numbers."""
    encoded, _ = number_prompts(TOKENIZER, PROMPTS, longest=40)
    answers = lay_out(
        [encoded[number] for number in which],
        [[*TOKENIZER.encode(text), TOKENIZER.end] for text in texts],
        which=which,
        pad=TOKENIZER.pad,
        end=TOKENIZER.end,
    )
    rows = reward.features(answers, read_answers(reference, answers))
    return reward.head.reward(rows)[0].tolist()


def test_features_are_measured_from_the_average_answer_to_the_same_prompt(reference, anchor):
    features = Features(TOKENIZER, anchor, base=lambda answers, _: answers.lengths.float())
    rows = features(anchor.answers, anchor.reading)
    assert rows.shape == (18, len(features.names))
    assert anchor.per_prompt(rows).mean(1).abs().max() < 1e-9
    assert set(features.groups) == {"base", "readable", "trunk", "words"}
    assert features.groups["words"].stop == len(features.names)
    assert "word fox" in features.names
    columns = rows[:, features.groups["readable"]]
    assert columns.std(0, correction=0).max() < 1.1


def test_a_head_that_may_see_the_length_alone_learns_nothing_else(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 3):
        store.add_thumb(prompt, f"the bear sings {number}", 1)
        store.add_thumb(prompt, f"the fox sings {number} ", -1)
    reward = thumb_reward(store, reference, anchor, only=["length"])
    assert reward.features.names == ["length"]
    assert reward.features.groups == {"readable": slice(0, 1)}
    bear, fox = judge(reward, reference, ["a bear", "six ox"], [1, 1])
    assert bear == pytest.approx(fox)
    with pytest.raises(ValueError, match=r"got \['colour'\]"):
        thumb_reward(store, reference, anchor, only=["colour"])
    store.close()


def test_a_liking_for_bears_is_learned_and_named(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 3):
        store.add_thumb(prompt, f"the bear sings {number}", 1)
        store.add_thumb(prompt, f"the fox sleeps {number}", -1)
    reward = thumb_reward(store, reference, anchor)
    store.close()
    # The trunk of this reference is noise, so one pair of sentences may say anything.
    said = ["a {} swims", "the {} runs", "one {}", "my {} is big", "here is a {}", "a {} or two"]
    liked = judge(reward, reference, [each.format("bear") for each in said], [1] * len(said))
    other = judge(reward, reference, [each.format("fox") for each in said], [1] * len(said))
    assert sum(liked) > sum(other) + 1
    named = dict(reward.learned(4))
    assert named.get("word bear", 0) > 0 or named.get("word fox", 0) < 0


def test_prompts_that_please_say_nothing_about_words(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number in range(8):  # the same answers are liked after one prompt and not after another
        store.add_thumb("Hello", f"the fox sleeps {number}", 1)
        store.add_thumb("Sing", f"the fox sleeps {number}", -1)
    reward = thumb_reward(store, reference, anchor)
    store.close()
    for group in ("words", "readable"):
        assert reward.head.mean[:-1][reward.features.groups[group]].abs().max() < 0.05


def test_pairs_and_edits_teach_as_thumbs_do_whichever_side_they_stood_on(
    reference, anchor, tmp_path
):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 2):
        store.add_pair(prompt, f"the bear sings {number}", f"the fox sleeps {number}", "a")
        store.add_pair(prompt, f"no fox {number}", f"bears sing {number}", "b", shown="ba")
        store.add_pair(prompt, f"a fox {number}", f"a bear {number}", "tie")
        store.add_edit(prompt, f"the fox sleeps on {number}", f"the bear sings on {number}")
    reward = thumb_reward(store, reference, anchor)
    store.close()
    assert len(reward.votes) == 18  # ties are silent
    assert reward.votes.up.tolist().count(1.0) == 6
    liked, other = judge(reward, reference, ["a bear swims", "a fox swims"], [0, 0])
    assert liked > other


def test_without_votes_the_base_reward_model_speaks(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    reward = thumb_reward(store, reference, anchor, base=lambda a, _: a.answer_lengths.float())
    store.close()
    long, short = reward.head.reward(
        reward.features(anchor.answers, anchor.reading)[torch.tensor([0, 5])]
    )[0].tolist()
    assert long > short
