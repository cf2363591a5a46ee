"""What a training needs to go on after it was stopped or killed: one safetensors file.

It holds the master weights, the optimizer's moments, the states of random generators, and the
position. The batches are a function of the seed and the step, so no more is needed to go on bit for
bit (on the same machine, with the same number of threads).

The file is written beside the old one and renamed over it; the old one stays as `NAME.previous`
until the next save, in case the newer cannot be read.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from tinyllm.events import Step
from tinyllm.files import FORMAT, TinyLLMError, atomic_write
from tinyllm.training.optimizers import Optimizer

SAVE_EVERY = 20.0
"""Seconds between two saves."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a training is: optimizer steps done, tokens read, seconds spent.

    `damaged` says that the newest state could not be read and the one before it was taken.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    damaged: bool = False


Made = Mapping[str, Any]
"""What a training is made from, as JSON values: the plan, the hashes of what it reads."""


def previous(path: Path) -> Path:
    """Where the state before the newest one lies.

    >>> previous(Path("state/base.safetensors")).name
    'base.previous.safetensors'
    """
    return path.with_suffix(f".previous{path.suffix}")


def save_state(
    path: Path,
    *,
    optimizer: Optimizer,
    position: Position,
    made_from: Made,
    generators: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a state to `path`; `generators` are the states (`get_state()`) of random generators.

    Raises `TinyLLMError` where it cannot be written; what was there before is untouched.
    """
    tensors = {name: tensor.contiguous() for name, tensor in optimizer.state_dict().items()}
    for name, state in (generators or {}).items():
        tensors[f"generator.{name}"] = state
    about = {
        "format": FORMAT,
        "step": position.step,
        "tokens": position.tokens,
        "seconds": position.seconds,
        "made_from": made_from,
    }
    data = save(tensors, metadata={"tinyllm": json.dumps(about, sort_keys=True)})
    if path.exists():
        os.replace(path, previous(path))
    atomic_write(path, data)


def load_state(
    path: Path,
    *,
    optimizer: Optimizer,
    made_from: Made,
    generators: Mapping[str, torch.Generator] | None = None,
) -> Position:
    """Restore the optimizer, its model and the generators; gives where to go on (zero if new).

    A damaged file gives way to the one before it. A state of a training with another plan or other
    data is refused by name, for its weights would be silently wrong.
    """
    found = _newest(path)
    if found is None:
        return Position()
    about, tensors, damaged = found
    _check_same(path, about["made_from"], json.loads(json.dumps(made_from)))
    weights = {name: t for name, t in tensors.items() if not name.startswith("generator.")}
    try:
        optimizer.load_state_dict(weights, steps=about["step"])
        for name, generator in (generators or {}).items():
            generator.set_state(tensors[f"generator.{name}"])
    except (ValueError, RuntimeError, KeyError) as error:
        raise TinyLLMError(
            f"{path} does not fit this model ({error}). Delete it to begin this stage anew."
        ) from error
    return Position(
        step=about["step"], tokens=about["tokens"], seconds=about["seconds"], damaged=damaged
    )


def saved_from(path: Path) -> dict[str, Any] | None:
    """What the training whose state lies at `path` is made from, or None if there is none.

    A resumed training follows the plan that it finds here.
    """
    found = _newest(path)
    return None if found is None else found[0]["made_from"]


def delete_state(path: Path) -> None:
    """Remove a state that is no longer needed."""
    path.unlink(missing_ok=True)
    previous(path).unlink(missing_ok=True)


def keep(
    steps: Generator[Step, None, None],
    path: Path,
    *,
    optimizer: Optimizer,
    made_from: Made,
    generators: Mapping[str, torch.Generator] | None = None,
    every: float = SAVE_EVERY,
) -> Generator[Step, None, None]:
    """Pass `steps` on and save the state: now and then, when closed, on Ctrl-C, and at the end.

    Whoever asks for no more steps closes this generator, and the work so far is on the disk.
    `every` is in seconds. A state with a weight that is not a number is not saved.
    """
    last: Step | None = None
    states: dict[str, Tensor] = {}

    def write() -> None:
        if last is not None and optimizer.steps == last.step and optimizer.is_finite():
            position = Position(step=last.step, tokens=last.tokens, seconds=last.seconds)
            save_state(
                path, optimizer=optimizer, position=position, made_from=made_from,
                generators=states,
            )  # fmt: skip

    saved = time.monotonic()
    with closing(steps):
        try:
            for step in steps:
                states = {name: g.get_state() for name, g in (generators or {}).items()}
                last = step
                if time.monotonic() - saved > every:
                    write()
                    saved = time.monotonic()
                yield step
        except (GeneratorExit, KeyboardInterrupt):
            write()
            raise
        write()


def _newest(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], bool] | None:
    """What the newest readable state says and holds, and whether a newer one was damaged."""
    trouble = ""
    for file in (path, previous(path)):
        try:
            raw = file.read_bytes()
            header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
            about = json.loads(header["__metadata__"]["tinyllm"])
            tensors = load(raw)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            trouble = trouble or f"{type(error).__name__}: {error}"
            continue
        if about.get("format") != FORMAT:
            raise TinyLLMError(
                f"{file} was written by another version of tinyllm (format "
                f"{about.get('format')!r}, this one reads {FORMAT}). Delete it to begin this stage "
                "anew, or go on with the version that wrote it."
            )
        return about, tensors, bool(trouble)
    if trouble:
        raise TinyLLMError(
            f"{path} cannot be read ({trouble}), and there is no good one before it. "
            "Delete it to begin this stage anew."
        )
    return None


def _check_same(path: Path, theirs: Any, ours: Any) -> None:
    if theirs == ours:
        return
    odd = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
    differing = " and ".join(_difference(key, theirs.get(key), ours.get(key)) for key in odd)
    raise TinyLLMError(
        f"{path} belongs to another training: {differing}. Give what it was begun with to go on "
        "with it, or delete it to begin this stage anew."
    )


def _difference(key: str, theirs: Any, ours: Any) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        inner = [k for k in {**theirs, **ours} if theirs.get(k) != ours.get(k)]
        return ", ".join(
            _difference(f"{k} of the {key}", theirs.get(k), ours.get(k)) for k in inner
        )
    if len(str(theirs)) + len(str(ours)) > 60:  # hashes
        return f"the {key} differs"
    return f"the {key} was {theirs!r} and is now {ours!r}"
