"""Does memory grow with the corpus? Encoding and pretraining, with 100 MB of text and with 200.

    python bench/memory.py [--megabytes 100 200] [--steps 60] [--rounds 5] [--threads N]
                           [--folder PATH]

The village writes each corpus, and a process of its own encodes it, once. Then, in turn, a process
opens the tokens of one and takes the first steps of a pretraining. The resident memory of each is
looked at every tenth of a second; of several rounds it is the median. The corpora are written into
a temporary folder, or into --folder, where they stay and are read again next time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tinyllm.corpus import build_corpus
from tinyllm.events import Step
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.report import load_bench
from tinyllm.tokens import build_tokenizer
from tinyllm.training import Plan, available_threads, pretrain
from tinyllm.training.plan import PRETRAINING

MEGABYTES, STEPS, ROUNDS = (100.0, 200.0), 60, 5
VOCABULARY = 4096
STAGES = ("encoding", "pretraining")


def run(
    megabytes: Sequence[float] = MEGABYTES,
    steps: int = STEPS,
    rounds: int = ROUNDS,
    folder: Path | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure each size of corpus; the ratios are those of the largest over the smallest."""
    if len(megabytes) < 2 or min(megabytes) <= 0:
        raise UsageError(f"--megabytes takes two sizes above 0 or more, got {list(megabytes)}.")
    if min(steps, rounds) < 1:
        raise UsageError(f"--steps and --rounds must be at least 1, got {steps} and {rounds}.")
    found: dict[str, Any] = {"bench": "memory", "steps": steps, "rounds": rounds}
    sizes = [f"{size:g}" for size in sorted(megabytes)]
    with tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as name:
        homes = {size: (folder or Path(name)) / size for size in sizes}
        for size, home in homes.items():
            if not (home / "corpus").exists():
                print(f"the village writes {size} MB", file=sys.stderr, flush=True)
                corpus = build_corpus(home / "corpus", characters=int(float(size) * 1e6))
                deque(corpus, maxlen=0)
        for stage, times in zip(STAGES, (1, rounds), strict=True):
            seen: dict[str, list[dict[str, float]]] = {size: [] for size in sizes}
            for _ in range(times):
                for size, home in homes.items():
                    seen[size].append(watched(stage, home, steps, threads or available_threads()))
                    print(f"{stage}, {size} MB: {seen[size][-1]}", file=sys.stderr, flush=True)
            found[stage] = {
                size: {
                    figure: round(median(each[figure] for each in values), 1)
                    for figure in values[0]
                }
                for size, values in seen.items()
            }
            smallest, *_, largest = (found[stage][size]["peak_megabytes"] for size in sizes)
            found[stage]["peak_ratio"] = round(largest / smallest, 3)
    return found


def watched(stage: str, home: Path, steps: int, threads: int) -> dict[str, float]:
    """The most memory of a stage in a process of its own, and what it says of its seconds."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", str(home)]
    command += ["--steps", str(steps), "--threads", str(threads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    most = load_bench("corpus_size").watch(process)
    said, _ = process.communicate()
    if process.returncode:
        raise TinyLLMError(f"The {stage} in {home} ended with code {process.returncode}.")
    return {"peak_megabytes": round(most / 1e6, 1), **json.loads(said)}


def encoding(home: Path) -> dict[str, float]:
    """Learn a vocabulary and write the corpus in it, as the tokens stage does."""
    began = time.perf_counter()
    deque(build_tokenizer(home / "corpus", home / "tokenizer", vocab_size=VOCABULARY), maxlen=0)
    return {"seconds": round(time.perf_counter() - began, 1)}


def pretraining(home: Path, steps: int, threads: int) -> dict[str, float]:
    """The first steps of the default model, from opening the tokens on."""
    began = time.perf_counter()
    plan = Plan(size="nano", steps=steps, threads=threads, rates=PRETRAINING)
    with tempfile.TemporaryDirectory(dir=home) as name:
        base, state = Path(name) / "base", Path(name) / "state.safetensors"
        events = pretrain(base, tokenizer_folder=home / "tokenizer", state=state, plan=plan)
        first = next(time.perf_counter() for event in events if isinstance(event, Step))
        deque(events, maxlen=0)
    return {
        "seconds_to_the_first_step": round(first - began, 2),
        "seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=list(MEGABYTES))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of pretraining, in turn")
    parser.add_argument("--folder", type=Path, help="where the corpora are, or are to be, kept")
    parser.add_argument("--threads", type=int, help="as many as there are cores")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage == "encoding":
        print(json.dumps(encoding(options.folder)))
    elif options.stage == "pretraining":
        print(json.dumps(pretraining(options.folder, options.steps, options.threads)))
    else:
        del options.stage
        print(json.dumps(run(**vars(options)), indent=2))
