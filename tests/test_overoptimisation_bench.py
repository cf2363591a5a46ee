"""One reward pushed by both means on a very small chat model, and the summary of several."""

import json
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from aligning import CONFIG, TOKENIZER, noise_into

from tinyllm import cli, goodhart, taste
from tinyllm.alignment.reward import RewardModel
from tinyllm.goodhart import Scale, cells, measure
from tinyllm.model import Transformer, load_model, save_model
from tinyllm.report import load_bench
from tinyllm.taste import Cell, Place

SIZES = {"TRAINED": 6, "HELD_OUT": {"thumbs": 2, "base": 3}, "DRAWN": 6, "BEST_OF": (1, 2, 4),
         "STEPS": {"thumbs": 3, "base": 3}, "MARKS": (1, 3, 9), "SAMPLES": 2,
         "TOLD": 2}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    model = noise_into(Transformer(replace(CONFIG, max_position_embeddings=512)), 1)
    save_model(model, TOKENIZER, folder / "chat", eos=TOKENIZER.end, stage="chat")
    reward = noise_into(RewardModel.grown_from(model), 2)
    reward.save(TOKENIZER, folder / "reward", stage="reward")
    return Place(folder / "chat", folder / "reward")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    config = replace(goodhart.CONFIG, prompts_per_step=2, num_samples=2, max_new_tokens=8,
                     reference_samples=2)  # fmt: skip
    for name, value in {**SIZES, "CONFIG": config}.items():
        monkeypatch.setattr(goodhart, name, value)
    monkeypatch.setattr(taste, "POOL", 8)
    monkeypatch.setattr(taste, "CONFIG", replace(taste.CONFIG, max_new_tokens=8))
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("cell", [Cell("thumbs", 5, 18, 0), Cell("base", 0, 0, 0)])
def test_one_cell_is_pushed_by_both_means(place, cell):
    prompts = SIZES["HELD_OUT"][cell.condition]
    found = measure(cell, place)
    json.dumps(found)
    chosen, trained = found["best-of-n"], found["rl"]
    for name in ("kl", "proxy", "gold", "grade"):
        assert np.shape(chosen[name]) == (3, prompts)
        assert np.shape(trained[name]) == (2, prompts)
    assert not np.any(chosen["kl"][0]), "the best of one is the chat model's own answer"
    np.testing.assert_allclose(chosen["proxy"][0], 0, atol=1e-4)
    np.testing.assert_allclose(chosen["gold"][0], 0, atol=1e-4)
    assert np.all(np.diff(chosen["proxy"], axis=0) >= 0)
    assert np.min(trained["kl"]) >= 0
    assert np.mean(trained["kl"][1]) > np.mean(trained["kl"][0])
    assert len(found["prompts"]) == len(trained["said"][0]) == len(chosen["said"][0]) == 2


def test_what_is_pushed_grows_from_the_chat_model_and_leaves_it_alone(place):
    ground = goodhart.prepare(place, "base", 0)
    before = load_model(place.chat).state_dict()
    policies = [
        {name: weight.clone() for name, weight in policy.state_dict().items()}
        for _, policy in goodhart.pushed(
            Cell("base", 0, 0, 0), lambda answers, _: answers.log_probs.sum(1), 1.0, ground, place
        )
    ]
    after = taste.opened(place.chat)[0].state_dict()
    assert all(before[name].equal(after[name]) for name in before)
    moved = [
        sum(float((policy[name] - before[name]).abs().sum()) for name in before)
        for policy in policies
    ]
    assert 0 < moved[0] < moved[1]


def test_rewards_count_from_the_chat_models_mean_answer_to_the_same_prompt():
    own = np.array([[1.0, 3.0], [10.0, 14.0]])
    scale = Scale.of(own)
    assert scale(own).mean(1).tolist() == [0.0, 0.0]
    assert float(scale(own).std()) == pytest.approx(1.0)
    np.testing.assert_allclose(scale(own + scale.sd), scale(own) + 1)


def test_people_come_first_and_the_base_reward_on_as_many_days():
    planned = cells(2, people=[3, 4])
    assert len(set(planned)) == len(planned) == 6
    assert [cell.condition for cell in planned] == ["thumbs"] * 4 + ["base"] * 2


def row(cell, slope):
    kl = np.array([[0.5, 0.5], [2.0, 2.0], [8.0, 8.0]])
    d = np.sqrt(kl)
    curve = {"kl": kl.tolist(), "proxy": d.tolist(), "grade": (d * 0 + 0.5).tolist()}
    said = [["near"], ["further"], ["far"]]
    rl = {
        **curve,
        "gold": (d * (slope - 0.5 * np.log(d))).tolist(),
        "step": [2, 4, 8],
        "said": said,
    }
    rl |= {"distinct": [1.0, 0.8, 0.1], "length": [1.0, 1.1, 2.0], "finished": [1.0, 1.0, 0.9]}
    return {
        "condition": cell.condition, "votes": cell.votes, "person": cell.person, "seed": cell.seed,
        "taste": f"taste {cell.person}", "chat": {"grade": 0.5, "gold sd": 1.0}, "prompts": ["?"],
        "best-of-n": {**curve, "gold": (d * (slope - 0.5 * d)).tolist(), "n": [2, 4, 8],
                      "said": said}, "rl": rl,
    }  # fmt: skip


def test_the_bench_pushes_what_is_missing_and_fits_what_is_there(monkeypatch, tmp_path):
    bench = load_bench("overoptimisation")
    monkeypatch.setattr(bench, "find", lambda run, stage: SimpleNamespace(chat="c", reward="r"))
    calls = []

    class Now:
        def submit(self, _, cell, place):
            calls.append(cell)
            done = Future()
            done.set_result(row(cell, 1.0 + cell.person))
            return done

    monkeypatch.setattr("tinyllm.cells.get_reusable_executor", lambda max_workers: Now())
    run = SimpleNamespace(name="default")
    bench.run(tmp_path / "o", run, seeds=1)
    found = bench.run(tmp_path / "o", run, seeds=2)
    assert len(calls) == len(set(calls)) == found["cells"] == len(cells(2))
    for form in ("best-of-n", "rl"):
        laws = found["thumbs"][form]["law"]
        assert laws["taste 7, seed 1"]["alpha"]["value"] == pytest.approx(8.0)
        assert laws["taste 7, seed 1"]["beta"]["value"] == pytest.approx(0.5)
        assert laws["taste 7, seed 1"]["r2"] == pytest.approx(1.0)
        assert laws["all"]["alpha"]["low"] < 4 < 12 < laws["all"]["alpha"]["high"]
        assert [point["kl"] for point in found["thumbs"][form]["on the way"]] == [0.5, 2.0, 8.0]
    assert found["base"]["rl"]["law"]["all"]["alpha"]["value"] == pytest.approx(1.0)
    (told, *_) = found["base"]["read"]
    assert told["KL 0.5"] == ["near"]
    assert told["KL 8.0"] == told["best of 256"] == ["far"]


def test_without_a_chat_model_the_command_says_what_to_do(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "home"))
    folder = tmp_path / "cells"
    assert cli.run_command(["bench", "overoptimisation", "--folder", str(folder)]) == 1
    assert "has no chat model. `tinyllm train" in capsys.readouterr().err
    assert not folder.exists()
