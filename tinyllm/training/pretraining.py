"""Stage 3: a model that has never read anything reads, and learns to guess the next token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from tinyllm.events import Event, Notice
from tinyllm.files import TinyLLMError, read_manifest, sha256
from tinyllm.model import Transformer
from tinyllm.tokens import CopyMeter, Tokenizer, TokenShards
from tinyllm.training.batches import Batch, Part, in_turn, packed_batches
from tinyllm.training.plan import Plan
from tinyllm.training.presets import plan_of
from tinyllm.training.stage import Lesson, Prompt, learn, saved_plan
from tinyllm.training.timing import available_threads, plan_for
from tinyllm.training.world import ALONE, World

STAGE = "base"

PROMPTS = ("The sky is", "Once upon a time")
"""What the model continues at every look, beside a text from nothing."""

HELD_OUT_BATCHES, HELD_OUT_ROWS = 4, 8
"""How much of the validation text is measured at every look: 8,192 tokens."""

MOST_EPOCHS = 5
"""A training that is planned by its minutes reads a text no more often than this: with many more
readings the model becomes worse at text that is new to it (`bench/RESULTS.md`)."""
LEAST_TOKENS = 600_000
"""But so many tokens it may read of any text: of a very small one there is little to learn but the
words themselves."""
PRIMER_SHARE = 0.15
"""No more of the steps than this read the primer, however short the training is."""
MANY_EPOCHS = 10
"""From so many readings of the same text on, a model learns it by heart."""


def pretrain(
    folder: Path,
    *,
    tokenizer_folder: Path,
    state: Path,
    plan: Plan | None = None,
    seconds: float | None = None,
    size: str | None = None,
    steps: int | None = None,
    seed: int = 0,
    prompts: Sequence[str] = PROMPTS,
    held_out: Sequence[Batch] | None = None,
    world: World = ALONE,
) -> Iterator[Event]:
    """Train a fresh model on the encoded corpus in `tokenizer_folder`; write it to `folder`.

    Yields `Step`s; now and then an `Evaluation` ("loss": nats a token on a fixed piece of the
    validation text) and `Sample`s, some of them `Page`s of the album; `Finished` last. The state is
    kept in the file `state`: a training that was closed, interrupted or killed goes on from there
    with the plan it began with. A new one follows `plan`; or has `steps` of the given `size`; or is
    planned for `seconds`. `held_out` are batches to be measured at every look, not that piece.

    The same tokens, plan and machine give the same weights, watched or not, interrupted or not.
    Wrap the call in `contextlib.closing` to be sure that leaving early saves at once.

    Several processes (`world`) make the call with the same folders; the first plans, writes and
    yields, the others compute along.
    """
    tokenizer = Tokenizer.load(tokenizer_folder)
    shards = TokenShards.open(tokenizer_folder, "train")
    validation = TokenShards.open(tokenizer_folder, "validation")
    epoch = len(shards.tokens) + len(shards)  # each document brings its <|endoftext|>
    primer = _primer_documents(tokenizer_folder)
    if plan is None and world.first and (plan := saved_plan(state)) is None:
        plan = _plan(tokenizer, epoch, seconds, size, steps, seed)
        plan = replace(plan, primer=_primer_steps(shards, primer, plan))
    plan = Plan.from_dict(world.agree(plan.to_dict() if plan is not None else None))
    epochs = plan.tokens / epoch
    if epochs > MANY_EPOCHS:
        yield Notice(
            stage=STAGE,
            text=(
                f"The text is small for so long a training: it will be read {epochs:.0f} times, "
                "and the model will know much of it by heart. More text would make it better."
            ),
        )
    elif plan.steps == plan.most_steps:
        yield Notice(
            stage=STAGE,
            text=(
                f"The text is small: it will be read {epochs:.0f} times, in less time than there "
                "is, for more readings would make the model worse at text that it has not read. "
                "More text would make it better."
            ),
        )

    batches = partial(packed_batches, context=plan.context, separator=tokenizer.end_of_text)
    read = partial(batches, rows=plan.rows, seed=plan.seed)
    files = ("tokenizer.json", "tokens-train.bin", "documents-train.npy")
    if held_out is None:
        held_out = list(islice(batches(validation, rows=HELD_OUT_ROWS, seed=0), HELD_OUT_BATCHES))
    lesson = Lesson(
        stage=STAGE,
        plan=plan,
        tokenizer=tokenizer,
        batches=partial(
            in_turn,
            lambda start: read(Part(shards, 0, primer), start=start),
            plan.primer,
            lambda start: read(Part(shards, primer, len(shards)), start=start),
        ),
        held_out=held_out,
        prompts=[
            Prompt(text=text, ids=(tokenizer.end_of_text, *tokenizer.encode(text)))
            for text in ("", *prompts)
        ],
        eos=tokenizer.end_of_text,
        made_from={name: sha256(tokenizer_folder / name) for name in files},
        copies=CopyMeter(shards, validation, tokenizer),
        epoch=epoch,
    )
    generator = torch.Generator().manual_seed(plan.seed)
    model = Transformer(plan.model_config(tokenizer.vocab_size), generator=generator)
    yield from learn(model, lesson, folder=folder, state=state, world=world)


def _primer_documents(tokenizer_folder: Path) -> int:
    """With how many documents of a primer the text begins; none if nobody says so."""
    if not (tokenizer_folder / "manifest.json").exists():
        return 0
    return int(read_manifest(tokenizer_folder).get("primer_documents", 0))


def _primer_steps(shards: TokenShards, documents: int, plan: Plan) -> int:
    """The steps that read the primer once, at most `PRIMER_SHARE` of all."""
    tokens = int(shards.offsets[documents]) + documents
    return min(tokens // (plan.rows * plan.context), int(plan.steps * PRIMER_SHARE))


def _plan(
    tokenizer: Tokenizer,
    epoch: int,
    seconds: float | None,
    size: str | None,
    steps: int | None,
    seed: int,
) -> Plan:
    if steps is not None:
        return plan_of(size, steps=steps, seed=seed, threads=available_threads())
    if seconds is None:
        raise TinyLLMError("How long to train? Give a plan, or seconds, or a number of steps.")
    return plan_for(
        seconds,
        vocab_size=tokenizer.vocab_size,
        size=size,
        seed=seed,
        most_tokens=max(MOST_EPOCHS * epoch, LEAST_TOKENS),
    )
