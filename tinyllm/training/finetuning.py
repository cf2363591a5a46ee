"""Stage 4: a model that continues texts learns to answer.

The examples are dialogues, <|user|>PROMPT<|end|><|assistant|>ANSWER<|end|>, and only the answer
and the <|end|> that closes it are targets: what people ask is to be understood, not predicted. Part
of every batch are documents of the pretraining text, learned as before, so that what was learned
from them is not forgotten.

Every target of a batch counts the same, whether it stands in a short answer, a long one or a
replayed document (`losses.next_token_loss`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256 as sha256_of
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np

from tinyllm.events import Event, Notice
from tinyllm.files import TinyLLMError, sha256
from tinyllm.model import load_model
from tinyllm.tokens import CopyMeter, Tokenizer, TokenShards
from tinyllm.training.batches import Batch, Example, example_batches, join, packed_batches
from tinyllm.training.optimizers import Rates
from tinyllm.training.plan import Plan
from tinyllm.training.stage import Lesson, Prompt, learn, saved_plan
from tinyllm.training.timing import available_threads, fit

STAGE = "chat"

RATES = Rates(matrices=0.009, embedding=0.004, gains=0.009, head=0.009)
"""Nearly as hot as pretraining: within the same steps, content seen in fine-tuning is answered
better, other content no differently. Only the embeddings stay cool: Adam moves every row as far as
any other, and the words that no example contains are only ever pushed down, so what the base model
knows of them is soon not said any more (`bench/RESULTS.md`)."""

ROWS = 6
"""So many rows of the model's context are a batch, one of them the base model's text. Of eight rows
with one or two of it, the first forgot more and the second learned less (`bench/RESULTS.md`)."""
SHORTEST_ROW = 128
"""Rows are cut into shorter ones, down to this length, as long as every example fits into one: what
attention costs grows with the square of a row."""
COOLDOWN = 0.8
MOST_EPOCHS = 8
"""More readings of the same examples than this teach their wording and not what they ask."""

HELD_OUT_SHARE, HELD_OUT_MOST, HELD_OUT_BATCHES = 0.05, 200, 6
"""How many examples are only measured: this share of them, no more than so many or than fit into
so many batches."""

SHOWN = 3
"""How many held-out prompts are answered at every look."""


def finetune(
    folder: Path,
    *,
    base: Path,
    examples: Sequence[tuple[str, str]],
    state: Path,
    replay: Path | None = None,
    replay_share: float = 1 / 6,
    plan: Plan | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Iterator[Event]:
    """Teach the model in `base` to answer as in `examples`, (prompt, answer) pairs; write `folder`.

    `replay` is the folder of the corpus in the base model's tokens; `replay_share` of the rows of
    each batch, rounded, come from there. The last examples (a twentieth, 200 at most) are kept
    back: `Evaluation`s tell the loss of their answers ("loss": nats a token), and the first three
    of their prompts are answered as `Sample`s, some of them `Page`s, whose copies are looked for in
    the answers. How it is planned, stopped and resumed: see
    `pretrain`.
    """
    if not 0 <= replay_share < 1:
        raise ValueError(f"expected replay_share to be a share in [0, 1), got {replay_share}")
    tokenizer = Tokenizer.load(base)
    model = load_model(base)
    plan = plan or saved_plan(state)
    context = plan.context if plan else model.config.max_position_embeddings
    asked = encode_examples(tokenizer, examples, context=context)
    if len(asked) < 2:
        raise TinyLLMError(
            f"Fine-tuning needs at least two examples of at most {context + 1} tokens; "
            f"{len(asked)} of {len(examples)} fit. Give more, or shorter ones."
        )
    if len(asked) < len(examples):
        yield Notice(
            stage=STAGE,
            text=f"{len(examples) - len(asked)} of {len(examples)} examples have more than "
            f"{context + 1} tokens, too long for this model, and were left out.",
        )
    encoded = [example for _, example in asked]
    kept_back = min(max(1, int(len(encoded) * HELD_OUT_SHARE)), HELD_OUT_MOST)
    mixture = Mixture(
        examples=encoded[:-kept_back],
        documents=TokenShards.open(replay, "train") if replay else None,
        replay_share=replay_share,
        separator=tokenizer.end_of_text,
    )
    if plan is None:
        row = row_length(encoded, context)
        plan = Plan(
            size=None,
            steps=steps or 1,
            rows=ROWS * (context // row),
            context=row,
            threads=available_threads(),
            seed=seed,
            cooldown=COOLDOWN,
            rates=RATES,
        )
        if steps is None:
            if seconds is None:
                raise TinyLLMError("How long to train? Give a plan, or seconds, or steps.")
            plan = replace(plan, most_steps=MOST_EPOCHS * mixture.epoch_steps(plan))
            plan = fit(plan, model, next(mixture.batches(plan)), seconds=seconds)
    tests = Mixture(examples=encoded[-kept_back:], separator=tokenizer.end_of_text)
    made_from = {"base": sha256(base), "examples": _digest(encoded, replay_share)}
    if replay is not None:
        made_from["replay"] = sha256(replay / "tokens-train.bin")
    lesson = Lesson(
        stage=STAGE,
        plan=plan,
        tokenizer=tokenizer,
        batches=partial(mixture.batches, plan),
        held_out=list(islice(tests.batches(plan), min(tests.epoch_steps(plan), HELD_OUT_BATCHES))),
        prompts=[
            Prompt(text=prompt, ids=example.ids[: example.prompt])
            for prompt, example in asked[-kept_back:][:SHOWN]
        ],
        eos=tokenizer.end,
        made_from=made_from,
        copies=CopyMeter(_answers(encoded[:-kept_back]), _answers(encoded[-kept_back:]), tokenizer),
    )
    yield from learn(model, lesson, folder=folder, state=state)


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What a batch is made of: rows of examples and, where there are documents, rows of those."""

    examples: Sequence[Example]
    separator: int
    documents: TokenShards | None = None
    replay_share: float = 0.0

    def replayed(self, rows: int) -> int:
        """How many of so many rows are documents; one at least is left to the examples."""
        return min(round(rows * self.replay_share), rows - 1) if self.documents else 0

    def epoch_steps(self, plan: Plan) -> int:
        """About how many batches read every example once."""
        tokens = sum(len(example.ids) + 1 for example in self.examples)
        return ceil(tokens / plan.context / (plan.rows - self.replayed(plan.rows)))

    def batches(self, plan: Plan, start: int = 0) -> Iterator[Batch]:
        """Endless batches from number `start` on."""
        replayed = self.replayed(plan.rows)
        answers = example_batches(
            self.examples,
            rows=plan.rows - replayed,
            context=plan.context,
            separator=self.separator,
            seed=plan.seed,
            start=start,
        )
        if self.documents is None or not replayed:
            return answers
        texts = packed_batches(
            self.documents,
            rows=replayed,
            context=plan.context,
            separator=self.separator,
            seed=plan.seed,
            start=start,
        )
        return map(join, answers, texts)


