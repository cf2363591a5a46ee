"""Is the reward any good: what the figures are of rewards whose worth is known."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from aligning import CONFIG, TOKENIZER, noise_into

from tinyllm import cli, taste
from tinyllm.alignment.judging import within_prompt_correlation
from tinyllm.alignment.reward import RewardModel
from tinyllm.alignment.weighed_reward import WeighedReward
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import Transformer, save_model
from tinyllm.report import load_bench
from tinyllm.taste import Place


@pytest.fixture
def bench(monkeypatch):
    bench = load_bench("reward")
    for name, value in {"SAMPLES": 4, "BEST_OF": 2, "MAX_NEW_TOKENS": 8}.items():
        monkeypatch.setattr(bench, name, value)
    return bench


@pytest.fixture
def votes_bench(monkeypatch):
    bench = load_bench("reward_votes")
    for name, value in {"MAX_NEW_TOKENS": 8, "ROWS": 4, "EPOCHS": 3, "SHOWN": (1, 3),
                        "REFERENCE_SAMPLES": 2}.items():  # fmt: skip
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(taste, "POOL", 20)
    monkeypatch.setattr(taste, "CONFIG", replace(taste.CONFIG, max_new_tokens=8))
    return bench


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model = noise_into(Transformer(replace(CONFIG, max_position_embeddings=512)), 1)
    save_model(model, TOKENIZER, folder / "chat", eos=TOKENIZER.end, stage="chat")
    noise_into(RewardModel.grown_from(model), 2).save(TOKENIZER, folder / "reward", stage="reward")
    return Place(folder / "chat", folder / "reward")


GOLD = np.array([[0.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0], [0.2, 0.4, 0.2, 1.0]])


def test_gold_itself_agrees_and_closes_the_gap(bench):
    found = bench.agreement(3 * GOLD + np.array([[5.0], [7.0], [-9.0]]), GOLD)
    for name in ("correlation", "centred", "gap closed"):
        assert found[name]["value"] == pytest.approx(1.0)
        assert found[name]["n"] == 2, "a question whose answers are all as good tells nothing"


def test_a_reward_that_never_tells_answers_apart_is_worth_a_mean_answer(bench):
    found = bench.agreement(np.ones_like(GOLD), GOLD)
    assert found["correlation"]["value"] == found["centred"]["value"] == 0.0
    assert found["gap closed"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert found["best"] == pytest.approx(found["mean"])


def test_the_two_correlations_are_the_mean_and_that_of_all_answers_together(bench):
    reward = np.random.default_rng(0).normal(size=GOLD.shape)
    found = bench.agreement(reward, GOLD)
    each = [np.corrcoef(reward[row], GOLD[row])[0, 1] for row in (0, 2)]
    assert found["correlation"]["value"] == pytest.approx(np.mean(each), abs=1e-6)
    rows = torch.tensor([0, 2])
    assert found["centred"]["value"] == pytest.approx(
        within_prompt_correlation(torch.tensor(reward)[rows], torch.tensor(GOLD)[rows])
    )


def test_where_nothing_differs_nothing_is_claimed(bench):
    assert bench.agreement(GOLD, np.ones_like(GOLD))["correlation"] is None


def test_all_kinds_and_controls_are_measured_on_the_models_own_answers(bench, place):
    model, tokenizer = taste.opened(place.chat)
    reward = WeighedReward.load(place.reward)
    found = bench.own_answers(model, tokenizer, reward, "new", 16, seed=0)
    assert found["prompts"] == 16
    assert set(found["by kind"]) == set(bench.INSTRUCTION_KINDS)
    lengths = found["longer"]["correlation"], found["shorter"]["correlation"]
    assert lengths[0]["value"] == pytest.approx(-lengths[1]["value"], abs=1e-6)
    assert found["reward"] == found["network alone"], "nothing else was weighed here"


def test_votes_and_other_answers_have_nothing_in_common(votes_bench, place):
    ground = votes_bench.prepare(place, WeighedReward.load(place.reward), 0)
    opinion = votes_bench.ask(18, 8, ground)
    assert len(opinion.rows) == len(opinion.up) == 8
    assert sorted(opinion.rows.tolist() + opinion.others.tolist()) == list(range(20))
    assert opinion.up.tolist() == [vote.value == 1 for vote in opinion.votes]
    assert opinion.scores.shape == (20, 2)


def test_who_knows_the_person_foresees_all_but_the_slips(votes_bench, place):
    ground = votes_bench.prepare(place, WeighedReward.load(place.reward), 0)
    opinion = votes_bench.ask(18, 8, ground)
    logits = torch.zeros(20)
    logits[opinion.others] = torch.where(opinion.would_please, 2.0, -2.0)
    logits[opinion.rows] = torch.where(
        opinion.up, -2.0, 2.0
    )  # each of these is taken the wrong way

    def knows(answers, _):
        return logits if answers is ground.shown else opinion.scores.flatten()

    found = votes_bench.understood(knows, ground, opinion)
    assert found["votes"] == 0.0
    assert found["others"] == 1.0
    assert found["loss"] == pytest.approx(math.log1p(math.exp(-2)))
    assert found["correlation"] == pytest.approx(1.0)


def test_a_whole_network_learns_the_votes_by_heart(votes_bench, place, monkeypatch):
    monkeypatch.setattr(votes_bench, "EPOCHS", 60)
    ground = votes_bench.prepare(place, WeighedReward.load(place.reward), 0)
    epochs = dict(votes_bench.whole_network(ground, votes_bench.ask(18, 8, ground)))
    assert list(epochs) == [1, 3, 60]
    assert epochs[60]["votes"] == 1.0


def test_both_ways_to_learn_votes_stand_side_by_side(votes_bench, place):
    found = votes_bench.run(place, WeighedReward.load(place.reward), people=2, votes=8)
    assert list(found["network"]) == ["1", "3"]
    for name in ("votes", "others", "loss", "correlation"):
        network, head = found["network"]["3"][name], found["head"][name]
        assert network["n"] == head["n"] == 2
        less = found["head less network"][name]["value"]
        assert less == pytest.approx(head["value"] - network["value"], abs=1e-5)


def test_a_run_without_a_reward_model_is_told_what_to_do(bench, monkeypatch):
    run = SimpleNamespace(name="mine")
    monkeypatch.setattr(bench, "find", lambda run, stage: run if stage == "chat" else None)
    with pytest.raises(TinyLLMError, match="no reward model"):
        bench.run(run)
    with pytest.raises(UsageError, match="from 0 to 20 people"):
        bench.run(run, people=21)


def test_the_command_measures_the_run_that_was_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "home"))
    assert cli.run_command(["bench", "reward", "--run", "mine"]) == 1
    assert "Run mine has no chat model. `tinyllm train --run mine" in capsys.readouterr().err
