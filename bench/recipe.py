"""The default pretraining beside a plain one: the loss on village text after as many tokens.

    python bench/recipe.py [--tokens 1900000] [--seeds 3] [--characters 10000000] [--threads N]

The peer is a GPT of today in plain PyTorch: 4 layers, 128 wide, 2 heads of 64, ReLU² MLPs of four
times the width, norms without gains, normed queries and keys, rotary positions, tied embeddings,
output projections of zero; Muon 0.02 for the matrices and Adam 0.012 for the embedding, batches of
4 x 256 tokens, bfloat16 weights with float32 masters, a rate that falls over the last 60 per cent.
Ours is `pretrain` with its defaults: nano, 8 x 256, at first the primer.

Both read the corpus that `tinyllm train --minutes 5` makes, packed alike; the peer reads what
stands behind the primer, a lesson of ours that is like nothing in the validation text. In a row of
the peer documents see those before them, in ours they do not. Both are measured in float32 on every
token of the validation text, each document alone from its <|endoftext|> on. Seconds are those of
the training steps, ours and theirs in turn.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tinyllm.corpus import Document, build_corpus, read_text
from tinyllm.effects.results import T95
from tinyllm.evaluation import held_out_loss, result_of
from tinyllm.events import Step
from tinyllm.files import UsageError, read_manifest
from tinyllm.model import ModelConfig, Transformer, load_model
from tinyllm.stages import VOCABULARY
from tinyllm.tokens import Tokenizer, TokenShards, build_tokenizer
from tinyllm.training import Plan, Schedule, available_threads, packed_batches, pretrain
from tinyllm.training.batches import IGNORED, Part
from tinyllm.training.plan import PRETRAINING
from tinyllm.training.pretraining import PRIMER_SHARE

TOKENS, SEEDS, CHARACTERS = 1_900_000, 3, 10_000_000
CONTEXT = 256
WIDTH, LAYERS, HEADS, ROWS = 128, 4, 2, 4
MUON, ADAM, COOLING = 0.02, 0.012, 0.6
EMBEDDING_STD = 0.02
"""GPT-2's; the matrices of the peer begin as PyTorch begins them."""


def run(
    tokens: int = TOKENS,
    seeds: int = SEEDS,
    characters: int = CHARACTERS,
    threads: int | None = None,
) -> dict[str, Any]:
    """Train both from each seed; figures by seed, and the mean difference of the losses."""
    if not 1 <= seeds <= len(T95):
        raise UsageError(f"--seeds must be from 1 to {len(T95)}, got {seeds}.")
    threads = threads or available_threads()
    torch.set_num_threads(threads)
    found: dict[str, Any] = {"bench": "recipe", "threads": threads}
    sides = {"ours": learn_ours, "theirs": learn_theirs}
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="tinyllm-bench-") as name:
        home = Path(name)
        deque(build_corpus(home / "corpus", characters=characters), maxlen=0)
        stage = build_tokenizer(home / "corpus", home / "tokenizer", vocab_size=VOCABULARY)
        deque(stage, maxlen=0)
        for seed in range(seeds):
            for side, learn in sides.items():
                model, seconds, read = learn(home, tokens, seed)
                figures[side].append(measure(home, model, seconds, read))
                print(f"{side}, seed {seed}: {figures[side][-1]}", file=sys.stderr, flush=True)
    pairs = list(zip(*figures.values(), strict=True))
    losses = [our["loss"] - their["loss"] for our, their in pairs]
    ratios = [our["seconds"] / their["seconds"] for our, their in pairs]
    found |= figures
    found["loss_difference"] = interval(losses)
    found["at_least_equal"] = fmean(losses) <= 0
    found["seconds_ratio"] = round(fmean(ratios), 3)
    return found


def interval(values: list[float]) -> dict[str, float]:
    """The mean of one value a seed, and from two on Student's interval at 95%."""
    mean = fmean(values)
    found: dict[str, float] = {"mean": round(mean, 4), "n": len(values)}
    if len(values) > 1:
        half = T95[len(values) - 2] * stdev(values) / math.sqrt(len(values))
        found |= {"low": round(mean - half, 4), "high": round(mean + half, 4)}
    return found


def measure(home: Path, model: Transformer, seconds: float, read: int) -> dict[str, Any]:
    """Seconds, tokens, and the loss on all of the validation text."""
    tokenizer = Tokenizer.load(home / "tokenizer")
    documents: list[Document] = list(read_text(home / "corpus", "validation"))
    held_out = result_of(held_out_loss(model, tokenizer, documents))
    return {
        "loss": round(held_out.loss, 4),
        "bits_per_byte": round(held_out.bits_per_byte, 4),
        "seconds": round(seconds, 1),
        "tokens": read,
        "tokens_per_second": round(read / seconds),
    }


def text(home: Path) -> tuple[TokenShards, int]:
    """The training text, and with how many documents of the primer it begins."""
    tokenizer = home / "tokenizer"
    return TokenShards.open(tokenizer), read_manifest(tokenizer)["primer_documents"]


