"""The pairwise reward model: its loss, its batches, its folder, and how it is judged."""

import json
import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import TINY

from tinyllm.alignment.answers import lay_out, read_answers, write_answers
from tinyllm.alignment.comparisons import (
    Graded,
    Pair,
    collate,
    compared_batches,
    informative_pairs,
)
from tinyllm.alignment.judging import best_of, within_prompt_correlation
from tinyllm.alignment.reward import RewardModel, bradley_terry, bradley_terry_loss
from tinyllm.alignment.reward_training import Questions, RewardConfig, train_reward
from tinyllm.alignment.weighed_reward import NAMES, WeighedReward, weigh
from tinyllm.events import Evaluation, Finished, Progress, Step
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.model import Transformer, load_model, read_weights, save_model
from tinyllm.tokens import Tokenizer

TOKENIZER = Tokenizer.from_merges([])
PAD, END = TOKENIZER.pad, TOKENIZER.end
CONFIG = replace(TINY, vocab_size=TOKENIZER.vocab_size, max_position_embeddings=64)


def noisy_reward_model(seed=0, architecture="qwen3"):
    config = replace(CONFIG, architecture=architecture)
    generator = torch.Generator().manual_seed(seed)
    model = RewardModel.grown_from(Transformer(config, generator=generator))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn(parameter.shape, generator=generator))
    return model


floats = st.lists(st.floats(-20, 20), min_size=1, max_size=8)


@settings(deadline=None)
@given(floats, st.floats(-5, 5))
def test_bradley_terry_is_ln_2_at_equal_scores_and_blind_to_a_shift(scores, shift):
    r = torch.tensor(scores, dtype=torch.float64)
    assert bradley_terry(r, r).item() == pytest.approx(math.log(2))
    other = r.flip(0) * 0.7
    shifted = bradley_terry(r + shift, other + shift)
    assert shifted.item() == pytest.approx(bradley_terry(r, other).item(), abs=1e-9)


def test_fitted_to_two_items_the_difference_is_the_logit_of_the_win_rate():
    r = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    wins = torch.tensor([0] * 7 + [1] * 3)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(bradley_terry(r[wins], r[1 - wins]), r)
        with torch.no_grad():
            r -= 2.0 * gradient
    assert (r[0] - r[1]).item() == pytest.approx(math.log(7 / 3), abs=1e-6)


def test_a_fresh_reward_model_finds_every_answer_alike():
    model = RewardModel.grown_from(Transformer(CONFIG))
    loss, metrics = bradley_terry_loss(
        model, collate([Pair((2, 7, 3), (8, 4), (9, 9, 4))], pad=PAD, end=END)
    )
    assert loss.item() == pytest.approx(math.log(2))
    assert metrics["accuracy"] == 0.0


PAIRS = [
    Pair((2, 7, 3), (8, 4), (9, 9, 4)),
    Pair((2, 7, 3), (8, 4), (10, 11, 12, 13, 4)),
    Pair((2, 6, 6, 6, 3), (9, 9, 4), (8, 12)),
]


def test_scores_are_read_at_the_last_token_and_do_not_depend_on_company_or_padding():
    model = noisy_reward_model()
    batch = collate(PAIRS, pad=PAD, end=END)
    together = model(batch.ids, batch.last)
    assert batch.ids.shape[0] == 5  # the answer that two comparisons share stands once
    for row, last in enumerate(batch.last.tolist()):
        alone = batch.ids[row : row + 1, : last + 1]
        torch.testing.assert_close(model(alone, torch.tensor([last]))[0], together[row])
    by_hand = bradley_terry(together[batch.better], together[batch.worse])
    assert bradley_terry_loss(model, batch)[0].item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_one_batch_is_learned_by_heart():
    model = noisy_reward_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch = collate(PAIRS, pad=PAD, end=END)
    for _ in range(40):
        optimizer.zero_grad()
        loss, metrics = bradley_terry_loss(model, batch)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert metrics["accuracy"] == 1.0


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_the_folder_opens_in_transformers_with_the_same_scores(tmp_path, architecture):
    transformers = pytest.importorskip("transformers")
    model = noisy_reward_model(architecture=architecture)
    model.save(TOKENIZER, tmp_path / "reward", stage="reward")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "reward")
    assert theirs.config.num_labels == 1
    batch = collate(PAIRS, pad=PAD, end=END)
    attention = torch.arange(batch.ids.shape[1]) <= batch.last[:, None]
    with torch.no_grad():
        scores = theirs(input_ids=batch.ids, attention_mask=attention.long()).logits[:, 0]
        torch.testing.assert_close(model(batch.ids, batch.last), scores, atol=1e-4, rtol=1e-4)
    assert "score.weight" in dict(theirs.named_parameters())


