"""Pretraining from a folder of tokens to a model folder, watched, stopped, killed, resumed."""

import math
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
from training_fakes import a_batch, a_plan, encoded_corpus, same, shrink

from tinyllm.corpus import build_corpus, read_text
from tinyllm.events import Evaluation, Finished, Notice, Sample, Step
from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.model import load_model
from tinyllm.tokens import Tokenizer, TokenShards, build_tokenizer
from tinyllm.training import Plan, Rates, pretrain, pretraining, saved_plan, stage, state, timing
from tinyllm.training.batches import Part, in_turn, packed_batches

PLAN = a_plan(steps=8)


@pytest.fixture
def tokens(tmp_path, monkeypatch):
    shrink(monkeypatch)
    return encoded_corpus(tmp_path / "tokenizer")


@pytest.fixture
def run(tmp_path, tokens):
    """Pretraining into `tmp_path/NAME`, with a state of its own."""

    def start(name="base", **changes):
        values = {"plan": PLAN, "prompts": ("The sky",), **changes}
        where = tmp_path / "state" / f"{name}.safetensors"
        return pretrain(tmp_path / name, tokenizer_folder=tokens, state=where, **values)

    return start


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def weights(folder):
    return load_model(folder).state_dict()


def test_a_run_tells_its_plan_steps_looks_and_end(run, tmp_path):
    events = list(run())
    assert isinstance(events[0], Notice)
    assert "8 steps of 2 x 32 tokens" in " ".join(e.text for e in of(Notice, events))
    assert [event.step for event in of(Step, events)] == list(range(1, 9))
    looks = of(Evaluation, events)
    assert looks[0].step == 1
    assert looks[-1].step == 8
    assert looks[-1].metrics["loss"] < looks[0].metrics["loss"]
    assert {sample.prompt for sample in of(Sample, events)} == {"", "The sky"}
    [end] = of(Finished, events)
    assert events[-1] is end
    assert end.folder == str(tmp_path / "base")
    assert end.metrics["tokens"] == 8 * 2 * 32
    assert end.metrics["loss"] == looks[-1].metrics["loss"]


def test_what_is_left_is_a_model_folder_with_its_origin(run, tmp_path, tokens):
    list(run())
    base = tmp_path / "base"
    assert load_model(base).config.max_position_embeddings == 32
    assert Tokenizer.load(base).vocab_size == 261
    manifest = read_manifest(base)
    assert manifest["stage"] == "base"
    assert Plan.from_dict(manifest["plan"]) == PLAN
    assert manifest["hashes"]["tokenizer.json"] == sha256(tokens / "tokenizer.json")
    assert manifest["hashes"]["tokens-train.bin"] == sha256(tokens / "tokens-train.bin")
    assert manifest["metrics"]["tokens"] == 512
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_stopped_run_goes_on_to_the_same_weights(run, tmp_path, dtype):
    plan = a_plan(steps=8, dtype=dtype)
    list(run("whole", plan=plan))
    with closing(run("parts", plan=plan)) as events:
        for event in events:
            if isinstance(event, Step) and event.step == 3:
                break
    assert not (tmp_path / "parts").exists()
    assert saved_plan(tmp_path / "state" / "parts.safetensors") == plan
    rest = list(run("parts", plan=None, seconds=1000.0))  # the plan is the one it began with
    assert "after step 3 of 8" in rest[0].text
    assert [event.step for event in of(Step, rest)] == [4, 5, 6, 7, 8]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


