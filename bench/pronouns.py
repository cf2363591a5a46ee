"""Does a base model know who is a girl? The first "he" or "she" of each held-out story.

    python bench/pronouns.py [--run default] [--documents 1200] [--json]

At the first pronoun of a story that tells she from he, the model's right pronoun is set against the
wrong one, and nothing else: how often the right one is likelier, and how many bits the choice costs
(1.0 for who guesses, 0 for who knows).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch

import tinyllm
from tinyllm.evaluation.intervals import wilson
from tinyllm.model import Transformer
from tinyllm.runs import Run
from tinyllm.tokens import Tokenizer
from tinyllm.village import write

OTHER = {"he": "she", "she": "he", "his": "her", "He": "She", "She": "He", "her": "his"}
SEED = 5


def other_pronouns(tokenizer: Tokenizer) -> dict[int, tuple[int, str]]:
    """The token of each pronoun: the token of the other one, and who is spoken of."""
    tokens = {word: tokenizer.encode(f" {word}") for word in OTHER}
    apart = [word for word, ids in tokens.items() if len(ids) > 1]
    if apart:
        raise SystemExit(f"This tokenizer cuts {', '.join(apart)} into pieces.")
    return {
        tokens[word][0]: (tokens[other][0], "he" if word.lower() in ("he", "his") else "she")
        for word, other in OTHER.items()
    }


def first_pronouns(
    model: Transformer, tokenizer: Tokenizer, documents: int
) -> Iterator[tuple[str, float]]:
    """Who is spoken of, and the bits that the right pronoun costs beside the wrong one."""
    other = other_pronouns(tokenizer)
    context = model.config.max_position_embeddings
    for document in islice(write(seed=SEED, split="validation"), documents):
        if document.kind != "story":
            continue
        ids = [tokenizer.end_of_text, *tokenizer.encode(document.text)][:context]
        place = next((place for place, token in enumerate(ids) if token in other), None)
        if place is None:
            continue
        wrong, who = other[ids[place]]
        with torch.no_grad():
            logits = model(torch.tensor([ids[:place]]))[0, -1]
        both = logits[[ids[place], wrong]].log_softmax(-1)
        yield who, -float(both[0]) / math.log(2)


def measure(run: str, documents: int) -> dict[str, Any]:
    """Shares and bits, for girls and for boys."""
    model, tokenizer = tinyllm.load(Run.named(run).base)
    found = list(first_pronouns(model.eval(), tokenizer, documents))
    result: dict[str, Any] = {"run": run}
    for who in ("she", "he"):
        bits = [cost for one, cost in found if one == who]
        result[who] = {
            "right": wilson(sum(cost < 1 for cost in bits), len(bits)).to_dict(),
            "bits": round(sum(bits) / max(len(bits), 1), 3),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="default")
    parser.add_argument("--documents", type=int, default=1200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.run, arguments.documents)
    if arguments.json:
        print(json.dumps(result))
        return
    for who in ("she", "he"):
        right = result[who]["right"]
        print(
            f'"{who}": right in {right["value"]:.2f} ({right["low"]:.2f} to {right["high"]:.2f}) '
            f"of {right['n']}, {result[who]['bits']:.2f} bits"
        )


if __name__ == "__main__":
    main()
