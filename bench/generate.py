"""Generation beside its peers: `transformers.generate`, and llama2.c's run.c.

    tinyllm bench generate [--llama2c CHECKOUT] [--run NAME | --model FOLDER] [--rounds 5] [--json]

Part one opens the same model folder with our code and with `transformers` and lets them write in
turn, 128 new tokens a text, one text and 128 texts at once: in float32, at temperature 1, without
an end before the last token, on the same threads of the same process. `one_ratio` and `many_ratio`
are the medians over the rounds of our tokens a second over theirs; `same_amount` says that each
wrote all the tokens that are counted, `same_greedy` that both write the same at temperature 0.

Part two needs a checkout of llama2.c and gcc. A model of the same size, with random weights in the
layout of Llama (the one that run.c knows), is written in its format, and run.c, compiled as its
README advises, writes one text on as many threads. `one_over_llama2c` is our tokens a second on
that model over those that run.c reports, which leave out its first token;
`llama2c_same_greedy` says that both write the same at temperature 0.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import SIZES, ModelConfig, Transformer, generate, load_model, save_model
from tinyllm.tokens import Tokenizer
from tinyllm.training.speed import seconds
from tinyllm.training.timing import available_threads

ROUNDS = 5
NEW_TOKENS, MANY = 128, 128
REPEATS = 5
"""One text takes hundredths of a second: a round writes it so often, and the median counts."""
GREEDY_TOKENS = 32
PROMPT = [0, 12, 24, 36]
"""Any four tokens: what they mean changes nothing about the work."""
SIZE, VOCABULARY = "nano", 4096
START = 1
"""The token that run.c puts before every text, and at which it ends one."""
TRIES = 20
"""Texts that run.c may end too soon before we give up; at random one in 32 does."""

Write = Callable[[int], list[list[int]]]
"""How many texts -> the new tokens of each."""


def run(
    llama2c: Path | None = None, model: Path | None = None, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Measure; figures by round, and the medians of their ratios."""
    if rounds < 1:
        raise UsageError(f"--rounds must be at least 1, got {rounds}.")
    if llama2c is not None:
        check(Path(llama2c))
    threads = available_threads()
    torch.set_num_threads(threads)
    found: dict[str, Any] = {
        "bench": "generate", "rounds": rounds, "threads": threads, "texts": [1, MANY],
        "new_tokens": NEW_TOKENS, "prompt_tokens": len(PROMPT), "dtype": "float32",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        found["model"], folder = str(model), model
        if folder is None:
            found["model"] = f"made for the bench: size {SIZE}, {VOCABULARY} tokens, random weights"
            folder = Path(temporary) / "model"
            tokenizer = Tokenizer.from_merges([])
            shape: dict[str, Any] = {**SIZES[SIZE], "vocab_size": VOCABULARY}
            fresh = random_model(ModelConfig(**shape))
            save_model(fresh, tokenizer, folder, eos=tokenizer.end_of_text)
        ours = load_model(folder)
        room = ours.config.max_position_embeddings
        if room < len(PROMPT) + NEW_TOKENS:
            raise UsageError(
                f"{folder} reads at most {room} tokens, and the bench writes {NEW_TOKENS} after a "
                f"prompt of {len(PROMPT)}. Pass a model with a longer context."
            )
        found.update(beside_transformers(ours, folder, rounds))
        if llama2c is None:
            found["llama2c"] = "not measured: no --llama2c PATH was given"
        else:
            found.update(beside_llama2c(ours.config, Path(llama2c), Path(temporary), rounds))
    return found


def random_model(config: ModelConfig) -> Transformer:
    """A model in which every weight matters; half the matrices of an untrained one are zero.

    Weights are drawn twice as large as those of a fresh model: at temperature 0 it then writes
    one token after another, and not the same again and again.
    """
    model, generator = Transformer(config), torch.Generator().manual_seed(0)
    for weight in model.parameters():
        if weight.dim() == 2:
            nn.init.normal_(weight, std=2 * weight.shape[1] ** -0.5, generator=generator)
        else:
            nn.init.ones_(weight)
    return model


def beside_transformers(ours: Transformer, folder: Path, rounds: int) -> dict[str, Any]:
    """Tokens a second of one text and of many, ours and theirs in turn."""
    from transformers import AutoModelForCausalLM

    peer: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    peer.eval()
    peer.generation_config.eos_token_id = None  # no end before the last token

    def theirs(texts: int, **how: Any) -> list[list[int]]:
        how = how or {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
        ids = torch.tensor([PROMPT] * texts)
        written: Tensor = peer.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, pad_token_id=0,
            **how,
        )  # fmt: skip
        return [row[len(PROMPT) :] for row in written.tolist()]

    def own(texts: int) -> list[list[int]]:
        return _write(ours, texts, PROMPT)

    greedy = [_write(ours, 1, PROMPT, temperature=0)[0], theirs(1, do_sample=False)[0]]
    found: dict[str, Any] = {"same_greedy": greedy[0][:GREEDY_TOKENS] == greedy[1][:GREEDY_TOKENS]}
    amounts = []
    for name, texts in (("one", 1), ("many", MANY)):
        pairs = []
        pace(own, texts), pace(theirs, texts)  # the first of each is slower
        for number in range(rounds):
            _say(f"{texts} at once, round {number + 1} of {rounds}")
            pairs.append((pace(own, texts), pace(theirs, texts)))
        amounts += [amount for pair in pairs for _, amount in pair]
        found |= _compared(name, [(mine[0], other[0]) for mine, other in pairs])
    found["same_amount"] = set(amounts) == {NEW_TOKENS}
    return found


def pace(write: Write, texts: int) -> tuple[float, int]:
    """Tokens a second (of one text the median of several times), and the tokens of each text.

    Texts of unequal length are a `TinyLLMError`: there is nothing to count fairly.
    """
    made: list[list[int]] = []
    took = median(
        seconds(lambda: made.extend(write(texts))) for _ in range(REPEATS if texts == 1 else 1)
    )
    lengths = {len(ids) for ids in made}
    if len(lengths) != 1:
        raise TinyLLMError(f"Expected texts of {NEW_TOKENS} tokens each, got {sorted(lengths)}.")
    return texts * min(lengths) / took, min(lengths)


def _write(model: Transformer, texts: int, prompt: list[int], **how: Any) -> list[list[int]]:
    return generate(model, [prompt] * texts, max_new_tokens=NEW_TOKENS, **how).ids


def _compared(name: str, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    ratios = [ours / theirs for ours, theirs in pairs]
    return {
        f"{name}_tokens_per_second": {
            "ours": round(median(ours for ours, _ in pairs)),
            "transformers": round(median(theirs for _, theirs in pairs)),
        },
        f"{name}_ratios": [round(ratio, 3) for ratio in ratios],
        f"{name}_ratio": round(median(ratios), 3),
    }


def check(llama2c: Path) -> None:
    """Whether run.c can be compiled, before anything takes its time; `UsageError` if not."""
    if not (llama2c / "run.c").is_file():
        raise UsageError(f"{llama2c} is no checkout of llama2.c: expected run.c in it.")
    if shutil.which("gcc") is None:
        raise UsageError(
            "run.c of llama2.c is compiled with gcc, and there is none on this machine: "
            "install it, or leave --llama2c out."
        )


def beside_llama2c(config: ModelConfig, llama2c: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Tokens a second of one text, ours and run.c's in turn, from the same weights."""
    model = random_model(llama_shape(config))
    export(model, folder)
    compile_run_c(llama2c, folder)
    greedy = _write(model, 1, [START], temperature=0)[0]
    ended = greedy.index(START) if START in greedy else NEW_TOKENS
    pairs, seeds = [], count(1)
    for number in range(rounds):
        _say(f"beside llama2.c, round {number + 1} of {rounds}")
        ours, _ = pace(lambda texts: _write(model, texts, [START]), 1)
        pairs.append((ours, median(pace_of_run_c(folder, seeds) for _ in range(REPEATS))))
    ratios = [ours / theirs for ours, theirs in pairs]
    return {
        "llama2c_same_greedy": run_c(folder, temperature=0, seed=1)[0] == greedy[:ended],
        "llama2c_tokens_per_second": round(median(theirs for _, theirs in pairs)),
        "ours_of_that_model_tokens_per_second": round(median(ours for ours, _ in pairs)),
        "one_over_llama2c_by_round": [round(ratio, 3) for ratio in ratios],
        "one_over_llama2c": round(median(ratios), 3),
    }


def llama_shape(config: ModelConfig) -> ModelConfig:
    """The same size in the layout of Llama, with the constants that are written into run.c."""
    names = (
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings",
        "tie_word_embeddings",
    )  # fmt: skip
    if config.num_attention_heads * config.head_dim != config.hidden_size:
        raise UsageError(
            f"run.c takes the heads to be as wide together as the model, {config.hidden_size}; "
            f"here {config.num_attention_heads} heads have {config.head_dim} channels each. "
            "Leave --llama2c out for this model."
        )
    shape: dict[str, Any] = {name: getattr(config, name) for name in names}
    return ModelConfig(**shape, architecture="llama", rope_theta=10_000.0, rms_norm_eps=1e-5)


def export(model: Transformer, folder: Path) -> None:
    """Write `model` as model.bin and tokenizer.bin, as run.c reads them.

    model.bin is seven int32 and then every weight as float32, kind after kind, each for all layers.
    A token's piece in tokenizer.bin is its number, so that what run.c prints can be read back.
    """
    config, weights = model.config, model.state_dict()
    vocabulary, context = config.vocab_size, config.max_position_embeddings
    head_dim = config.head_dim

    def layers(name: str) -> list[Tensor]:
        return [weights[f"model.layers.{n}.{name}.weight"] for n in range(config.num_hidden_layers)]

    parts = [
        weights["model.embed_tokens.weight"],
        *layers("input_layernorm"),
        *(neighbours(weight, head_dim) for weight in layers("self_attn.q_proj")),
        *(neighbours(weight, head_dim) for weight in layers("self_attn.k_proj")),
        *layers("self_attn.v_proj"),
        *layers("self_attn.o_proj"),
        *layers("post_attention_layernorm"),
        *layers("mlp.gate_proj"),
        *layers("mlp.down_proj"),
        *layers("mlp.up_proj"),
        weights["model.norm.weight"],
        torch.zeros(context * head_dim),  # tables of angles, which run.c skips
    ]
    if not config.tie_word_embeddings:
        parts.append(weights["lm_head.weight"])
    header = (
        config.hidden_size, config.intermediate_size, config.num_hidden_layers,
        config.num_attention_heads, config.num_key_value_heads,
        vocabulary if config.tie_word_embeddings else -vocabulary, context,
    )  # fmt: skip
    with (folder / "model.bin").open("wb") as file:
        file.write(np.array(header, dtype="<i4").tobytes())
        for part in parts:
            file.write(part.numpy().astype("<f4").tobytes())
    pieces = [f" {number}".encode() for number in range(vocabulary)]
    with (folder / "tokenizer.bin").open("wb") as file:
        file.write(struct.pack("<i", max(map(len, pieces))))
        for piece in pieces:
            file.write(struct.pack("<fi", 0.0, len(piece)) + piece)


def neighbours(weight: Tensor, head_dim: int) -> Tensor:
    """The rows (H*D, C) of queries or keys in the order in which run.c turns them.

    We turn channel i of a head together with i + D/2, run.c turns 2i together with 2i + 1.
    """
    halves = weight.view(-1, 2, head_dim // 2, weight.shape[1])  # (H, 2, D/2, C)
    return halves.transpose(1, 2).reshape(weight.shape)


def compile_run_c(llama2c: Path, folder: Path) -> None:
    """Make `folder`/run from the run.c of a checkout."""
    source, program = str((llama2c / "run.c").resolve()), str(folder / "run")
    command = ["gcc", "-Ofast", "-fopenmp", source, "-lm", "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = " ".join(done.stderr.strip().splitlines()[-1:])
        raise TinyLLMError(f"gcc -Ofast -fopenmp could not compile {source}: {last}")


def run_c(folder: Path, *, temperature: float, seed: int) -> tuple[list[int], float]:
    """The tokens that run.c writes from all chances (no top-p), and its tokens a second."""
    command = [str(folder / "run"), "model.bin", "-z", "tokenizer.bin", "-n", str(NEW_TOKENS)]
    command += ["-t", str(temperature), "-p", "1.0", "-s", str(seed)]
    threads = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        command, cwd=folder, env=threads, capture_output=True, text=True, check=False
    )
    said = re.search(r"achieved tok/s: (\S+)", done.stderr)
    if done.returncode or not said:
        raise TinyLLMError(f"run.c of llama2.c failed: {done.stderr.strip() or 'it said nothing'}")
    return [int(piece) for piece in done.stdout.split()], float(said[1])


def pace_of_run_c(folder: Path, seeds: Iterator[int]) -> float:
    """Tokens a second of the next text that run.c does not end before its last token."""
    for seed in islice(seeds, TRIES):
        written, pace = run_c(folder, temperature=1.0, seed=seed)
        if len(written) == NEW_TOKENS:
            return pace
    raise TinyLLMError(f"run.c ended {TRIES} texts in a row before {NEW_TOKENS} tokens.")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama2c", type=Path, help="a checkout of llama2.c")
    parser.add_argument("--model", type=Path, help="a model folder (default: one made here)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print(json.dumps(run(options.llama2c, options.model, options.rounds), indent=2))
