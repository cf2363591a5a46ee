"""Seconds a step with and without `keep_memory`, in turns: `python bench/allocator.py`.

Turns of six steps of the smallest model, 8 rows of 256 tokens, in bfloat16; before each, two steps
that are not counted. The machine may be noisy: each turn is compared with the one before it.
"""

from __future__ import annotations

import statistics
import time

import torch

from tinyllm.model import ModelConfig, Transformer
from tinyllm.training import Batch, next_token_loss, optimizer_for
from tinyllm.training.memory import keep_memory

TURNS, STEPS = 20, 6


def main() -> None:
    """Print the ratio of the two, one line."""
    model = Transformer(ModelConfig(vocab_size=4096, max_position_embeddings=256))
    optimizer = optimizer_for(model)
    ids = torch.randint(4096, (8, 257))
    batch = Batch(ids=ids[:, :-1], targets=ids[:, 1:])

    def seconds(steps: int) -> float:
        began = time.perf_counter()
        for _ in range(steps):
            with torch.autocast("cpu", torch.bfloat16):
                loss, _ = next_token_loss(model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step(0.01)
        return (time.perf_counter() - began) / steps

    took: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * TURNS):
        kept = bool(turn % 2)
        if not keep_memory(kept):
            print("This C library cannot be asked to keep memory.")
            return
        seconds(2)
        took[kept].append(seconds(STEPS))
    ratios = sorted(new / old for old, new in zip(took[False], took[True], strict=True))
    print(
        f"{statistics.median(took[False]):.3f} s a step as usual, "
        f"{statistics.median(took[True]):.3f} s kept; ratio {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
