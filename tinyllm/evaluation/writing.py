"""Texts written to be measured, batch by batch, so that nobody waits without knowing."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass

from tinyllm.events import Progress
from tinyllm.model import Transformer, generate

ROWS = 256
"""Texts written side by side; twice as many a batch as elsewhere, which is a third faster."""


@dataclass(frozen=True)
class Written:
    """One text: the `prompt` it continues, its new `ids` (a closing stop token included), and
    whether it `finished` by itself."""

    prompt: Sequence[int]
    ids: list[int]
    finished: bool


def write(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    stop: Collection[int],
    temperature: float,
    max_new_tokens: int | None = None,
    num_samples: int = 1,
    seed: int = 0,
    pad: int = 0,
    stage: str = "base",
    note: str = "",
) -> Generator[Progress, None, list[Written]]:
    """Continue each prompt `num_samples` times, to a token of `stop` or the end of the context, by
    at most `max_new_tokens`.

    Sample s of prompt p is at p * num_samples + s of the result. Greedy at temperature 0.

    >>> from tinyllm.events import result_of
    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=16, max_position_embeddings=8))
    >>> texts = result_of(write(model, [[1], [2, 3]], stop={0}, temperature=1.0, num_samples=2))
    >>> [list(text.prompt) for text in texts]
    [[1], [1], [2, 3], [2, 3]]
    """
    # Texts of like length share a batch, so that little of it is padding.
    order = sorted(range(len(prompts)), key=lambda p: len(prompts[p]))
    per_batch = max(1, ROWS // num_samples)
    written: list[Written] = [Written((), [], False)] * (len(prompts) * num_samples)
    for first in range(0, len(order), per_batch):
        batch = order[first : first + per_batch]
        made = generate(
            model,
            [prompts[p] for p in batch],
            max_new_tokens=max_new_tokens or model.config.max_position_embeddings,
            stop=stop,
            temperature=temperature,
            num_samples=num_samples,
            seed=seed * 1_000_003 + first,
            pad=pad,
            rows_at_once=ROWS,
        )
        for row, (ids, reason) in enumerate(zip(made.ids, made.finish_reasons, strict=True)):
            p, sample = batch[row // num_samples], row % num_samples
            written[p * num_samples + sample] = Written(prompts[p], ids, reason == "stop")
        done = (first + len(batch)) * num_samples
        yield Progress(stage=stage, done=done, total=len(written), unit="texts", note=note)
    return written
