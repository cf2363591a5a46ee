"""The benches of verdicts, of size and of several processes: that they measure what they say."""

import math
import random
from dataclasses import replace

import pytest
import torch

from tinyllm.evaluation.verdicts import NAMES, RULES
from tinyllm.events import Evaluation, Step
from tinyllm.model import SIZES, ModelConfig
from tinyllm.report import load_bench
from tinyllm.training import packed_batches
from tinyllm.training.presets import PRESETS
from tinyllm.training.speed import weights_in_products

SHRUNK = {**SIZES["nano"], "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}


class Texts:
    def __len__(self):
        return 30

    def document(self, number):
        return [10 + number, 20, 30 + number]


def some_batches():
    return packed_batches(Texts(), rows=2, context=16, separator=0, seed=0)


@pytest.fixture
def diagnose_bench(monkeypatch):
    module = load_bench("diagnose")
    small = {"CHARACTERS": 60_000, "VOCABULARIES": (400,), "STEPS": (12,), "HELD_OUT": 256}
    for name, value in {**small, "SHAPES": ((2, 64),), "WIDTHS": (32,), "SHORT": (4,)}.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    module = load_bench("diagnose")
    module.CHARACTERS, module.VOCABULARIES = 60_000, (400,)
    return module.prepare(tmp_path_factory.mktemp("texts"), ["village"])


def test_every_verdict_but_the_unfinished_has_a_fault_that_is_planted(diagnose_bench):
    named = {name for names in diagnose_bench.NAMED.values() for name in names}
    assert named == set(NAMES) - {"still improving"}
    assert set(diagnose_bench.NAMED) - {"healthy"} >= set(diagnose_bench.READINGS)
    assert "still improving" in RULES


def test_labels_that_are_not_shifted_are_the_tokens_themselves(diagnose_bench):
    batch = next(diagnose_bench.planted("labels not shifted", some_batches(), random.Random(0)))
    assert torch.equal(batch.targets, batch.ids)


def test_labels_that_are_shifted_twice_are_the_tokens_after_the_next(diagnose_bench):
    right = next(some_batches())
    batch = next(diagnose_bench.planted("labels shifted twice", some_batches(), random.Random(0)))
    assert torch.equal(batch.targets[:, :-1], right.targets[:, 1:])
    assert (batch.targets[:, -1] == -100).all()


def test_duplicated_batches_come_again(diagnose_bench):
    stream = diagnose_bench.planted("duplicated batches", some_batches(), random.Random(0))
    ids = [next(stream).ids for _ in range(17)]
    assert any(torch.equal(ids[0], later) for later in ids[1:9])
    assert len({tuple(each.flatten().tolist()) for each in ids}) <= 8


def test_a_healthy_run_has_its_batches_as_they_are(diagnose_bench):
    batch = next(diagnose_bench.planted("healthy", some_batches(), random.Random(0)))
    assert torch.equal(batch.targets, next(some_batches()).targets)


def test_without_its_mask_a_model_sees_what_comes(diagnose_bench):
    config = ModelConfig(vocab_size=64, **SHRUNK)
    ids = torch.randint(64, (1, 8), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[0, -1] = (ids[0, -1] + 1) % 64
    documents = torch.zeros_like(ids)
    for make, same in ((diagnose_bench.Transformer, True), (diagnose_bench.Unmasked, False)):
        model = make(config)
        torch.nn.init.normal_(model.model.layers[0].self_attn.o_proj.weight, std=0.5)
        first, second = (model.hidden(x, documents=documents)[0, 0] for x in (ids, other))
        assert torch.equal(first, second) is same


@pytest.mark.parametrize("fault", ["healthy", "learning rate too high", "data too small"])
def test_a_planted_run_gives_the_events_of_pretraining(fault, texts, diagnose_bench):
    events = diagnose_bench.history(texts[0], fault, 0, random.Random(0))
    steps = [event for event in events if isinstance(event, Step)]
    looks = [event for event in events if isinstance(event, Evaluation)]
    assert len(steps) == 12
    assert looks[0].step == 1
    assert looks[-1].step == 12
    readings = steps[-1].metrics["readings"]
    assert (readings > 10) is (fault == "data too small")


def test_a_run_is_judged_by_name(texts, diagnose_bench):
    assert diagnose_bench.judge(texts, "too short", 0) == "too short"


def test_shares_are_counted_by_fault_and_in_all(diagnose_bench):
    counts = {fault: diagnose_bench.Counter() for fault in diagnose_bench.NAMED}
    for fault, names in diagnose_bench.NAMED.items():
        counts[fault].update([names[0]] * 9 + ["no name"])
    counts["too short"].update(["no name"] * 10)
    found = diagnose_bench.shares(counts)
    assert found["named"]["overfitting"] == 0.9
    assert found["named"]["too short"] == 0.45
    assert found["named_in_all"] == round(90 / 110, 3)
    assert found["accused"] == 0.1


TRUTH = {"log_A": math.log(0.05), "a": 1.2, "log_B": math.log(0.6), "b": 0.9, "c": 0.4}


def a_law(bench, amounts=(0.1, 1, 10, 100)):
    """Trainings whose losses follow a known law, with 0.5 as the floor."""
    for name, weights in (("little", 3e5), ("middle", 1e6), ("large", 1e7)):
        for tokens in amounts:
            one = {"size": name, "weights": weights, "tokens": tokens * 1e6,
                   "flops": 6 * weights * tokens * 1e6}  # fmt: skip
            yield {**one, "loss": bench.predict(TRUTH, 0.5, one)}


def test_the_law_is_found_again_in_losses_that_follow_it():
    bench = load_bench("scaling")
    found = bench.law(list(a_law(bench)), 0.5)
    assert found["law"] == pytest.approx(TRUTH, rel=0.02)
    assert found["off_by"]["share"] < 0.003
    assert found["off_by_hoffmann"]["share"] > 0.05, "there larger models learn no more of a token"


def test_larger_models_overtake_smaller_ones_one_after_the_other():
    bench = load_bench("scaling")
    crossings = bench.law(list(a_law(bench)), 0.5)["furthest_from"]
    assert list(crossings) == ["little", "middle", "large"]
    assert sorted(crossings.values()) == list(crossings.values())
    at = crossings["large"]
    large, middle = (
        bench.predict(TRUTH, 0.5, {"weights": w, "tokens": at / (6 * w)}) for w in (1e7, 1e6)
    )
    assert large == pytest.approx(middle, rel=0.02)


def test_a_training_of_the_study_spends_the_compute_it_is_given(tmp_path, monkeypatch):
    bench = load_bench("scaling")
    for name, value in {"CHARACTERS": 60_000, "VOCABULARY": 400, "HELD_OUT_ROWS": 8}.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "SHAPES", {"least": SHRUNK})
    floor = bench.prepare(tmp_path)
    one = bench.measure(tmp_path, "least", 8e9)
    assert one["flops"] == pytest.approx(8e9, rel=0.15)
    assert one["tokens"] == one["steps"] * 2048
    assert floor < one["loss"] < math.log(400) + 0.1
    assert weights_in_products(ModelConfig(vocab_size=400, **SHRUNK)) < one["weights"] + 1


def test_two_processes_have_a_pace_of_their_own():
    assert load_bench("scale").pace(2, 2, "float32") > 0


def test_the_preset_of_gpt2_has_its_124_million_parameters():
    preset = PRESETS["gpt2-small"]
    shape = SIZES[preset.size]
    width, mlp = shape["hidden_size"], shape["intermediate_size"]
    layer = 4 * width * width + 3 * width * mlp
    parameters = preset.vocab_size * width + shape["num_hidden_layers"] * layer
    assert round(parameters / 1e6) == 124


def test_a_preset_is_measured_with_its_context(monkeypatch):
    bench = load_bench("scale")
    monkeypatch.setitem(bench.SIZES, "large", SHRUNK)
    monkeypatch.setitem(
        bench.PRESETS, "gpt2-small", replace(PRESETS["gpt2-small"], vocab_size=400, context=64)
    )
    found = bench.of_preset("gpt2-small", 2, trial_seconds=0.01)
    assert found["tokens_per_second"] > 0
    assert found["parameters"] < 60_000
    assert 0 < found["mfu"] < 1
