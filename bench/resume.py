"""A training that is killed ten times, and one that is not: are the weights the same?

    python bench/resume.py [--steps 1200] [--kills 10] [--every 0.3] [--seed 0] [--threads N]

A process of its own trains the size nano on a small corpus and saves its state every 0.3 seconds
(usually it is 20). It is killed at moments drawn from the seed, as nothing but `kill -9` kills, and
started anew, until it is done. A third of the moments lie in the first seconds, while the process
starts; a third anywhere in its training; a third in a save, as soon as the file that a save writes
beside the state is seen. The weights and the manifest, but for times, are compared with those of a
run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from tinyllm.corpus import build_corpus
from tinyllm.events import Step
from tinyllm.files import TinyLLMError, UsageError, read_manifest, sha256
from tinyllm.tokens import build_tokenizer
from tinyllm.training import Plan, available_threads, keep, pretrain, stage
from tinyllm.training.plan import PRETRAINING

STEPS, KILLS, EVERY = 1200, 10, 0.3
CHARACTERS, VOCABULARY, ROWS, CONTEXT = 1_000_000, 1024, 8, 256
WHERE = ("start", "step", "save")
STARTING, TRAINING = 6.0, 6.0
"""Seconds: a kill at the start comes within so many of the process, another within so many of its
first step."""
TIMES = ("made", "seconds")
"""What the manifests of two runs that did the same may differ in, beside the tokens a second."""


def run(
    steps: int = STEPS,
    kills: int = KILLS,
    every: float = EVERY,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Any]:
    """Train both, and compare what they left; what each kill hit, and the steps that it cost."""
    if steps < 1 or kills < 1:
        raise UsageError(f"--steps and --kills must be at least 1, got {steps} and {kills}.")
    plan = Plan(
        size="nano", steps=steps, rows=ROWS, context=CONTEXT, dtype="bfloat16", seed=seed,
        threads=threads or available_threads(), primer=steps // 10, rates=PRETRAINING,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as name:
        home = Path(name)
        deque(build_corpus(home / "corpus", characters=CHARACTERS), maxlen=0)
        tokens = build_tokenizer(home / "corpus", home / "tokenizer", vocab_size=VOCABULARY)
        deque(tokens, maxlen=0)
        (home / "plan.json").write_text(json.dumps(plan.to_dict()), encoding="utf-8")
        live(home, "whole", every)
        draw = random.Random(seed)
        lives = []
        for number in count():
            where = WHERE[number % len(WHERE)] if number < kills else None
            lives.append(live(home, "killed", every, where, draw))
            print(f"life {number + 1}: {said(lives[-1])}", file=sys.stderr, flush=True)
            if not lives[-1]["killed"]:
                break
        whole, killed = (remains(home / name) for name in ("whole", "killed"))
    hits = [{**said(one), "steps_lost": lost(lives[i:])} for i, one in enumerate(lives[:-1])]
    return {
        "bench": "resume",
        "plan": plan.to_dict(),
        "identical": whole == killed,
        "sha256": {"undisturbed": whole["weights"], "killed": killed["weights"]},
        "kills": len(hits),
        "kills_in_a_save": sum(hit["in_a_save"] for hit in hits),
        "steps_lost": sum(hit["steps_lost"] for hit in hits),
        "hits": hits,
    }


def live(
    home: Path, name: str, every: float, where: str | None = None, draw: random.Random | None = None
) -> dict[str, Any]:
    """A process of the training `name`, to its end or until it is killed; what it had done by then.

    A process that has ended before its moment is not killed.
    """
    log = home / f"{name}.log"
    command = [sys.executable, __file__, "--child", str(home), name, str(every)]
    before = unfinished(home, name)
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out)
    try:
        if where and draw:
            within = draw.uniform(0, STARTING if where == "start" else TRAINING)
            if where != "start":
                until(process, lambda: bool(taken(log)))
            began = time.monotonic()
            until(process, lambda: time.monotonic() - began > within)
            if where == "save":
                until(process, lambda: unfinished(home, name) > before)
        else:
            process.wait()
        alive = process.poll() is None
    finally:
        process.kill()
        process.wait()
    if not alive and process.returncode:
        raise TinyLLMError(f"The training ended with code {process.returncode}.")
    steps = taken(log)
    cut = unfinished(home, name) > before
    return {"killed": alive, "aimed_at": where, "in_a_save": cut, "steps": steps}


def until(process: subprocess.Popen[bytes], met: Callable[[], bool]) -> None:
    """Wait for the condition, or for the end of the process."""
    while process.poll() is None and not met():
        time.sleep(0.001)


def taken(log: Path) -> list[int]:
    """The steps that a process took; a line that it was killed in does not count."""
    return [int(line) for line in log.read_bytes().split(b"\n")[:-1]]


def unfinished(home: Path, name: str) -> int:
    """How many files there are of saves that did not come to their end, or have not yet."""
    return len(list((home / "state").glob(f".{name}.safetensors.*.tmp")))


def lost(lives: list[dict[str, Any]]) -> int:
    """The steps of the first of these lives that a later one had to take again."""
    first, *later = [life["steps"] for life in lives]
    again = next((steps[0] for steps in later if steps), None)
    return max(0, first[-1] + 1 - again) if first and again is not None else 0


def said(life: dict[str, Any]) -> dict[str, Any]:
    """A life with the steps it began and ended with in place of all of them."""
    return {**life, "steps": [*life["steps"][:1], *life["steps"][-1:]]}


def remains(folder: Path) -> dict[str, Any]:
    """What a run left: the hash of its weights, and what its manifest says but for times."""
    manifest = read_manifest(folder)
    for name in TIMES:
        del manifest[name]
    del manifest["metrics"]["tokens_per_second"]
    return {"weights": sha256(folder / "model.safetensors"), "manifest": manifest}


def child(home: Path, name: str, every: float) -> None:
    """Train, and say every step as soon as it is taken."""
    stage.keep = partial(keep, every=every)  # type: ignore[attr-defined]
    plan = Plan.from_dict(json.loads((home / "plan.json").read_text(encoding="utf-8")))
    state = home / "state" / f"{name}.safetensors"
    events = pretrain(home / name, tokenizer_folder=home / "tokenizer", state=state, plan=plan)
    for event in events:
        if isinstance(event, Step):
            print(event.step, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    else:
        parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        parser.add_argument("--steps", type=int, default=STEPS)
        parser.add_argument("--kills", type=int, default=KILLS)
        parser.add_argument("--every", type=float, default=EVERY, help="seconds between saves")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--threads", type=int, help="as many as there are cores")
        print(json.dumps(run(**vars(parser.parse_args())), indent=2))