def test_what_is_saved_comes_back_with_its_normalisation(tmp_path):
    model = noisy_reward_model()
    model.mean, model.sd = 0.25, 2.0
    model.save(TOKENIZER, tmp_path / "reward", stage="reward")
    again = RewardModel.load(tmp_path / "reward")
    answers = lay_out([[2, 7, 3]] * 2, [[8, 4], [9, 10]], pad=PAD, end=END)
    assert torch.equal(again.reward(answers), model.reward(answers))
    raw = model(answers.ids, answers.lengths - 1)
    torch.testing.assert_close(model.reward(answers), ((raw - 0.25) / 2).detach())
    manifest = json.loads((tmp_path / "reward" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["normalisation"] == {"mean": 0.25, "sd": 2.0}


def test_a_folder_without_a_reward_head_is_refused(tmp_path):
    model = noisy_reward_model()
    model.save(TOKENIZER, tmp_path / "reward")
    config = json.loads((tmp_path / "reward" / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["Qwen3ForCausalLM"]
    (tmp_path / "reward" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(TinyLLMError, match="holds no reward model"):
        RewardModel.load(tmp_path / "reward")


def test_informative_pairs_set_a_better_answer_over_a_worse_one_to_the_same_prompt():
    prompts = [[2, 7, 3]] * 4 + [[2, 8, 3]] * 4
    completions = [[9, 4], [10, 4], [11, 4], [9, 4], [12, 4], [13, 4], [14, 4], [15, 4]]
    scores = torch.tensor([[1.0, 0.0, 0.5, 1.0], [0.5, 0.5, 0.5, 0.5]])
    graded = Graded(lay_out(prompts, completions, pad=PAD, end=END), scores)
    gold = {(9, 4): 1.0, (10, 4): 0.0, (11, 4): 0.5}
    pairs = list(informative_pairs(graded))
    assert len(pairs) == 3  # the equal answer once, the undecided prompt not at all
    assert all(gold[pair.chosen] > gold[pair.rejected] for pair in pairs)
    assert all(pair.prompt == (2, 7, 3) for pair in pairs)
    assert len(list(informative_pairs(graded, pairs_per_prompt=2))) == 2


def test_every_epoch_shows_each_comparison_once_and_prompts_stay_together():
    pairs = [Pair((2, p, 3), (8 + i, 4), (20, p, 4)) for p in range(5, 12) for i in range(3)]
    stream = compared_batches(pairs, rows=8, pad=PAD, end=END, seed=0)
    batches = [next(stream) for _ in range(4)]
    assert [len(batch.better) for batch in batches] == [6, 6, 6, 3]
    shown = {
        tuple(batch.ids[row, : batch.last[row] + 1].tolist())
        for batch in batches
        for row in batch.better.tolist()
    }
    assert len(shown) == len(pairs)


def test_batches_go_on_where_they_were_left():
    pairs = [Pair((2, p, 3), (8, 4), (9, 4)) for p in range(5, 12)]

    def batches(start, count):
        stream = compared_batches(pairs, rows=4, pad=PAD, end=END, seed=3, start=start)
        return [next(stream).ids.tolist() for _ in range(count)]

    assert batches(0, 9)[5:] == batches(5, 4)


def test_agreement_within_prompts_ignores_what_prompts_differ_by():
    generator = torch.Generator().manual_seed(0)
    gold = torch.rand(50, 8, generator=generator)
    easy = torch.linspace(0, 9, 50)[:, None]
    assert within_prompt_correlation(gold * 3 + easy, gold) == pytest.approx(1.0, abs=1e-6)
    assert abs(within_prompt_correlation(easy.expand(50, 8), gold)) < 1e-6
    noise = torch.rand(50, 8, generator=generator)
    assert abs(within_prompt_correlation(noise + easy, gold + easy)) < 0.15


def test_best_of_n_by_gold_itself_closes_the_whole_gap_and_by_its_opposite_opens_it():
    gold = torch.rand(30, 8, generator=torch.Generator().manual_seed(1))
    assert best_of(gold, gold)["gap_closed"] == 1.0
    assert best_of(-gold, gold)["gap_closed"] < 0
    assert best_of(gold, gold)["mean"] == pytest.approx(gold.mean().item())


@dataclass(frozen=True)
class Question:
    prompt: str


@dataclass(frozen=True)
class Mark:
    score: float


@dataclass(frozen=True)
class Preferred:
    prompt: str
    chosen: str
    rejected: str


def short_is_good(question, completion, *, finished):
    return Mark(score=max(0.0, 1 - len(completion) / 20) * (0.5 + 0.5 * finished))


ASKED = [Question(f"Question {number}?") for number in range(48)]
SMALL = RewardConfig(questions=40, steps=6, num_samples=4, rows=16, designed=4, max_new_tokens=8)


def questions():
    return Questions(
        train=ASKED[:40],
        held_out=ASKED[40:],
        grade=short_is_good,
        designed=[Preferred("Hello?", "Yes.", "No, and no again.")] * 4,
        held_out_designed=[Preferred("So?", "Yes.", "No, never, ever.")],
    )


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    generator = torch.Generator().manual_seed(5)
    model = Transformer(CONFIG, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
        model.model.embed_tokens.weight[END] *= 3  # so that some answers end
    folder = tmp_path_factory.mktemp("run") / "chat"
    save_model(model, TOKENIZER, folder, eos=END, stage="chat")
    return folder


@pytest.fixture(scope="module")
def trained(chat):
    folder = chat.parent / "reward"
    return folder, list(train_reward(folder, chat=chat, questions=questions(), config=SMALL))


def test_training_asks_learns_and_measures_on_what_it_did_not_see(trained):
    folder, events = trained
    asked = [event for event in events if isinstance(event, Progress)]
    assert asked[-1].done == asked[-1].total == 40
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[0].loss == pytest.approx(math.log(2), abs=1e-5)
    assert isinstance(events[-1], Finished)
    closing = [event for event in events if isinstance(event, Evaluation)][-1].metrics
    assert closing["accuracy_low"] <= closing["accuracy"] <= closing["accuracy_high"]
    wanted = {"loss", "correlation", "mean", "best_of", "oracle", "gap_closed",
              "network_correlation", "network_designed_accuracy"}  # fmt: skip
    assert wanted <= closing.keys()
    assert all(event.stage == "reward" for event in events)
    manifest = read_manifest(folder)
    assert manifest["metrics"] == closing
    assert manifest["fixed"] == {"questions": 40, "steps": 6}


def test_rewards_have_mean_nought_and_sd_one_on_the_answers_that_were_asked_for(trained, chat):
    manifest = read_manifest(trained[0])
    assert manifest["normalisation"]["sd"] > 0
    network, model = RewardModel.load(trained[0]), load_model(chat)
    prompts = [
        TOKENIZER.encode_chat([{"role": "user", "content": q.prompt}], add_generation_prompt=True)
        for q in ASKED[:40]
    ]
    answers = write_answers(model, prompts, range(40), num_samples=8, max_new_tokens=8, end=END,
                            pad=PAD, seed=9)  # fmt: skip
    rewards = network.reward(answers)
    assert abs(rewards.mean().item()) < 0.5
    assert 0.5 < rewards.std().item() < 2


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(trained, chat, tmp_path):
    arguments = {"chat": chat, "questions": questions(), "config": SMALL}
    events = train_reward(tmp_path / "reward", **arguments, state=tmp_path / "state.safetensors")
    for event in events:
        if isinstance(event, Step) and event.step == 3:
            break
    events.close()
    assert not (tmp_path / "reward").exists()
    rest = list(
        train_reward(tmp_path / "reward", **arguments, state=tmp_path / "state.safetensors")
    )
    assert [event.step for event in rest if isinstance(event, Step)] == [4, 5, 6]
    whole, parts = read_weights(trained[0]), read_weights(tmp_path / "reward")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not (tmp_path / "state.safetensors").exists()


def test_with_nothing_to_tell_apart_the_sentence_says_so(chat, tmp_path):
    nothing = Questions(train=ASKED[:8], held_out=ASKED[40:],
                        grade=lambda *_, finished: Mark(score=0.5))  # fmt: skip
    with pytest.raises(TinyLLMError, match="no comparison to learn from"):
        list(train_reward(tmp_path / "r", chat=chat, questions=nothing, config=SMALL))


def test_the_weights_find_what_the_judge_goes_by(chat):
    model = load_model(chat)
    prompts = [[2, 70 + number, 4, 3] for number in range(24)]
    answers = write_answers(model, prompts, range(24), num_samples=6, max_new_tokens=20, end=END,
                            pad=PAD, seed=1)  # fmt: skip
    reading = read_answers(model, answers)
    likelihood = reading.log_probs.sum(1) / answers.answer_lengths
    graded = Graded(answers, likelihood.view(24, 6))
    reward = weigh(RewardModel.grown_from(model), TOKENIZER, model, [graded])
    assert within_prompt_correlation(reward(answers, reading).view(24, 6), graded.scores) > 0.9
    assert set(reward.weights) == set(NAMES)
    assert reward.weights["network"] == pytest.approx(0.0, abs=1e-6)  # it finds all alike


def test_the_weighed_reward_comes_back_from_its_folder(trained, chat):
    model = load_model(chat)
    reward = WeighedReward.load(trained[0])
    answers = lay_out([[2, 70, 4, 3]] * 2, [[80, 81, END], [90]], pad=PAD, end=END, which=[0, 0])
    reading = read_answers(model, answers)
    numbers = reward.numbers(answers, reading)
    weights = torch.tensor([reward.weights[name] for name in NAMES], dtype=torch.float64)
    torch.testing.assert_close(reward(answers, reading), (numbers @ weights).float())
    alone = WeighedReward(RewardModel.load(trained[0]), TOKENIZER)
    torch.testing.assert_close(alone(answers, reading), alone.network.reward(answers))
