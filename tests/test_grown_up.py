"""The model that comes with the package: packed small, always called what it is, never trained."""

import json
from dataclasses import replace

import pytest
import torch
from evaluation_fakes import FEW
from safetensors.torch import load_file
from training_fakes import shrink

import tinyllm
from apps import writers
from tinyllm import runs
from tinyllm.answering import Writer, beforehand
from tinyllm.events import Notice
from tinyllm.files import TinyLLMError, UsageError, read_manifest, sha256
from tinyllm.line import Settings, make, train_line
from tinyllm.report import evaluate_run, load_bench
from tinyllm.runs import GROWN_UP, PACKED, Run, encoded_for
from tinyllm.training.presets import PRESETS


@pytest.fixture(scope="module")
def packed(trained_home, tmp_path_factory):
    """The trained run, packed as the grown-up is."""
    folder = tmp_path_factory.mktemp("packed") / "models"
    load_bench("grown_up").pack(Run(trained_home / "runs" / "default"), folder, command="make it")
    return folder


@pytest.fixture
def grown_up(packed, monkeypatch):
    monkeypatch.setattr(runs, "PACKED", packed)
    return Run.named(GROWN_UP)


@pytest.fixture
def trained(trained_home, monkeypatch):
    monkeypatch.setenv("TINYLLM_HOME", str(trained_home))
    return Run.named()


def test_it_weighs_half_and_is_the_same_model_but_for_the_rounding(packed, trained):
    for stage in ("base", "chat"):
        small, whole = (
            load_file(f / "model.safetensors") for f in (packed / stage, trained.model(stage))
        )
        assert small.keys() == whole.keys()
        for name, weight in whole.items():
            torch.testing.assert_close(small[name], weight.bfloat16(), rtol=0, atol=0)
        model, _ = tinyllm.load(packed / stage)
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
        config = json.loads((packed / stage / "config.json").read_text())
        assert config["dtype"] == "bfloat16"


def test_its_manifest_says_how_many_tokens_were_read_and_by_which_command(packed, trained):
    read = 0
    for stage in ("base", "chat"):
        plan = read_manifest(trained.model(stage))["plan"]
        read += plan["steps"] * plan["rows"] * plan["context"]
        manifest = read_manifest(packed / stage)
        assert manifest["beforehand"] == {"tokens": read, "command": "make it"}
        assert manifest["plan"] == plan
        label = f"trained beforehand on {read / 1e6:,.0f}M tokens"
        assert beforehand(packed / stage) == label
        assert label in Writer.open(stage=str(packed / stage)).label
        assert beforehand(trained.model(stage)) == ""


def test_what_is_too_large_to_come_along_is_refused_and_nothing_is_replaced(
    trained, tmp_path, monkeypatch
):
    bench = load_bench("grown_up")
    monkeypatch.setattr(bench, "MOST_BYTES", 1_000_000)
    with pytest.raises(TinyLLMError, match=r"more than the 1 MB .* Take a smaller --size"):
        bench.pack(trained, tmp_path / "models", command="")
    assert not (tmp_path / "models").exists()


def test_it_writes_and_answers_in_a_home_where_nothing_was_made(grown_up):
    assert grown_up.stages_done() == ["base", "chat"]
    assert grown_up.model() == grown_up.chat
    writer = Writer.open(GROWN_UP, "base")
    assert writer.continues
    assert len(writer.next_tokens("The sky is", k=3)) == 3
    assert not Writer.open(GROWN_UP).continues


def test_it_is_measured_beside_rulers_where_a_run_has_its_tokens(grown_up, trained):
    assert encoded_for(trained, trained.base) == trained.tokenizer
    found = {}
    events = list(evaluate_run(grown_up, "base", into=found, amounts=FEW))
    assert "baselines" in found["base"], "the run default has its tokens"
    assert not any(isinstance(event, Notice) for event in events)


def test_another_tokenizer_gives_no_rulers(grown_up, trained, tmp_path, monkeypatch):
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert encoded_for(trained, tmp_path) is None
    monkeypatch.setattr("tinyllm.report.encoded_for", lambda *_: None)
    found = {}
    events = list(evaluate_run(grown_up, "base", into=found, amounts=FEW))
    assert "baselines" not in found["base"]
    assert "without rulers" in next(e.text for e in events if isinstance(e, Notice))


