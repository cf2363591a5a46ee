"""Loss against compute for five sizes of model, and the law that was fitted to it.

    python bench/scaling.py --folder FOLDER             # 50 minutes to two hours on two cores
    python bench/scaling.py --folder FOLDER --picture   # once more from what is there, and drawn

Every size reads the same village text, for three amounts of compute (three sizes for a fourth),
each a training of its own whose rate falls to zero at its end. Compute is counted (6N operations a
token and attention, `training.speed.flops_per_token`) and not timed, so that it does not matter
what else the machine does. Finished trainings are kept in FOLDER/runs.jsonl, and a second call goes
on behind them.

The law is loss = E + A / N^a + B / (N^c D^b) for N million weights in matrix products and D million
tokens. With c = 0 it is that of Hoffmann et al. 2022 ("Training compute-optimal large language
models", eq. 2); but here, where text is hardly read twice and trainings are short, a large model
learns more of every token, and c says how much. It is fitted as theirs, by the Huber loss of
logarithms: of what is above E, which is not fitted but known, the entropy of the village's text.

Printed as JSON: every training, the law, how far it and Hoffmann's are off, and from how much
compute on which size gets furthest by the law. With --picture, `bench/scaling.json` and
`bench/scaling.svg` are written anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from loky import get_reusable_executor

from tinyllm.corpus import build_corpus
from tinyllm.evaluation import rulers_of
from tinyllm.figures.chart import PALETTE, new_figure
from tinyllm.files import TinyLLMError, atomic_write
from tinyllm.model import SIZES, ModelConfig, Transformer
from tinyllm.report import load_bench
from tinyllm.tokens import Tokenizer, TokenShards, build_tokenizer
from tinyllm.training import Plan, next_token_loss, optimizer_for, packed_batches, train
from tinyllm.training.plan import PRETRAINING
from tinyllm.training.speed import flops_per_token, weights_in_products
from tinyllm.training.stage import held_out_loss

HERE = Path(__file__).resolve().parent
SHAPES: dict[str, dict[str, int]] = {
    "64 x 2": {
        **SIZES["nano"], "hidden_size": 64, "intermediate_size": 172,
        "num_attention_heads": 2, "num_key_value_heads": 2,
    },
    "nano": SIZES["nano"],
    "micro": SIZES["micro"],
    "tiny": SIZES["tiny"],
    "small": SIZES["small"],
}  # fmt: skip
COMPUTE = {
    3e12: tuple(SHAPES),
    1.2e13: tuple(SHAPES),
    4.8e13: tuple(SHAPES),
    1.92e14: ("nano", "micro", "tiny"),
}
"""Operations of a training, and whose: on two cores about 10 and 40 seconds, 3 and 12 minutes."""
CHARACTERS = 90_000_000
VOCABULARY = 4096
HELD_OUT_ROWS = 160
HUBER = 0.1
"""Misses of the logarithm above this count by themselves and not by their square."""


def run(
    folder: Path, *, jobs: int = 2, compute: Mapping[float, Sequence[str]] = COMPUTE
) -> dict[str, Any]:
    """Train what has not been trained yet, and fit the law to all."""
    floor = prepare(folder)
    done = {(one["size"], one["budget"]): one for one in read(folder)}
    wanted = [(size, budget) for budget, sizes in compute.items() for size in sizes]
    missing = [case for case in wanted if case not in done]
    if missing:
        work = get_reusable_executor(max_workers=jobs).map(
            partial(measure, folder), *zip(*missing, strict=True)
        )
        with (folder / "runs.jsonl").open("a", encoding="utf-8") as file:
            for one in work:
                file.write(json.dumps(one) + "\n")
                file.flush()
                print(f"{one['size']}: {one['loss']:.3f} at {one['flops']:.2g}", file=sys.stderr)
                done[one["size"], one["budget"]] = one
    runs = [done[case] for case in wanted]
    return {"floor": floor, "runs": runs, **law(runs, floor)}


def prepare(folder: Path) -> float:
    """The text and its tokens, if they are not there; gives the text's entropy, nats a token."""
    corpus, tokens = folder / "corpus", folder / "tokens"
    if not corpus.exists():
        for _ in build_corpus(corpus, characters=CHARACTERS):
            pass
    if not tokens.exists():
        for _ in build_tokenizer(corpus, tokens, vocab_size=VOCABULARY):
            pass
    known = folder / "floor.json"
    if not known.exists():
        rulers = rulers_of(corpus, tokens, Tokenizer.load(tokens).vocab_size)
        atomic_write(known, json.dumps(rulers["floor"]))
    return float(json.loads(known.read_text(encoding="utf-8")))


