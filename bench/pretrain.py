"""Pretraining beside its peers: nanoGPT's recipe for CPUs, and `transformers` Trainer.

    tinyllm bench pretrain --nanogpt CHECKOUT --text tinyshakespeare.txt [--rounds 5] [--json]

Part one needs a checkout of nanoGPT and tinyshakespeare (which may already lie in the checkout's
data/shakespeare_char/input.txt). nanoGPT runs the command that its README gives for a CPU; ours
learns the same characters, in rows of the same 64, on the same cores, in turn. Both are measured on
all of the validation text, in rows of 64, with their last weights. Counted are nanoGPT's iterations
without its evaluations, and everything of ours from the fresh model to the last weight.

Part two trains the default five-minute model, and a LlamaForCausalLM of that size with Trainer, in
float32 and in bfloat16, in turn; and says which share of the measured matrix-product peak a step
of ours reaches.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.report import load_module
from tinyllm.training import Batch, Rates, Schedule, next_token_loss, optimizer_for, train
from tinyllm.training.plan import DTYPES, PRETRAINING
from tinyllm.training.speed import flops_per_token, matmul_peak
from tinyllm.training.timing import available_threads, time_steps, trial_batch

ROUNDS = 5
CPU = torch.device("cpu")
"""Where all of them run, whatever else this machine has."""
BLOCK = 64
"""Characters in a row, nanoGPT's and ours."""
EVALUATED_EVERY = 250
RECIPE: dict[str, Any] = {
    "device": "cpu", "compile": False, "eval_iters": 20, "log_interval": 1, "block_size": BLOCK,
    "batch_size": 12, "n_layer": 4, "n_head": 4, "n_embd": 128, "max_iters": 2000,
    "lr_decay_iters": 2000, "dropout": 0.0,
}  # fmt: skip
"""The command in nanoGPT's README for a machine without a GPU."""
STEPS, ROWS, COOLING = 150, 24, 0.6
RATES = Rates(matrices=0.03, embedding=0.05, gains=0.05, momentum=0.9)
"""Ours on characters: few large steps, and the rate falls over the last 60 per cent."""
SPEED_STEPS, SPEED_ROWS, VOCABULARY = 12, 8, 4096