def test_it_is_not_trained_further(grown_up, trained):
    for training in (
        train_line(grown_up, Settings()),
        train_line(grown_up, Settings(), restart=True),
        make(grown_up, "base", again=True),
    ):
        with pytest.raises(UsageError, match=r"came with tinyllm.* with another --run NAME"):
            list(training)
    assert grown_up.stages_done() == ["base", "chat"]


def test_the_pages_offer_it_last_and_call_it_trained_beforehand(grown_up, trained):
    for models in (writers.base_models, writers.answering_models):
        words, choices = zip(*models(), strict=True)
        assert "trained beforehand on" in words[-1]
        assert writers.is_beforehand(choices[-1])
        assert not any(writers.is_beforehand(choice) for choice in choices[:-1])
        assert not any("beforehand" in label for label in words[:-1])


@pytest.mark.parametrize("stage", ["base", "chat"])
def test_what_comes_along_is_as_it_was_packed(stage):
    folder = PACKED / stage
    files = read_manifest(folder)["files"]
    assert files == {name: sha256(folder / name) for name in files}
    assert {path.name for path in folder.iterdir()} == {*files, "manifest.json"}
    assert read_manifest(folder)["beforehand"]["command"].startswith("python bench/grown_up.py")
    assert read_manifest(folder)["beforehand"]["tokens"] > 5e7


def test_what_comes_along_weighs_at_most_six_megabytes():
    assert 0 < load_bench("grown_up").weight(PACKED) <= 6_000_000


def test_what_comes_along_goes_on_and_answers():
    (first, _), *_ = Writer.open(GROWN_UP, "base").next_tokens("The sky is", k=1)
    assert first == " blue"
    (answer,) = Writer.open(GROWN_UP).write(["What colour is the sky?"], temperature=0.0)
    assert "blue" in answer.completion


def test_transformers_opens_what_comes_along():
    transformers = pytest.importorskip("transformers")
    ours, tokenizer = tinyllm.load(PACKED / "chat")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(PACKED / "chat", dtype=torch.float32)
    ids = torch.tensor([tokenizer.encode("What colour is the sky?")])
    with torch.inference_mode():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)


def test_gpt2_small_is_trained_as_any_size_is(monkeypatch):
    shrink(monkeypatch)
    small = replace(
        PRESETS["gpt2-small"], size="nano", vocab_size=300, context=32, rows=8, rows_at_once=3
    )
    monkeypatch.setitem(PRESETS, "gpt2-small", small)
    monkeypatch.setattr("tinyllm.stages.LEAST_CHARACTERS", 0)
    run = Run.named("big")
    list(train_line(run, Settings(size="gpt2-small", steps=2, until="base")))
    plan = read_manifest(run.base)["plan"]
    assert (plan["rows"], plan["rows_at_once"], plan["context"], plan["steps"]) == (8, 3, 32, 2)
    config = json.loads((run.base / "config.json").read_text())
    assert (config["vocab_size"], config["max_position_embeddings"]) == (300, 32)


def test_the_bench_trains_packs_and_measures_and_goes_on_where_it_was(monkeypatch, tmp_path):
    shrink(monkeypatch)
    monkeypatch.setattr("tinyllm.stages.VOCABULARY", 1024)
    monkeypatch.setattr("tinyllm.stages.EXAMPLES", 300)
    bench = load_bench("grown_up")
    small = {"folder": tmp_path / "models", "amounts": FEW}
    found = bench.run(0.05, "nano", **small)
    assert found["chat"]["tokens"] > found["base"]["tokens"] > 0
    assert found["base"]["command"] == "python bench/grown_up.py --minutes 0.05 --size nano"
    for stage in ("base", "chat"):
        assert abs(found[stage]["rounded_by"]) < 0.02
        assert found[stage]["figures"]["loss"] > 0
    weights = (tmp_path / "models" / "base" / "model.safetensors").read_bytes()
    again = bench.run(None, **small)
    assert again["bytes"] == found["bytes"]
    assert (tmp_path / "models" / "base" / "model.safetensors").read_bytes() == weights
