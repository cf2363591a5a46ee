"""BPE by hand beside minbpe's algorithm and beside the `tokenizers` library.

    tinyllm bench tokenizer --minbpe PATH        or   python bench/tokenizer.py --minbpe PATH

PATH is a checkout of minbpe: its own example is then the work (tests/taylorswift.txt, 512 tokens,
`RegexTokenizer.train`). Without it, a text of the same size is made here and the peer is
`train_bpe_minimal`, which counts anew after each merge as minbpe does; the result says so.
Every contestant learns 256 merges from the same text in the same process, in turn, several times;
what counts is the median of the ratios.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinyllm.files import UsageError
from tinyllm.tokens import FIRST_MERGE, train_bpe, train_bpe_minimal, train_tokenizer
from tinyllm.training.speed import seconds

MERGES = 256
CHARACTERS = 185_000
ROUNDS = 3
HAND_RUNS = 5


def run(minbpe: Path | None = None) -> dict[str, Any]:
    """Measure; a dictionary of seconds, ratios and how they came about."""
    peer: Callable[[str], object] = train_minimal
    if minbpe is None:
        text = made_text()
        name = "tinyllm's train_bpe_minimal, standing in for minbpe (no --minbpe PATH was given)"
    else:
        text, peer = minbpe_example(Path(minbpe))
        name = "minbpe's RegexTokenizer.train on its own example, tests/taylorswift.txt"
    vocab_size = FIRST_MERGE + MERGES
    times: dict[str, list[float]] = {"peer": [], "by_hand": [], "library": []}
    for _ in range(ROUNDS):
        times["peer"].append(seconds(lambda: peer(text)))
        hand = [seconds(lambda: list(train_bpe([text], vocab_size))) for _ in range(HAND_RUNS)]
        times["by_hand"].append(statistics.median(hand))
        library = [
            seconds(lambda: train_tokenizer([text], vocab_size=vocab_size))
            for _ in range(HAND_RUNS)
        ]
        times["library"].append(statistics.median(library))
    pairs = list(zip(times["peer"], times["by_hand"], times["library"], strict=True))
    found = [(m.left, m.right) for m in train_bpe([text], vocab_size)]
    return {
        "bench": "tokenizer",
        "peer": name,
        "characters": len(text),
        "merges": MERGES,
        "rounds": ROUNDS,
        "seconds": {key: round(statistics.median(values), 4) for key, values in times.items()},
        "by_hand_times_faster_than_peer": round(statistics.median(p / h for p, h, _ in pairs), 1),
        "library_times_faster_than_by_hand": round(
            statistics.median(h / lib for _, h, lib in pairs), 2
        ),
        "same_merges_as_library": found == library_merges(text, vocab_size),
    }


def train_minimal(text: str) -> object:
    """The stand-in peer."""
    return train_bpe_minimal(text, FIRST_MERGE + MERGES)


def library_merges(text: str, vocab_size: int) -> list[tuple[int, int]]:
    """The library's merges as pairs of ids."""
    tokenizer = train_tokenizer([text], vocab_size=vocab_size)
    ids = {piece: n for n, piece in enumerate(tokenizer.pieces(range(tokenizer.vocab_size)))}
    return [(ids[left], ids[right]) for left, right in tokenizer.merges]


def made_text() -> str:
    """About as much English-like text as minbpe's example, of words as uneven as in English."""
    draw = random.Random(0)
    syllables = [a + b for a in ("b", "d", "k", "l", "m", "n", "s", "t", "th") for b in "aeiou"]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(5_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    chosen = draw.choices(words, weights, k=CHARACTERS // 4)
    lines = [" ".join(chosen[i : i + 12]) + ".\n" for i in range(0, len(chosen), 12)]
    return "".join(lines)[:CHARACTERS]


def minbpe_example(checkout: Path) -> tuple[str, Callable[[str], object]]:
    """The text and the trainer of minbpe's train.py, from a checkout."""
    example = checkout / "tests" / "taylorswift.txt"
    if not (checkout / "minbpe" / "regex.py").is_file() or not example.is_file():
        raise UsageError(
            f"{checkout} is no checkout of minbpe: expected minbpe/regex.py and "
            "tests/taylorswift.txt in it."
        )
    # The package's own __init__ imports tiktoken for its GPT-4 class, which is not needed here.
    package = types.ModuleType("minbpe")
    package.__path__ = [str(checkout / "minbpe")]
    kept = {name: module for name, module in sys.modules.items() if name.startswith("minbpe")}
    for name in kept:
        del sys.modules[name]
    sys.modules["minbpe"] = package
    try:
        trainer = importlib.import_module("minbpe.regex").RegexTokenizer
    except ImportError as error:
        raise UsageError(
            f"minbpe needs the package {error.name}, which is not installed: "
            f"pip install {error.name}"
        ) from error
    finally:
        for name in [name for name in sys.modules if name.startswith("minbpe")]:
            del sys.modules[name]
        sys.modules.update(kept)
    return example.read_text(encoding="utf-8"), lambda text: trainer().train(text, 256 + MERGES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minbpe", type=Path, help="a checkout of minbpe")
    print(json.dumps(run(parser.parse_args().minbpe), indent=2))