def run(
    nanogpt: Path | None = None, text: Path | None = None, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Measure; figures by round, and the medians of their ratios."""
    if rounds < 1:
        raise UsageError(f"--rounds must be at least 1, got {rounds}.")
    if nanogpt is not None:
        check(Path(nanogpt), text)
    found: dict[str, Any] = {"bench": "pretrain", "rounds": rounds, "threads": available_threads()}
    torch.set_num_threads(available_threads())
    found["default_model"] = beside_trainer(rounds)
    if nanogpt is None:
        found["nanogpt"] = "not measured: no --nanogpt PATH was given"
        return found
    with tempfile.TemporaryDirectory() as folder:
        checkout = prepare(Path(nanogpt), text, Path(folder))
        data = [characters(checkout, split) for split in ("train", "val")]
        pairs = []
        for number in range(rounds):
            _say(f"nanoGPT and ours, round {number + 1} of {rounds}")
            pairs.append((run_nanogpt(checkout, data[1]), learn_characters(*data, seed=number)))
    found["nanogpt"], found["ours"] = [p for p, _ in pairs], [o for _, o in pairs]
    found["same_loss_reached"] = all(ours["loss"] <= theirs["loss"] for theirs, ours in pairs)
    for figure in ("seconds", "tokens"):
        ratios = [ours[figure] / theirs[figure] for theirs, ours in pairs]
        found[f"{figure}_ratio"] = round(median(ratios), 4)
    return found


def check(nanogpt: Path, text: Path | None) -> None:
    """Whether all is there, before anything takes its time; `UsageError` if not."""
    if not all((nanogpt / name).is_file() for name in ("train.py", "model.py")):
        raise UsageError(f"{nanogpt} is no checkout of nanoGPT: expected train.py and model.py.")
    place = text or nanogpt / "data" / "shakespeare_char" / "input.txt"
    if not place.is_file():
        raise UsageError(
            f"There is no tinyshakespeare at {place}: pass --text PATH, or put it into the "
            "checkout as data/shakespeare_char/input.txt."
        )


def prepare(nanogpt: Path, text: Path | None, folder: Path) -> Path:
    """A copy of the checkout in `folder`, with tinyshakespeare as its own script prepares it."""
    checkout = folder / "nanogpt"
    shutil.copytree(nanogpt, checkout, ignore=shutil.ignore_patterns(".git", "out*", "assets"))
    place = checkout / "data" / "shakespeare_char"
    if text is not None:
        shutil.copy(text, place / "input.txt")
    _call([sys.executable, "prepare.py"], place)
    return checkout


def characters(checkout: Path, split: str) -> Tensor:
    """The characters of a split as numbers, int64."""
    raw = np.fromfile(checkout / "data" / "shakespeare_char" / f"{split}.bin", dtype=np.uint16)
    return torch.from_numpy(raw.astype(np.int64))


def run_nanogpt(checkout: Path, validation: Tensor) -> dict[str, Any]:
    """Its training command; seconds of its iterations, tokens, and the loss of the last weights."""
    options = [f"--{name}={value}" for name, value in RECIPE.items()]
    out = ["--out_dir=out", "--always_save_checkpoint=True"]
    config = "config/train_shakespeare_char.py"
    said = _call([sys.executable, "train.py", config, *options, *out], checkout)
    times = re.findall(r"^iter (\d+): loss \S+, time ([0-9.]+)ms", said, re.MULTILINE)
    # The iterations that also evaluate are taken to have cost what the others did.
    plain = [float(ms) / 1000 for step, ms in times if int(step) % EVALUATED_EVERY]
    if not plain:
        raise TinyLLMError("nanoGPT said nothing about its iterations; is the checkout whole?")
    module = load_module(checkout / "model.py")
    saved = torch.load(checkout / "out" / "ckpt.pt", weights_only=True)
    with redirect_stdout(sys.stderr):  # it says how large it is
        model = module.GPT(module.GPTConfig(**saved["model_args"]))
    model.load_state_dict(saved["model"])
    tokens = len(times) * RECIPE["batch_size"] * BLOCK
    seconds = fmean(plain) * len(times)
    loss = _validation_loss(lambda ids, targets: model(ids, targets)[1], validation)
    return _figures(seconds, tokens, loss)


def learn_characters(text: Tensor, validation: Tensor, seed: int) -> dict[str, Any]:
    """Our training on the same characters: everything from the fresh model to the last weight."""
    began = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    shape: dict[str, Any] = {**SIZES["nano"], "num_hidden_layers": 4}
    config = ModelConfig(**shape, vocab_size=int(text.max()) + 1, max_position_embeddings=BLOCK)
    model = Transformer(config, generator=generator)

    def batches() -> Iterator[Batch]:
        while True:
            starts = torch.randint(len(text) - BLOCK - 1, (ROWS, 1), generator=generator)
            rows = text[starts + torch.arange(BLOCK + 1)]
            yield Batch(ids=rows[:, :-1], targets=rows[:, 1:])

    threads = torch.get_num_threads()
    paces = time_steps(
        model, next(batches()), rates=RATES, seconds=0.5,
        choices=[("float32", threads), ("bfloat16", threads)], device=CPU,
    )  # fmt: skip
    dtype = min(paces, key=lambda choice: paces[choice])[0]
    model.to(DTYPES[dtype])
    optimizer = optimizer_for(model, RATES)
    steps = train(
        model, batches(), next_token_loss, optimizer=optimizer, steps=STEPS, stage="base",
        schedule=Schedule(steps=STEPS, warmup=0, cooldown=COOLING),
    )  # fmt: skip
    for _ in steps:
        pass
    model.float()
    model.load_state_dict(optimizer.masters)
    seconds = time.perf_counter() - began
    loss = _validation_loss(
        lambda ids, targets: F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()),
        validation,
    )
    return {**_figures(seconds, STEPS * ROWS * BLOCK, loss), "dtype": dtype}


@torch.no_grad()
def _validation_loss(loss: Any, validation: Tensor) -> float:
    """Nats a character over the whole text, in rows of 64 that stand side by side."""
    rows = (len(validation) - 1) // BLOCK
    ids = validation[: rows * BLOCK].view(rows, BLOCK)
    targets = validation[1 : rows * BLOCK + 1].view(rows, BLOCK)
    parts = zip(torch.split(ids, 64), torch.split(targets, 64), strict=True)
    return sum(float(loss(x, y)) * len(x) for x, y in parts) / rows


def _figures(seconds: float, tokens: int, loss: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 2),
        "tokens": tokens,
        "loss": round(loss, 4),
        "tokens_per_second": round(tokens / seconds),
    }


def beside_trainer(rounds: int) -> dict[str, Any]:
    """Tokens a second of the default model, ours and Trainer's in turn; and our MFU."""
    shape: dict[str, Any] = {**SIZES["nano"], "vocab_size": VOCABULARY}
    config = ModelConfig(**shape)
    tokens = SPEED_ROWS * config.max_position_embeddings
    batch = trial_batch(SPEED_ROWS, config.max_position_embeddings, VOCABULARY)
    threads = torch.get_num_threads()
    paces: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {dtype: [] for dtype in DTYPES}
    for number in range(rounds):
        _say(f"the default model beside Trainer, round {number + 1} of {rounds}")
        for dtype in DTYPES:
            peak = matmul_peak(DTYPES[dtype])
            took = time_steps(
                Transformer(config), batch, rates=PRETRAINING, seconds=2,
                choices=[(dtype, threads)], device=CPU,
            )  # fmt: skip
            pace = tokens / took[dtype, threads]
            paces.setdefault(f"ours {dtype}", []).append(pace)
            shares[dtype].append(pace * flops_per_token(config) / peak)
            paces.setdefault(f"Trainer {dtype}", []).append(trainer_pace(config, batch.ids, dtype))
    best = {
        who: max((name for name in paces if name.startswith(who)), key=lambda n: median(paces[n]))
        for who in ("ours", "Trainer")
    }
    ratios = [a / b for a, b in zip(paces[best["ours"]], paces[best["Trainer"]], strict=True)]
    return {
        "tokens_per_second": {name: round(median(values)) for name, values in paces.items()},
        "best": best,
        "tokens_per_second_ratio": round(median(ratios), 3),
        "mfu": {dtype: round(median(values), 3) for dtype, values in shares.items()},
    }


def trainer_pace(config: ModelConfig, rows: Tensor, dtype: str) -> float:
    """Tokens a second of Trainer, as it is set up by default, with a Llama of this size."""
    from transformers import (
        LlamaConfig,
        LlamaForCausalLM,
        PrinterCallback,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")
    shape = {name: getattr(config, name) for name in (*names, "num_attention_heads")}
    llama = LlamaForCausalLM(LlamaConfig(**shape, tie_word_embeddings=True))
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            ends.append(time.perf_counter())

    class Rows(torch.utils.data.Dataset[dict[str, Tensor]]):
        def __len__(self) -> int:
            return SPEED_ROWS * SPEED_STEPS

        def __getitem__(self, number: int) -> dict[str, Tensor]:
            ids = rows[number % len(rows)]
            return {"input_ids": ids, "labels": ids}

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=SPEED_ROWS, max_steps=SPEED_STEPS,
            use_cpu=True, bf16=dtype == "bfloat16", save_strategy="no", logging_strategy="no",
            report_to="none", disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        model: nn.Module = llama
        trainer = Trainer(model, arguments, train_dataset=Rows(), callbacks=[Clock()])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    took = [after - before for before, after in pairwise(ends)]
    return rows.numel() / median(took)


def _call(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise TinyLLMError(f"{' '.join(command[1:3])} of nanoGPT failed: {' '.join(last)}")
    return done.stdout


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nanogpt", type=Path, help="a checkout of nanoGPT")
    parser.add_argument("--text", type=Path, help="tinyshakespeare, if it is not in the checkout")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print(json.dumps(run(options.nanogpt, options.text, options.rounds), indent=2))
