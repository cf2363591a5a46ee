"""The model that comes with tinyllm: the default recipe for hours, rounded and packed.

    python bench/grown_up.py              # trains, packs, measures: about an hour and a half
    python bench/grown_up.py --measure    # measures what is packed

The line is that of `tinyllm train`, up to the chat model, in the run `growing` of the home folder:
the same recipe and stages, more of each. It can be stopped; the same command goes on. Then
base and chat are written to `tinyllm/grown-up` in bfloat16, half the bytes, with a manifest that
says how many tokens were read and by which command.

Printed as JSON: bytes, tokens, what `tinyllm evaluate` finds of the packed models, and what the
rounding cost ("rounded_by": nats a token, packed less unpacked).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from shutil import copytree
from typing import Any

import torch

import tinyllm
from tinyllm.evaluation import FULL, Amounts
from tinyllm.files import TinyLLMError, atomic_folder, read_manifest
from tinyllm.line import Settings, train_line
from tinyllm.model import read_config, save_model
from tinyllm.report import evaluate_run
from tinyllm.runs import PACKED, Run
from tinyllm.terminal import Terminal
from tinyllm.training import Plan

GROWING = "growing"
MINUTES, SIZE = 120.0, "micro"
MOST_BYTES = 6_000_000
STAGES = ("base", "chat")
KEPT = ("stage", "plan", "hashes", "metrics", "seconds", "made")
"""What a manifest keeps of the unpacked model's."""


def run(
    minutes: float | None = MINUTES,
    size: str = SIZE,
    *,
    folder: Path = PACKED,
    amounts: Amounts = FULL,
) -> dict[str, Any]:
    """Train what is not trained yet (`minutes` None: nothing), pack it, measure it."""
    growing = Run.named(GROWING)
    if minutes is not None:
        with Terminal() as terminal:
            for event in train_line(growing, Settings(minutes=minutes, size=size, until="chat")):
                terminal.show(event)
        command = f"python bench/grown_up.py --minutes {minutes:g} --size {size}"
        pack(growing, folder, command=command)
    found: dict[str, Any] = {"bench": "grown_up", "bytes": weight(folder)}
    for stage in STAGES:
        packed = figures(growing, str(folder / stage), stage, amounts)
        unpacked = figures(growing, stage, stage, amounts)
        found[stage] = {
            **read_manifest(folder / stage)["beforehand"],
            "rounded_by": round(packed["loss"] - unpacked["loss"], 5),
            "figures": packed,
        }
    return found


def pack(run: Run, folder: Path, *, command: str) -> None:
    """Write base and chat of `run` to `folder`, rounded; refuse what is too large to come along."""
    read = 0
    with tempfile.TemporaryDirectory() as temporary:
        for stage in STAGES:
            made = read_manifest(run.model(stage))
            read += Plan.from_dict(made["plan"]).tokens
            model, tokenizer = tinyllm.load(run.model(stage))
            save_model(
                model,
                tokenizer,
                Path(temporary) / stage,
                eos=read_config(run.model(stage))["eos_token_id"],
                dtype=torch.bfloat16,
                beforehand={"tokens": read, "command": command},
                **{name: made[name] for name in KEPT if name in made},
            )
        if (bytes_ := weight(Path(temporary))) > MOST_BYTES:
            raise TinyLLMError(
                f"Packed, the models are {bytes_ / 1e6:.2f} MB, more than the "
                f"{MOST_BYTES / 1e6:g} MB that may come with the package. Take a smaller --size."
            )
        with atomic_folder(folder) as new:
            copytree(temporary, new, dirs_exist_ok=True)


def weight(folder: Path) -> int:
    """Bytes of all files in `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def figures(run: Run, stage: str, kind: str, amounts: Amounts) -> dict[str, Any]:
    """What `tinyllm evaluate` finds of a stage of `run`, or of a folder."""
    report: dict[str, Any] = {}
    with Terminal() as terminal:
        for event in evaluate_run(run, stage, into=report, amounts=amounts):
            terminal.show(event)
    values: dict[str, Any] = report[kind]
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of all the training")
    parser.add_argument("--size", default=SIZE, help="of the model")
    parser.add_argument("--measure", action="store_true", help="train nothing, pack nothing")
    asked = parser.parse_args()
    try:
        found = run(None if asked.measure else asked.minutes, asked.size)
    except TinyLLMError as error:
        raise SystemExit(str(error)) from error
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