def read(folder: Path) -> list[dict[str, Any]]:
    """The trainings that are done."""
    path = folder / "runs.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure(folder: Path, size: str, budget: float) -> dict[str, Any]:
    """One training of `budget` operations, and its loss on held-out text."""
    torch.set_num_threads(1)
    tokenizer = Tokenizer.load(folder / "tokens")
    shards, validation = (TokenShards.open(folder / "tokens", s) for s in ("train", "validation"))
    config = ModelConfig(vocab_size=tokenizer.vocab_size, **SHAPES[size])
    each = flops_per_token(config)
    shape = Plan(size=None, steps=1)
    plan = Plan(size=None, steps=round(budget / each / shape.tokens), rates=PRETRAINING)
    packing = {"context": plan.context, "separator": tokenizer.end_of_text}
    batches = packed_batches(shards, rows=plan.rows, seed=0, **packing)
    held_out = packed_batches(validation, rows=plan.rows, seed=0, **packing)
    model = Transformer(config, generator=torch.Generator().manual_seed(0)).bfloat16()
    optimizer = optimizer_for(model, plan.rates_within())
    steps = train(
        model, batches, next_token_loss, optimizer=optimizer, schedule=plan.schedule(),
        steps=plan.steps, stage="base",
    )  # fmt: skip
    for _ in steps:
        pass
    model.float().load_state_dict(optimizer.masters)
    loss = held_out_loss(model, list(islice(held_out, HELD_OUT_ROWS // plan.rows)))
    return {
        "size": size,
        "budget": budget,
        "weights": weights_in_products(config),
        "tokens": plan.tokens,
        "steps": plan.steps,
        "flops": each * plan.tokens,
        "readings": round(plan.tokens / (int(shards.offsets[-1]) + len(shards)), 2),
        "loss": loss,
    }


def law(runs: Sequence[Mapping[str, Any]], floor: float) -> dict[str, Any]:
    """The law that fits the trainings best, how far it and Hoffmann's are off, and what follows."""
    ours = fitted(runs, floor)
    theirs = fitted(runs, floor, alike=True)
    return {
        "law": {name: round(value, 4) for name, value in ours.items()},
        "off_by": off_by(ours, floor, runs),
        "off_by_hoffmann": off_by(theirs, floor, runs),
        "furthest_from": crossings(ours, floor, runs),
    }


def fitted(
    runs: Sequence[Mapping[str, Any]], floor: float, *, alike: bool = False
) -> dict[str, float]:
    """The numbers of the law; `alike`: every size learns as much from a token, so that c = 0."""
    n, d = (logs(runs, name) for name in ("weights", "tokens"))
    above = torch.tensor([one["loss"] - floor for one in runs], dtype=torch.float64).log()
    best, lowest = torch.zeros(5), math.inf
    for begin in itertools.product((-5.0, -3.0), (0.5, 1.5), (-1.0, 1.0), (0.5, 1.0), (0.0, 0.4)):
        found = torch.tensor(begin, dtype=torch.float64).requires_grad_()
        search = torch.optim.LBFGS(
            [found], max_iter=3000, line_search_fn="strong_wolfe",
            tolerance_grad=1e-13, tolerance_change=1e-14,
        )  # fmt: skip

        def off(at: torch.Tensor = found) -> torch.Tensor:
            c = at[4] * (not alike)
            terms = torch.stack((at[0] - at[1] * n, at[2] - at[3] * d - c * n))
            return torch.nn.functional.huber_loss(terms.logsumexp(0), above, delta=HUBER)

        def again(search: torch.optim.Optimizer = search, off: Any = off) -> torch.Tensor:
            search.zero_grad()
            value = off()
            value.backward()
            return value

        search.step(again)
        if off().item() < lowest:
            best, lowest = found.detach(), off().item()
    names = ("log_A", "a", "log_B", "b", "c")
    return dict(zip(names, (best * torch.tensor([1, 1, 1, 1, not alike])).tolist(), strict=True))


def logs(runs: Sequence[Mapping[str, Any]], name: str) -> torch.Tensor:
    """The logarithm of something counted in millions."""
    return torch.tensor([one[name] / 1e6 for one in runs], dtype=torch.float64).log()


def off_by(
    values: Mapping[str, float], floor: float, runs: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """By how many nats a token the law misses the trainings, and by which share of what they have
    above the floor: on average."""
    gaps = [abs(predict(values, floor, one) - one["loss"]) for one in runs]
    shares = [gap / (one["loss"] - floor) for gap, one in zip(gaps, runs, strict=True)]
    return {"nats": round(fmean(gaps), 4), "share": round(fmean(shares), 4)}


def predict(values: Mapping[str, float], floor: float, one: Mapping[str, Any]) -> float:
    """The loss that the law expects of a training."""
    n, d = math.log(one["weights"] / 1e6), math.log(one["tokens"] / 1e6)
    by_size = math.exp(values["log_A"] - values["a"] * n)
    by_text = math.exp(values["log_B"] - values["b"] * d - values["c"] * n)
    return floor + by_size + by_text


def crossings(
    values: Mapping[str, float], floor: float, runs: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """From how many operations on each size has the lowest loss by the law; absent if never."""
    each = {one["size"]: (one["weights"], one["flops"] / one["tokens"]) for one in runs}
    best: dict[str, float] = {}
    for tenth in range(110, 190):
        compute = 10 ** (tenth / 10)
        losses = {
            size: predict(values, floor, {"weights": count, "tokens": compute / cost})
            for size, (count, cost) in each.items()
        }
        best.setdefault(min(losses, key=lambda size: losses[size]), compute)
    return best


def draw(found: Mapping[str, Any]) -> str:
    """The picture: loss above the floor against compute, a line a size, as SVG."""
    figure = new_figure(
        "How far each size gets with so much compute",
        "held-out loss above the village's entropy; dots are trainings, lines the fitted law",
        width=860, height=480,
    )  # fmt: skip
    for size, colour in zip(SHAPES, PALETTE, strict=False):
        mine = [one for one in found["runs"] if one["size"] == size]
        cost = mine[0]["flops"] / mine[0]["tokens"]
        along = [10 ** (t / 20) for t in range(round(20 * math.log10(mine[0]["flops"])) - 2, 300)]
        along = [c for c in along if c <= 8 * mine[-1]["flops"]]
        law = [
            predict(found["law"], found["floor"], {**mine[0], "tokens": c / cost}) - found["floor"]
            for c in along
        ]
        figure.add_scatter(x=along, y=law, mode="lines", line={"color": colour, "width": 2})
        figure.add_scatter(
            x=[one["flops"] for one in mine], y=[one["loss"] - found["floor"] for one in mine],
            mode="markers", marker={"color": colour, "size": 9},
        )  # fmt: skip
        figure.add_annotation(
            x=math.log10(along[-1]), y=math.log10(law[-1]), text=size, showarrow=False,
            xanchor="left", xshift=6, font={"color": colour, "size": 13},
        )  # fmt: skip
    figure.update_xaxes(
        type="log", title_text="operations (6N a token, and attention)",
        dtick=1, exponentformat="power",
    )  # fmt: skip
    figure.update_yaxes(
        type="log", title_text="nats a token above the entropy",
        tickvals=[0.01, 0.03, 0.1, 0.3, 1, 3],
    )  # fmt: skip
    figure.update_layout(margin={"r": 90})
    (picture,) = load_bench("drawing").as_svgs([figure])
    return str(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, required=True, help="for the text and what is done")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a core each")
    parser.add_argument("--picture", action="store_true", help="write bench/scaling.json and .svg")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    found = run(asked.folder, jobs=asked.jobs)
    text = json.dumps(found, indent=2) + "\n"
    sys.stdout.write(text)
    if asked.picture:
        atomic_write(HERE / "scaling.json", text)
        try:
            atomic_write(HERE / "scaling.svg", draw(found))
        except TinyLLMError as error:
            raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
