"""When the model is looked at while it learns, and which looks are pages of the album.

A page holds what the model expects after a prompt, what it writes there, and how much of that it
copied. Much changes in the first steps and little in the last, so early pages lie closer together.
Most are taken at looks that training has anyhow; the early ones are brief.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from tinyllm.events import Page, Sample
from tinyllm.model import Transformer
from tinyllm.tokens import Tokenizer

if TYPE_CHECKING:
    from tinyllm.training.stage import Lesson

LOOK_EVERY = 120
"""Steps between two looks: one costs about as much time as six steps of the size nano."""
LEAST_LOOKS, MOST_LOOKS = 3, 100
"""How many looks a run has, however short or long it is, beside the first and the last."""

MOST_PAGES = 16
"""No more looks than this are pages; with the early ones that makes about 20 for each prompt."""
CLOSEST = 8
"""Early pages, but for the first, are no closer together than so many steps."""
SHOWN = 10
"""So many of the likeliest next tokens stand on a page."""

MOST_SEARCHED = 12
"""All pages together may search so many times as many tokens for copies as are trained on: half a
percent of the time. Of a larger text only the last page says what was copied."""


def between_looks(steps: int) -> int:
    """Steps from one look to the next.

    >>> between_looks(2400), between_looks(60), between_looks(120_000)
    (120, 20, 1200)
    """
    return max(1, steps // min(max(steps // LOOK_EVERY, LEAST_LOOKS), MOST_LOOKS))


def is_look(step: int, steps: int) -> bool:
    """Whether the model is looked at after this step: the first, or a due one, the last left out.

    >>> [step for step in range(1, 11) if is_look(step, 10)]
    [1, 3, 6, 9]
    """
    every = between_looks(steps)
    due = step % every == 0 and step + every // 2 <= steps
    return step < steps and (step == 1 or due)


def page_steps(steps: int) -> set[int]:
    """The steps with a page: the first and the last, looks between them, and a few early ones.

    Where there are many looks, every second or third of them is a page. The first distance is
    halved again and again, down to `CLOSEST` steps.

    >>> sorted(page_steps(1200))
    [1, 15, 30, 60, 120, 240, 360, 480, 600, 720, 840, 960, 1080, 1200]
    """
    every = between_looks(steps)
    apart = every * math.ceil(steps / every / MOST_PAGES)
    early = {apart >> halvings for halvings in range(1, (apart // CLOSEST).bit_length())}
    return {1, *early, *(s for s in range(apart, steps, apart) if is_look(s, steps)), steps}


@torch.no_grad()
def expected_next(
    model: Transformer, tokenizer: Tokenizer, prompt: Sequence[int]
) -> tuple[tuple[tuple[str, float], ...], float]:
    """The likeliest tokens after `prompt` with their probabilities, and the entropy of all, bits.

    >>> from tinyllm.model import ModelConfig
    >>> model = Transformer(ModelConfig(vocab_size=261, num_hidden_layers=1))
    >>> likeliest, entropy = expected_next(model, Tokenizer.from_merges([]), [0, 76, 77])
    >>> len(likeliest), 7 < entropy <= 8.03  # log2 of 261
    (10, True)
    """
    ids = torch.tensor([list(prompt)], device=model.output_weight.device)
    scores = model.logits(model.hidden(ids)[0, -1]).log_softmax(-1)  # (V), nats
    entropy = torch.special.entr(scores.exp()).sum() / math.log(2)
    best, tokens = scores.exp().topk(min(SHOWN, len(scores)))
    pieces = [
        piece.decode("utf-8", errors="replace") for piece in tokenizer.pieces(tokens.tolist())
    ]
    return tuple(zip(pieces, best.tolist(), strict=True)), float(entropy)


def pages_of(
    model: Transformer,
    lesson: Lesson,
    made: Sequence[Sample],
    written: Sequence[Sequence[int]],
    tokens: int,
) -> Iterator[Page]:
    """The samples that were `made`, `written` in tokens, as pages of the album.

    `tokens` were trained on so far.
    """
    copies = _copies(lesson, written, last=made[0].step == lesson.plan.steps)
    for sample, prompt, copied in zip(made, lesson.prompts, copies, strict=True):
        likeliest, entropy = expected_next(model, lesson.tokenizer, prompt.ids)
        yield Page(**vars(sample), tokens=tokens, next=likeliest, entropy=entropy, **copied)


def _copies(
    lesson: Lesson, written: Sequence[Sequence[int]], *, last: bool
) -> list[dict[str, Any]]:
    """What a page says of copies; nothing where to find it would take too long."""
    meter, plan = lesson.copies, lesson.plan
    if meter is None:
        return [{} for _ in written]
    searched = len(page_steps(plan.steps)) * len(meter.train.tokens)
    if searched > MOST_SEARCHED * plan.tokens and not last:
        return [{} for _ in written]
    return [
        {
            "copied": copied.text,
            "copied_tokens": copied.tokens,
            "copied_from": copied.document,
            "control_words": meter.control(len(ids)),
        }
        for ids, copied in zip(written, meter.measure(written), strict=True)
    ]