KILLED = """
import functools, os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
import pytest, training_fakes
from tinyllm.corpus import build_corpus, read_text
from tinyllm.events import Step
from tinyllm.training import Plan, Rates, pretrain, stage
stage.keep = functools.partial(stage.keep, every=0.0)
training_fakes.shrink(pytest.MonkeyPatch())
folder = Path(sys.argv[1])
plan = Plan(size="nano", steps=8, rows=2, context=32, warmup=2)
for event in pretrain(
    folder / "killed", tokenizer_folder=folder / "tokenizer",
    state=folder / "state" / "killed.safetensors", plan=plan, prompts=(),
):
    if isinstance(event, Step) and event.step == 5:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_a_killed_run_goes_on_to_the_same_weights(run, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    cwd = Path(__file__).parents[1]
    killed = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, check=False)
    assert killed.returncode not in (0, 1), killed.stderr.decode()
    rest = list(run("killed"))
    assert [event.step for event in of(Step, rest)] == [6, 7, 8]
    list(run("whole"))
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_watching_does_not_change_the_run(run, tmp_path, monkeypatch):
    list(run("watched"))
    monkeypatch.setattr(stage, "look", lambda *arguments: [])
    list(run("unwatched"))
    assert same(weights(tmp_path / "watched"), weights(tmp_path / "unwatched"))


def test_what_is_looked_at_can_be_chosen_and_changes_no_weight(run, tmp_path):
    list(run("own"))
    chosen = a_batch(seed=5)
    looks = of(Evaluation, run("chosen", held_out=[chosen]))
    loss = stage.held_out_loss(load_model(tmp_path / "chosen"), [chosen])
    assert looks[-1].metrics["loss"] == pytest.approx(loss)
    assert same(weights(tmp_path / "own"), weights(tmp_path / "chosen"))


def test_seeds_differ(run, tmp_path):
    list(run("one"))
    list(run("two", plan=a_plan(steps=8, seed=1)))
    assert not same(weights(tmp_path / "one"), weights(tmp_path / "two"))


def test_an_interrupt_while_looking_keeps_the_work(run, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "look", interrupted)
    events = run()
    with pytest.raises(KeyboardInterrupt):
        list(events)
    rest = run()
    monkeypatch.setattr(stage, "look", lambda *arguments: [])
    assert of(Step, list(rest))[0].step == 2


def test_a_broken_learning_rate_leaves_the_last_good_state(run, tmp_path, monkeypatch):
    def loss(model, batch):
        value, metrics = next_token_loss(model, batch)
        return value * (math.nan if saved.exists() else 1.0), metrics

    saved = tmp_path / "state" / "base.safetensors"
    next_token_loss = stage.next_token_loss
    monkeypatch.setattr(stage, "next_token_loss", loss)
    monkeypatch.setattr(stage, "keep", partial(state.keep, every=0.0))
    with pytest.raises(TinyLLMError, match=r"nan at step 2 of 8 \(base\)"):
        list(run())
    assert not (tmp_path / "base").exists()
    monkeypatch.setattr(stage, "next_token_loss", next_token_loss)
    assert of(Step, list(run()))[0].step == 2


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_settled_run_is_the_run_of_so_many_steps_stopped_or_not(run, tmp_path, monkeypatch, stop):
    final = a_plan(steps=6, rates=Rates(embedding_warmup=2))
    monkeypatch.setattr(Plan, "settled", lambda plan, **pace: replace(plan, steps=6, room=None))
    list(run("final", plan=final))
    with closing(run("settled", plan=replace(final, steps=8, room=1.0))) as events:
        taken = [event.steps for event in events if isinstance(event, Step)]
    assert taken == [8, 8, 6, 6, 6, 6]
    with closing(run("stopped", plan=replace(final, steps=8, room=1.0))) as events:
        next(event for event in events if isinstance(event, Step) and event.step == stop)
    rest = of(Step, run("stopped", plan=None))
    assert [step.step for step in rest] == list(range(stop + 1, 7))
    for name in ("settled", "stopped"):
        assert same(weights(tmp_path / name), weights(tmp_path / "final")), name


def test_a_warmup_that_settling_shortens_is_resumed_as_short(run, tmp_path, monkeypatch):
    estimate = a_plan(steps=40, room=1.0, rates=Rates(embedding_warmup=400))
    monkeypatch.setattr(Plan, "settled", lambda plan, **pace: replace(plan, steps=12, room=None))
    list(run("whole", plan=estimate))
    with closing(run("parts", plan=estimate)) as events:
        next(event for event in events if isinstance(event, Step) and event.step == 11)
    list(run("parts", plan=None))
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))


def test_an_estimate_that_was_far_off_is_mended(run):
    events = list(run(plan=a_plan(steps=8, room=1e-9)))
    assert of(Step, events)[-1].step == 3
    assert any("3 steps fit" in notice.text for notice in of(Notice, events))


def test_the_plan_that_a_settled_run_leaves_repeats_it(run, tmp_path):
    list(run("settled", plan=a_plan(steps=8, room=0.2)))
    final = Plan.from_dict(read_manifest(tmp_path / "settled")["plan"])
    assert final.room is None
    assert final.bends
    list(run("again", plan=final))
    found, expected = weights(tmp_path / "again"), weights(tmp_path / "settled")
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_another_plan_for_a_begun_run_is_refused(run):
    with closing(run()) as events:
        list(islice(events, 4))
    with pytest.raises(TinyLLMError, match="steps of the plan was 8 and is now 9"):
        list(run(plan=a_plan(steps=9)))


def test_other_tokens_for_a_begun_run_are_refused(run, tmp_path, tokens):
    with closing(run()) as events:
        list(islice(events, 4))
    (tokens / "tokens-train.bin").rename(tokens / "old")
    data = (tokens / "old").read_bytes()
    (tokens / "tokens-train.bin").write_bytes(data[:-2] + b"\x09\x00")
    with pytest.raises(TinyLLMError, match=r"tokens-train\.bin of the hashes differs"):
        list(run())


def test_a_run_without_a_length_asks_for_one(run):
    with pytest.raises(TinyLLMError, match="How long to train"):
        list(run(plan=None))


def test_size_and_steps_make_a_plan(run, tmp_path):
    with closing(run(plan=None, size="nano", steps=5)) as events:
        [first] = of(Step, islice(events, 3))
    assert first.steps == 5


def test_a_small_text_read_often_is_a_notice(run):
    with closing(run(plan=a_plan(steps=500))) as events:
        assert "times, and the model will know much of it by heart" in next(events).text


def test_a_small_text_is_read_no_more_often_than_helps_however_many_seconds_there_are(
    run, tokens, monkeypatch
):
    shards = TokenShards.open(tokens, "train")
    epoch = len(shards.tokens) + len(shards)
    monkeypatch.setattr(pretraining, "LEAST_TOKENS", 0)
    monkeypatch.setattr(pretraining, "MOST_EPOCHS", 200)
    monkeypatch.setattr(pretraining, "MANY_EPOCHS", 1000)  # an epoch is less than a batch here
    monkeypatch.setattr(
        timing, "time_steps", lambda *_, choices, **__: dict.fromkeys(choices, 0.01)
    )
    with closing(run(plan=None, seconds=1000.0, size="nano")) as events:
        texts = [next(events).text, next(events).text]
    steps = math.ceil(200 * epoch / (8 * 256))
    assert "times, in less time than there is" in texts[0]
    assert f" {steps} steps of 8 x 256 tokens" in texts[1]


def test_the_plan_says_how_many_threads_and_afterwards_there_are_as_many_as_before(
    run, monkeypatch
):
    asked, before = [], torch.get_num_threads()
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    list(run(plan=a_plan(steps=1, threads=7)))
    assert asked == [7, before]


def test_a_slow_machine_is_a_notice_half_way(run):
    events = list(run(plan=a_plan(steps=8, seconds=1e-3)))
    texts = [notice.text for notice in of(Notice, events)]
    assert any("slower than when the plan was made" in text for text in texts)


def test_a_primer_is_read_first_and_once(tmp_path, monkeypatch):
    shrink(monkeypatch)
    list(build_corpus(tmp_path / "corpus", characters=120_000, validation_documents=5))
    list(build_tokenizer(tmp_path / "corpus", tmp_path / "tokenizer", vocab_size=512))
    kinds = [document.metadata["kind"] for document in read_text(tmp_path / "corpus", "train")]
    primer = kinds.index(next(kind for kind in kinds if kind != "primer"))
    assert 10 < primer < len(kinds) / 2
    assert "primer" not in kinds[primer:]
    assert read_manifest(tmp_path / "tokenizer")["primer_documents"] == primer
    events = list(
        pretrain(
            tmp_path / "base",
            tokenizer_folder=tmp_path / "tokenizer",
            state=tmp_path / "state.safetensors",
            size="nano",
            steps=20,
        )
    )
    assert read_manifest(tmp_path / "base")["plan"]["primer"] == 3
    assert sum(isinstance(event, Step) for event in events) == 20

    shards = TokenShards.open(tmp_path / "tokenizer", "train")
    read = partial(packed_batches, rows=2, context=256, separator=0, seed=0)
    parts = Part(shards, 0, primer), Part(shards, primer, len(shards))
    streams = [lambda start, part=part: read(part, start=start) for part in parts]
    whole = list(islice(in_turn(streams[0], 3, streams[1]), 6))
    for start in range(6):
        rest = next(in_turn(streams[0], 3, streams[1], start))
        assert torch.equal(rest.ids, whole[start].ids)
    texts = {tuple(shards.document(number)) for number in range(primer)}
    for number, batch in enumerate(whole):
        row = batch.ids[0].tolist()
        end = row.index(0, 1) if 0 in row[1:] else len(row)  # a story can fill a row
        first = tuple(row[1:end])
        assert (first in texts) == (number < 3)
