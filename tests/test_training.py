"""The loop: it learns, it can be stopped anywhere, and nothing but its batches and loss matter."""

import math
import os
import signal
import threading
from itertools import islice, repeat

import pytest
import torch
from training_fakes import a_batch, same, tiny_model, weights_of

from tinyllm.events import Step
from tinyllm.files import TinyLLMError
from tinyllm.training import IGNORED, Batch, Rates, Schedule, next_token_loss, optimizer_for, train

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself a Ctrl-C")


def training(model, batches, *, steps, optimizer=None, loss=next_token_loss, **changes):
    values = {"stage": "base", "schedule": lambda step: 1.0, **changes}
    optimizer = optimizer or optimizer_for(model)
    return train(model, iter(batches), loss, optimizer=optimizer, steps=steps, **values)


def test_one_batch_overfits():
    events = list(training(tiny_model(), repeat(a_batch()), steps=60))
    assert events[0].loss == pytest.approx(math.log(261), abs=0.2)
    assert events[-1].loss < 0.1


def test_a_bfloat16_model_overfits_one_batch():
    events = list(training(tiny_model().bfloat16(), repeat(a_batch()), steps=60))
    assert events[-1].loss < 0.15


def test_the_loss_of_a_fresh_model_is_ln_v():
    loss, _ = next_token_loss(tiny_model(vocab_size=2048), a_batch(rows=8, vocab_size=2048))
    assert loss.item() == pytest.approx(math.log(2048), abs=0.1)


def test_the_loss_is_the_mean_over_targets_of_torchs_cross_entropy():
    model, batch = tiny_model(), a_batch()
    targets = batch.targets.clone()
    targets[0, 3:9] = -100
    logits = model(batch.ids).flatten(0, 1)
    expected = torch.nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=-100)
    loss, _ = next_token_loss(model, Batch(ids=batch.ids, targets=targets))
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("masked", [1, 100, 300, 500])
def test_places_beside_the_targets_do_not_change_the_loss(masked):
    model, batch = tiny_model(), a_batch(rows=34)  # 544 places, computed 256 at a time
    targets = batch.targets.clone()
    targets.view(-1)[:masked] = IGNORED
    logits = model(batch.ids).flatten(0, 1)[masked:]
    expected = torch.nn.functional.cross_entropy(logits, targets.flatten()[masked:])
    loss, _ = next_token_loss(model, Batch(ids=batch.ids, targets=targets))
    torch.testing.assert_close(loss, expected)


def test_masked_places_give_no_gradient():
    model = tiny_model()
    ids = torch.tensor([[1, 2, 3, 4]])
    inputs = []
    model.model.embed_tokens.register_forward_hook(
        lambda module, arguments, output: (output.retain_grad(), inputs.append(output))[1]
    )
    targets = torch.tensor([[-100, 3, -100, -100]])
    next_token_loss(model, Batch(ids=ids, targets=targets))[0].backward()
    [hidden] = inputs
    assert hidden.grad[0, 1].abs().max() > 0
    assert hidden.grad[0, 2:].abs().max() == 0, "what stands behind the last target"


def test_a_masked_target_does_not_matter():
    losses = []
    for last in (5, 9):
        ids = torch.tensor([[1, 2, 3, last]])
        targets = torch.tensor([[2, 3, -100, -100]])
        losses.append(next_token_loss(tiny_model(), Batch(ids=ids, targets=targets))[0])
    assert torch.equal(*losses)


def test_a_batch_without_a_target_is_refused():
    batch = Batch(ids=torch.ones(1, 3, dtype=torch.int64), targets=torch.full((1, 3), -100))
    with pytest.raises(ValueError, match="every target is -100"):
        next_token_loss(tiny_model(), batch)


def test_steps_count_tokens_time_and_rate():
    schedule = Schedule(steps=4, warmup=2, cooldown=0.5)
    optimizer = optimizer_for(model := tiny_model(), Rates(matrices=0.01))
    events = list(
        training(model, repeat(a_batch()), steps=4, optimizer=optimizer, schedule=schedule)
    )
    assert [event.step for event in events] == [1, 2, 3, 4]
    assert [event.tokens for event in events] == [32, 64, 96, 128]
    assert [event.learning_rate for event in events] == pytest.approx([0.005, 0.01, 0.01, 0.005])
    seconds = [event.seconds for event in events]
    assert seconds == sorted(seconds)
    assert events[-1].eta_seconds == 0 < events[0].eta_seconds


def test_training_ends_with_its_batches():
    assert len(list(training(tiny_model(), [a_batch()] * 3, steps=10))) == 3


def test_what_the_loss_reports_comes_with_the_step():
    def loss(model, batch):
        return next_token_loss(model, batch)[0], {"accuracy": 0.25}

    [step] = training(tiny_model(), [a_batch()], steps=1, loss=loss)
    assert step.metrics == {"accuracy": 0.25}


def test_the_loop_does_not_care_what_learns_from_what():
    class Coin:
        tokens = 1

    def loss(model, coin):
        return (model.weight - 3).square().sum(), {}

    model = torch.nn.Linear(1, 1, bias=False)
    optimizer = optimizer_for(model, Rates(head=0.5))
    steps = list(
        training(model, repeat(Coin()), steps=50, optimizer=optimizer, loss=loss, stage="reward")
    )
    assert steps[-1].loss < 0.1


@pytest.mark.parametrize("trouble", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_a_weight_is_touched(trouble):
    def loss(model, batch):
        value, _ = next_token_loss(model, batch)
        return value * (trouble if optimizer.steps == 2 else 1.0), {}

    optimizer = optimizer_for(model := tiny_model())
    stream = training(model, repeat(a_batch()), steps=5, optimizer=optimizer, loss=loss)
    assert len(list(islice(stream, 2))) == 2
    before = weights_of(model)
    with pytest.raises(TinyLLMError, match="at step 3 of 5"):
        next(stream)
    assert same(weights_of(model), before)


def test_pausing_is_not_asking_and_takes_no_steps():
    optimizer = optimizer_for(model := tiny_model())
    stream = training(model, repeat(a_batch()), steps=5, optimizer=optimizer)
    assert optimizer.steps == 0
    next(stream)
    assert optimizer.steps == 1


@needs_signals
def test_a_ctrl_c_during_an_update_takes_effect_after_it():
    optimizer = optimizer_for(model := tiny_model())
    muon = optimizer.rules[0]
    update = muon.update

    def interrupted(*arguments, **keywords):
        signal.raise_signal(signal.SIGINT)
        update(*arguments, **keywords)

    muon.update = interrupted
    stream = training(model, repeat(a_batch()), steps=5, optimizer=optimizer)
    usual = signal.getsignal(signal.SIGINT)
    step = next(stream)
    assert isinstance(step, Step)
    assert optimizer.steps == 1
    assert signal.getsignal(signal.SIGINT) is usual
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert optimizer.steps == 1


def test_the_loop_runs_in_any_thread():
    steps = []
    thread = threading.Thread(
        target=lambda: steps.extend(training(tiny_model(), repeat(a_batch()), steps=2))
    )
    thread.start()
    thread.join()
    assert len(steps) == 2


def test_equal_seeds_give_equal_weights():
    models = [tiny_model(), tiny_model()]
    for model in models:
        list(training(model, map(a_batch, range(5)), steps=5))
    assert same(*map(weights_of, models))
