"""The one loop of every stage that learns: pretraining, fine-tuning, reward model, RLHF.

They differ in their batches and in their loss function, and in nothing else. The loop is a
generator: it takes a step when somebody asks for one. Not asking is a pause, closing it a stop.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from types import FrameType, TracebackType
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from tinyllm.events import Step
from tinyllm.files import TinyLLMError
from tinyllm.training.optimizers import Optimizer
from tinyllm.training.world import ALONE, Gradients, World


class Countable(Protocol):
    """A batch, of whatever kind, that knows how many tokens are in it."""

    @property
    def tokens(self) -> int:
        """How many."""
        ...


M = TypeVar("M", bound=nn.Module)
B = TypeVar("B", bound=Countable)

RECENT = 50
"""The steps whose mean time makes the estimate of the time that is left."""


def train(
    model: M,
    batches: Iterator[B],
    loss: Callable[[M, B], tuple[Tensor, dict[str, float]]],
    *,
    optimizer: Optimizer,
    schedule: Callable[[int], float],
    steps: int,
    stage: str,
    until: int | None = None,
    start: int = 0,
    tokens: int = 0,
    seconds: float = 0.0,
    pieces: int = 1,
    world: World = ALONE,
) -> Generator[Step, None, None]:
    """Steps `start` + 1 to `until` of `steps` (None: to the last), or as many as there are
    batches; one event a step.

    `loss` gives the loss of a batch, in nats, and further figures to report. `schedule` gives the
    factor on the learning rates at a step counted from 0. `tokens` and `seconds` are what earlier
    parts of a resumed training used; seconds are spent inside the loop, waiting for the viewer does
    not count. A Ctrl-C during an update takes effect after it. A loss that is not a number is a
    `TinyLLMError`, before any weight is touched by it. `pieces` and `world` are those of
    `Gradients`: they say who computes what, and change nothing but rounding.

    >>> import torch
    >>> from tinyllm.model import ModelConfig, Transformer
    >>> from tinyllm.training import Batch, next_token_loss, optimizer_for
    >>> model = Transformer(ModelConfig(vocab_size=1000, num_hidden_layers=1))
    >>> batch = Batch(ids=torch.tensor([[1, 2, 3]]), targets=torch.tensor([[2, 3, 1]]))
    >>> events = train(model, iter([batch] * 20), next_token_loss, steps=20, stage="base",
    ...                optimizer=optimizer_for(model), schedule=lambda step: 1.0)
    >>> losses = [event.loss for event in events]
    >>> round(losses[0], 1), losses[-1] < 1  # ln 1000 is 6.9
    (6.9, True)
    """
    recent: deque[float] = deque(maxlen=RECENT)
    gradients = Gradients(model, loss, pieces=pieces, world=world)
    for step in range(start, steps if until is None else until):
        began = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            return
        number, metrics = gradients(batch)
        if not math.isfinite(number):
            raise TinyLLMError(
                f"The loss became {number} at step {step + 1} of {steps} ({stage}), and training "
                "stopped. What was last saved is kept. Try a smaller learning rate, and look at "
                "the text for something unusual."
            )
        scale = schedule(step)
        with InterruptHeld() as interrupt:
            metrics = {**metrics, **optimizer.step(scale)}
        took = time.perf_counter() - began
        recent.append(took)
        tokens += batch.tokens
        seconds += took
        yield Step(
            stage=stage,
            step=step + 1,
            steps=steps,
            loss=number,
            tokens=tokens,
            seconds=seconds,
            eta_seconds=(steps - step - 1) * sum(recent) / len(recent),
            learning_rate=optimizer.rate * scale,
            metrics=metrics,
        )
        interrupt.release()


class InterruptHeld:
    """Hold a Ctrl-C back inside the block; `release` lets one that came take its effect.

    Weights and moments are then always those of a whole number of steps. Python gives signals to
    the main thread alone; elsewhere nothing needs to be held.
    """

    def __init__(self) -> None:
        self._came = False
        self._usual: Any = None

    def __enter__(self) -> InterruptHeld:
        usual = signal.getsignal(signal.SIGINT)
        if callable(usual) and threading.current_thread() is threading.main_thread():
            self._usual = usual
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._usual is not None:
            signal.signal(signal.SIGINT, self._usual)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True

    def release(self) -> None:
        """Do now what the Ctrl-C would have done."""
        if self._came:
            self._came = False
            self._usual(signal.SIGINT, None)