def learn_ours(home: Path, tokens: int, seed: int) -> tuple[Transformer, float, int]:
    """`pretrain` with its defaults, in bfloat16; the model, seconds of steps, tokens read."""
    shards, primer = text(home)
    plan = Plan(
        size="nano", steps=1, context=CONTEXT, dtype="bfloat16", seed=seed,
        threads=torch.get_num_threads(), rates=PRETRAINING,
    )  # fmt: skip
    steps = max(1, round(tokens / plan.tokens))
    once = (int(shards.offsets[primer]) + primer) // plan.tokens
    plan = replace(plan, steps=steps, primer=min(once, int(steps * PRIMER_SHARE)))
    folder, state = home / f"ours-{seed}", home / "state" / f"{seed}.safetensors"
    events = pretrain(
        folder, tokenizer_folder=home / "tokenizer", state=state, plan=plan, prompts=(),
        held_out=(),
    )  # fmt: skip
    *_, last = (event for event in events if isinstance(event, Step))
    return load_model(folder), last.seconds, last.tokens


def learn_theirs(home: Path, tokens: int, seed: int) -> tuple[Transformer, float, int]:
    """The plain recipe; the model with its masters, seconds of steps, tokens read."""
    shards, primer = text(home)
    tokenizer = Tokenizer.load(home / "tokenizer")
    torch.manual_seed(seed)
    peer = Peer(tokenizer.vocab_size)
    masters = [nn.Parameter(weight.detach().clone()) for weight in peer.parameters()]
    peer.bfloat16()
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(
            masters[1:], lr=MUON, momentum=0.95, weight_decay=0.0, adjust_lr_fn="original"
        ),
        torch.optim.AdamW(masters[:1], lr=ADAM, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]
    steps = max(1, round(tokens / (ROWS * CONTEXT)))
    falling = Schedule(steps=steps, warmup=0, cooldown=COOLING)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, falling) for o in optimizers]
    batches = packed_batches(
        Part(shards, primer, len(shards)), rows=ROWS, context=CONTEXT,
        separator=tokenizer.end_of_text, seed=seed,
    )  # fmt: skip
    began = time.perf_counter()
    for _ in range(steps):
        batch = next(batches)
        scores = peer.logits(peer.hidden(batch.ids)).float()
        loss = F.cross_entropy(scores.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED)
        loss.backward()  # type: ignore[no-untyped-call]
        for master, weight in zip(masters, peer.parameters(), strict=True):
            master.grad = cast(Tensor, weight.grad).float()
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        _copy(masters, peer)
        peer.zero_grad()
    seconds = time.perf_counter() - began
    peer.float()
    _copy(masters, peer)
    return cast(Transformer, peer), seconds, steps * ROWS * CONTEXT


@torch.no_grad()
def _copy(masters: list[nn.Parameter], peer: nn.Module) -> None:
    for master, weight in zip(masters, peer.parameters(), strict=True):
        weight.copy_(master)


class Peer(nn.Module):
    """The peer; it has the names by which `held_out_loss` knows a model."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.config = ModelConfig(vocab_size=vocab_size, max_position_embeddings=CONTEXT)
        self.embedding = nn.Embedding(vocab_size, WIDTH)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))

    @property
    def output_weight(self) -> Tensor:
        return self.embedding.weight

    def hidden(self, ids: Tensor) -> Tensor:  # (B,T) -> (B,T,C)
        x: Tensor = self.embedding(ids)
        turns = rotation(ids.shape[1]).to(x.dtype)
        for block in self.blocks:
            x = block(x, turns)
        return norm(x)

    def logits(self, hidden: Tensor) -> Tensor:  # (...,C) -> (...,V)
        return F.linear(hidden, self.output_weight)


class Block(nn.Module):
    """Attention, then an MLP, each added to what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_in = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.attention_out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mlp_in = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.mlp_out = nn.Linear(4 * WIDTH, WIDTH, bias=False)
        nn.init.zeros_(self.attention_out.weight)
        nn.init.zeros_(self.mlp_out.weight)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:  # (B,T,C)
        B, T, C = x.shape  # noqa: N806
        q, k, v = self.attention_in(norm(x)).view(B, T, 3, HEADS, C // HEADS).unbind(2)
        q, k = (rotate(norm(heads), turns).transpose(1, 2) for heads in (q, k))  # (B,H,T,D)
        seen = F.scaled_dot_product_attention(q, k, v.transpose(1, 2), is_causal=True)
        x = x + self.attention_out(seen.transpose(1, 2).reshape(B, T, C))
        opened = F.relu(self.mlp_in(norm(x))).square()  # (B,T,4C)
        grown: Tensor = x + self.mlp_out(opened)
        return grown


def norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[-1:])


def rotation(length: int) -> Tensor:
    """Cosine and sine by place and pair of channels, (2,T,1,D/2)."""
    pairs = WIDTH // HEADS // 2
    angles = torch.outer(torch.arange(length), 10_000.0 ** (-torch.arange(pairs) / pairs))
    return torch.stack((angles.cos(), angles.sin()))[:, :, None]


def rotate(x: Tensor, turns: Tensor) -> Tensor:  # (B,T,H,D)
    one, other = x.chunk(2, dim=-1)
    cosine, sine = turns
    return torch.cat((one * cosine - other * sine, other * cosine + one * sine), dim=-1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--characters", type=int, default=CHARACTERS)
    parser.add_argument("--threads", type=int, help="as many as there are cores")
    print(json.dumps(run(**vars(parser.parse_args())), indent=2))
