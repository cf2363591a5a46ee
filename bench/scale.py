"""More than one process, and a model of GPT-2's size: how fast, and how much of the peak.

    python bench/scale.py                      # two processes against one, a thread each
    python bench/scale.py --preset gpt2-small  # tokens a second and MFU of a preset, on this device

Two processes meet through gloo and share every batch, as torchrun would start them; one process
reads the same batches alone. They alternate, and rates are the optimizer steps' own seconds. With
the usual batch each of two has half of the rows; with twice the rows, as many as one had alone.

Printed as JSON: "ratio" and "ratio_twice_the_rows", medians over the rounds of tokens a second of
two processes over one; with --preset tokens a second, parameters and MFU against the peak of matrix
products on that device.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from itertools import islice, repeat
from statistics import median
from typing import Any

import torch

from tinyllm.devices import choose_device
from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.training import Schedule, next_token_loss, optimizer_for, time_steps, train
from tinyllm.training.plan import DTYPES, PRETRAINING
from tinyllm.training.presets import PRESETS
from tinyllm.training.speed import flops_per_token, matmul_peak
from tinyllm.training.timing import trial_batch
from tinyllm.training.world import World

ROUNDS = 5
ROWS, CONTEXT, VOCABULARY = 8, 256, 4096
WARM, STEPS = 5, 40


def run(rounds: int = ROUNDS, dtype: str = "bfloat16") -> dict[str, Any]:
    """Two processes against one."""
    paces: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, processes, rows in (
            ("one", 1, ROWS),
            ("two", 2, ROWS),
            ("one, twice the rows", 1, 2 * ROWS),
            ("two, twice the rows", 2, 2 * ROWS),
        ):
            paces.setdefault(name, []).append(pace(processes, rows, dtype))
    ratios = {
        name: [two / one for one, two in zip(paces[f"one{what}"], paces[f"two{what}"], strict=True)]
        for name, what in (("ratio", ""), ("ratio_twice_the_rows", ", twice the rows"))
    }
    return {
        "bench": "scale",
        "dtype": dtype,
        "rounds": rounds,
        "tokens_per_second": {name: round(median(found)) for name, found in paces.items()},
        **{f"{name}_by_round": [round(one, 3) for one in found] for name, found in ratios.items()},
        **{name: round(median(found), 3) for name, found in ratios.items()},
    }


def pace(processes: int, rows: int, dtype: str) -> float:
    """Tokens a second of the default model, by so many processes of a thread each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--child", str(rows), dtype]
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **meeting, "WORLD_SIZE": str(processes), "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    said = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit("a process failed; what it said stands above")
    return float(said[0])


def child(rows: int, dtype: str) -> float:
    """Tokens a second of this process and those beside it."""
    torch.set_num_threads(1)
    world = World.joined()
    config = ModelConfig(**SIZES["nano"], vocab_size=VOCABULARY, max_position_embeddings=CONTEXT)
    model = Transformer(config).to(DTYPES[dtype])
    steps = train(
        model,
        repeat(trial_batch(rows, CONTEXT, VOCABULARY)),
        next_token_loss,
        optimizer=optimizer_for(model, PRETRAINING),
        schedule=Schedule(steps=WARM + STEPS),
        steps=WARM + STEPS,
        stage="base",
        world=world,
    )
    seconds = [step.seconds for step in islice(steps, WARM - 1, None)]
    return rows * CONTEXT * STEPS / (seconds[-1] - seconds[0])


def of_preset(name: str, rows: int, trial_seconds: float = 20.0) -> dict[str, Any]:
    """A preset's training step on this machine's device, `rows` rows at a time."""
    preset = PRESETS[name]
    device = choose_device()
    config = ModelConfig(
        **SIZES[preset.size], vocab_size=preset.vocab_size, max_position_embeddings=preset.context
    )
    model = Transformer(config)
    batch = trial_batch(rows, preset.context, preset.vocab_size)
    threads = torch.get_num_threads()
    took = time_steps(
        model, batch, rates=PRETRAINING, choices=[("bfloat16", threads)], seconds=trial_seconds
    )
    tokens = batch.tokens / took["bfloat16", threads]
    peak = matmul_peak(torch.bfloat16, device=device)
    return {
        "preset": name,
        "device": device.type,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "rows": rows,
        "tokens_per_second": round(tokens, 1),
        "peak": peak,
        "mfu": round(tokens * flops_per_token(config) / peak, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--preset", choices=PRESETS, help="measure a preset instead")
    parser.add_argument("--rows", type=int, default=1, help="rows of a preset at a time")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(child(int(asked.child[0]), asked.child[1]))
        return
    found = of_preset(asked.preset, asked.rows) if asked.preset else run(asked.rounds, asked.dtype)
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