def row_length(examples: Sequence[Example], context: int) -> int:
    """`context`, halved as long as every example fits into a row and the row is not too short.

    >>> row_length([Example(ids=(2,) * 70, prompt=9)], 512)
    128
    """
    longest = max(len(example.ids) - 1 for example in examples)
    while context % 2 == 0 and context // 2 >= max(longest, SHORTEST_ROW):
        context //= 2
    return context


def encode_examples(
    tokenizer: Tokenizer, examples: Iterable[tuple[str, str]], *, context: int
) -> list[tuple[str, Example]]:
    """Dialogues in tokens, each with its prompt's text; those longer than a row are left out.

    >>> bytes_alone = Tokenizer.from_merges([])
    >>> [(prompt, example)] = encode_examples(bytes_alone, [("hi", "yo")], context=16)
    >>> prompt, example
    ('hi', Example(ids=(2, 76, 77, 4, 3, 93, 83, 4), prompt=5))
    """
    encoded = []
    for prompt, answer in examples:
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        ids = tuple(tokenizer.encode_chat(turns))
        if len(ids) <= context + 1:  # the last token is only a target
            encoded.append((prompt, Example(ids=ids, prompt=ids.index(tokenizer.assistant) + 1)))
    return encoded


def _answers(examples: Sequence[Example]) -> TokenShards:
    """The answers alone, a document each, without the <|end|> that closes them."""
    answers = [example.ids[example.prompt : -1] for example in examples]
    offsets = np.cumsum([0, *map(len, answers)])
    ids = np.fromiter((token for answer in answers for token in answer), np.uint32, offsets[-1])
    return TokenShards(ids, offsets)


def _digest(examples: Sequence[Example], replay_share: float) -> str:
    """A hash of what the batches depend on beside the plan and the replayed text."""
    text = json.dumps([replay_share, *(example.ids for example in examples)])
    return sha256_of(text.encode("utf-8")).hexdigest()
