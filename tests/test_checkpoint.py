"""Stopped, interrupted, killed, damaged: the work is kept, and goes on bit for bit."""

import json
from itertools import islice

import pytest
import torch
from training_fakes import a_batch, same, tiny_model, weights_of

from tinyllm.files import TinyLLMError
from tinyllm.training import (
    Position,
    delete_state,
    keep,
    load_state,
    next_token_loss,
    optimizer_for,
    save_state,
    saved_from,
    train,
)
from tinyllm.training.state import previous

MADE = {"stage": "base", "plan": {"steps": 8, "seed": 0}, "hashes": {"tokenizer.json": "a" * 64}}


class Run:
    """A training of eight steps with a state, as a stage has it."""

    def __init__(self, path, *, dtype=torch.float32, made_from=MADE, every=1e9):
        self.model = tiny_model().to(dtype)
        self.optimizer = optimizer_for(self.model)
        self.generator = torch.Generator().manual_seed(9)
        self.path, self.made_from, self.every = path, made_from, every

    def steps(self):
        own = {"optimizer": self.optimizer, "made_from": self.made_from}
        own["generators"] = {"batches": self.generator}
        start = load_state(self.path, **own)
        steps = train(
            self.model, self.batches(), next_token_loss, optimizer=self.optimizer,
            schedule=lambda step: 1.0, steps=8, stage="base", start=start.step,
            tokens=start.tokens, seconds=start.seconds,
        )  # fmt: skip
        return keep(steps, self.path, every=self.every, **own)

    def batches(self):
        while True:
            yield a_batch(seed=int(torch.randint(0, 10**6, (1,), generator=self.generator)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "base.safetensors"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_closed_training_goes_on_bit_for_bit(path, tmp_path, dtype):
    whole = Run(tmp_path / "other.safetensors", dtype=dtype)
    events = list(whole.steps())

    first = Run(path, dtype=dtype)
    stream = first.steps()
    list(islice(stream, 3))
    stream.close()
    second = Run(path, dtype=dtype)
    rest = list(second.steps())
    assert [event.step for event in rest] == [4, 5, 6, 7, 8]
    assert [e.loss for e in rest] == [e.loss for e in events[3:]]
    assert rest[-1].tokens == events[-1].tokens
    assert same(weights_of(second.model), weights_of(whole.model))
    assert same(second.optimizer.state_dict(), whole.optimizer.state_dict())


def test_an_interrupt_in_the_forward_pass_keeps_all_whole_steps(path):
    run = Run(path)
    forward = run.model.hidden

    def interrupted(ids, **more):
        if run.optimizer.steps == 4:
            raise KeyboardInterrupt
        return forward(ids, **more)

    run.model.hidden = interrupted
    with pytest.raises(KeyboardInterrupt):
        list(run.steps())

    whole = Run(path.with_name("whole.safetensors"))
    list(whole.steps())
    resumed = Run(path)
    assert [event.step for event in resumed.steps()] == [5, 6, 7, 8]
    assert same(weights_of(resumed.model), weights_of(whole.model))


def test_a_state_is_saved_now_and_then_and_at_the_end(path):
    stream = Run(path, every=0.0).steps()
    list(islice(stream, 3))
    assert load_state(path, optimizer=Run(path).optimizer, made_from=MADE).step == 3
    list(stream)
    assert load_state(path, optimizer=Run(path).optimizer, made_from=MADE).step == 8


def test_what_went_wrong_is_not_saved(path):
    run = Run(path, every=0.0)
    stream = run.steps()
    list(islice(stream, 2))
    run.model.model.norm.weight.data.fill_(float("nan"))
    with pytest.raises(TinyLLMError, match="nan"):
        next(stream)
    assert load_state(path, optimizer=Run(path).optimizer, made_from=MADE).step == 2


def test_weights_that_are_no_numbers_are_not_saved_on_leaving(path):
    run = Run(path)
    stream = run.steps()
    next(stream)
    run.model.model.norm.weight.data.fill_(float("nan"))
    stream.close()
    assert not path.exists()


def test_without_a_state_a_training_begins(path):
    position = load_state(path, optimizer=optimizer_for(tiny_model()), made_from=MADE)
    assert position == Position()
    assert saved_from(path) is None


def saved(path, steps=(3, 5), **changes):
    run = Run(path)
    for step in steps:
        position = Position(step=step, tokens=step * 32, seconds=1.5)
        values = {"optimizer": run.optimizer, "made_from": MADE, **changes}
        save_state(path, position=position, **values)
    return run


@pytest.mark.parametrize("damage", ["half", "empty", "garbage", "missing"])
def test_a_damaged_state_gives_way_to_the_one_before(path, damage):
    run = saved(path)
    whole = path.read_bytes()
    broken = {"half": whole[: len(whole) // 2], "empty": b"", "garbage": b"\xff" * 100}
    path.write_bytes(broken[damage]) if damage in broken else path.unlink()
    position = load_state(path, optimizer=run.optimizer, made_from=MADE)
    assert position.step == 3
    assert position.damaged is (damage != "missing")


def test_damaged_states_alone_are_a_clear_sentence(path):
    run = saved(path, steps=(3,))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(TinyLLMError, match=r"cannot be read .* begin this stage anew"):
        load_state(path, optimizer=run.optimizer, made_from=MADE)


def test_a_state_of_another_training_is_refused_by_what_differs(path):
    run = saved(path)
    other = {**MADE, "plan": {"steps": 9, "seed": 0}, "hashes": {"tokenizer.json": "b" * 64}}
    with pytest.raises(TinyLLMError, match="steps of the plan was 8 and is now 9") as refused:
        load_state(path, optimizer=run.optimizer, made_from=other)
    assert "the tokenizer.json of the hashes differs" in str(refused.value)


def test_a_state_of_another_model_is_refused(path):
    saved(path)
    other = optimizer_for(tiny_model(hidden_size=16))
    with pytest.raises(TinyLLMError, match="does not fit this model"):
        load_state(path, optimizer=other, made_from=MADE)


def test_a_state_of_another_version_is_refused(path):
    run = saved(path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(rb"\"format\": 1", rb"\"format\": 9"))
    with pytest.raises(TinyLLMError, match=r"another version of tinyllm \(format 9"):
        load_state(path, optimizer=run.optimizer, made_from=MADE)


def test_a_full_disk_leaves_the_last_state(path, monkeypatch):
    run = saved(path)
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(TinyLLMError, match="disk full"):
        save_state(path, optimizer=run.optimizer, position=Position(step=7), made_from=MADE)
    assert load_state(path, optimizer=run.optimizer, made_from=MADE).step == 5


def test_what_a_state_was_made_from_can_be_read(path):
    saved(path)
    assert saved_from(path) == MADE
    assert json.dumps(saved_from(path))


def test_a_deleted_state_is_gone(path):
    saved(path)
    assert previous(path).exists()
    delete_state(path)
    assert list(path.parent.iterdir()) == []
