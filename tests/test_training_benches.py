"""The benches of pretraining on little work: what they do and report, not how fast they are."""

import json
import math
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from training_fakes import SHRUNK

from tinyllm.corpus import Document
from tinyllm.evaluation import held_out_loss, result_of
from tinyllm.files import TinyLLMError, UsageError, write_manifest
from tinyllm.model import SIZES
from tinyllm.report import load_bench
from tinyllm.tokens import Tokenizer


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_bench("recipe")
    for name, value in {"CONTEXT": 64, "WIDTH": 32, "LAYERS": 2, "VOCABULARY": 320}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setitem(SIZES, "nano", {**SIZES["nano"], **SHRUNK})
    return module


@pytest.fixture
def resume(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_bench("resume")
    small = {"CHARACTERS": 60_000, "VOCABULARY": 320, "ROWS": 1, "CONTEXT": 32}
    for name, value in {**small, "STARTING": 0.2, "TRAINING": 0.0}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_both_recipes_learn_from_as_many_tokens_and_are_compared_seed_by_seed(recipe):
    found = recipe.run(tokens=10_240, seeds=2, characters=60_000, threads=1)
    json.dumps(found)
    for side in ("ours", "theirs"):
        assert [figures["tokens"] for figures in found[side]] == [10_240] * 2
        losses = [figures["loss"] for figures in found[side]]
        assert max(losses) < math.log(320) - 0.5, "worse than what a fresh model knows"
        assert losses[0] != losses[1], "another seed, another model"
    pairs = zip(found["ours"], found["theirs"], strict=True)
    one, other = (ours["loss"] - theirs["loss"] for ours, theirs in pairs)
    difference = found["loss_difference"]
    assert difference["mean"] == pytest.approx((one + other) / 2, abs=1e-4)
    half = 12.706 * abs(one - other) / 2  # Student with one degree of freedom
    assert difference["high"] - difference["mean"] == pytest.approx(half, abs=2e-4)
    assert found["at_least_equal"] == (one + other <= 0)
    assert found["seconds_ratio"] > 0


def test_more_seeds_than_there_are_widths_for_are_refused(recipe):
    with pytest.raises(UsageError, match="--seeds must be from 1 to 8, got 9"):
        recipe.run(seeds=9)


def test_a_fresh_peer_gives_every_token_the_same_chance(recipe):
    torch.manual_seed(0)
    bytewise = Tokenizer.from_merges([])
    peer = recipe.Peer(bytewise.vocab_size)
    texts = [Document(text="Bees hum. " * 20, id="0", metadata={})]
    found = result_of(held_out_loss(peer, bytewise, texts))
    assert found.tokens == 201
    assert found.loss == pytest.approx(math.log(bytewise.vocab_size), abs=0.05)


def test_the_peer_reads_the_past_and_not_the_future_and_knows_how_far_away_a_word_stands(recipe):
    torch.manual_seed(0)
    peer = recipe.Peer(50)
    for name, weight in peer.named_parameters():
        if name.endswith("_out.weight"):
            torch.nn.init.normal_(weight, std=0.3)
    ids = torch.randint(50, (1, 12))
    scores = peer.logits(peer.hidden(ids))
    later, earlier = ids.clone(), ids.clone()
    later[0, 8], earlier[0, 0] = (ids[0, 8] + 1) % 50, (ids[0, 0] + 1) % 50
    assert torch.allclose(peer.logits(peer.hidden(later))[0, :8], scores[0, :8], atol=1e-5)
    assert not torch.allclose(peer.logits(peer.hidden(earlier))[0, 8:], scores[0, 8:], atol=1e-3)
    q, k = torch.randn(2, 16)
    turns = recipe.rotation(12)
    turned = [recipe.rotate(x.expand(1, 12, 1, 16), turns)[0, :, 0] for x in (q, k)]
    products = turned[0] @ turned[1].T
    assert torch.allclose(products[3, 1], products[9, 7], atol=1e-4), "two apart is two apart"
    assert not torch.allclose(products[3, 1], products[3, 2], atol=1e-3)
    assert torch.allclose(F.normalize(turned[0], dim=1).norm(dim=1), torch.ones(12))


def test_a_training_killed_twice_leaves_what_an_undisturbed_one_leaves(resume):
    found = resume.run(steps=60, kills=2, every=0.0, threads=1)
    json.dumps(found)
    assert found["identical"]
    assert found["sha256"]["killed"] == found["sha256"]["undisturbed"]
    assert found["kills"] == 2
    start, step = found["hits"]
    assert (start["aimed_at"], start["steps"], start["steps_lost"]) == ("start", [], 0)
    assert (step["aimed_at"], step["steps"][0]) == ("step", 1)
    assert step["steps"][1] < 60


def test_a_step_is_lost_when_a_later_life_takes_it_again(resume):
    lives = [{"steps": steps} for steps in ([1, 2, 3, 4, 5], [], [4, 5, 6, 7], [8, 9])]
    assert [resume.lost(lives[i:]) for i in range(4)] == [2, 0, 0, 0]


def test_times_may_differ_between_two_runs_and_nothing_else(resume, tmp_path):
    for name, weights, seconds, loss in (
        ("one", b"w", 1.0, 2.0),
        ("slower", b"w", 2.0, 2.0),
        ("other weights", b"v", 1.0, 2.0),
        ("other loss", b"w", 1.0, 3.0),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
        metrics = {"loss": loss, "tokens_per_second": 1 / seconds}
        write_manifest(tmp_path / name, seconds=seconds, metrics=metrics)
    remains = {folder.name: resume.remains(folder) for folder in tmp_path.iterdir()}
    assert [name for name in remains if remains[name] == remains["one"]] == ["one", "slower"]


def test_a_training_that_fails_is_not_taken_for_one_that_was_killed(resume, tmp_path):
    with pytest.raises(TinyLLMError, match="ended with code 1"):
        resume.live(tmp_path, "run", 0.0)


def test_memory_is_measured_of_both_stages_with_both_corpora_which_stay_for_the_next_time(
    tmp_path,
):
    memory = load_bench("memory")
    found = memory.run(megabytes=(0.12, 0.06), steps=1, rounds=1, folder=tmp_path, threads=1)
    json.dumps(found)
    for stage in ("encoding", "pretraining"):
        assert list(found[stage]) == ["0.06", "0.12", "peak_ratio"], "the smallest first"
        peaks = [found[stage][size]["peak_megabytes"] for size in ("0.06", "0.12")]
        assert min(peaks) > 50, "PyTorch alone takes more"
        assert found[stage]["peak_ratio"] == pytest.approx(peaks[1] / peaks[0], abs=1e-3)
    took = found["pretraining"]["0.12"]
    assert 0 < took["seconds_to_the_first_step"] <= took["seconds"]
    assert sorted(path.name for path in (tmp_path / "0.12").iterdir()) == ["corpus", "tokenizer"]


@pytest.mark.parametrize("wrong", [{"megabytes": (1,)}, {"megabytes": (0, 1)}, {"rounds": 0}])
def test_what_cannot_be_compared_is_refused(wrong):
    with pytest.raises(UsageError, match=r"--megabytes takes two sizes|--steps and --rounds must"):
        load_bench("memory").run(**wrong)
