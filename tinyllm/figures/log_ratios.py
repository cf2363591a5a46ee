"""One answer, token by token: what became likelier when the weights moved, and what less likely."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinyllm.figures.chart import BLUE, INK, MONO, VERMILION, see_through, show_spaces

STRONGEST = 3.0
"""From so many nats on, a factor of twenty, the colour is full."""
FULL = 0.55
"""The opacity of a full colour: the ink of the page reads on it, light or dark."""
NAMED = 0.5
"""From so many nats on the log-ratio stands below the token."""


@dataclass(frozen=True, kw_only=True)
class TokenMap:
    """Coloured tokens as `html`, and the `text` that says the same in words.

    As the last line of a notebook cell it shows itself.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html


def log_ratio_tokens(
    pieces: Sequence[str | bytes],
    before: Sequence[float],
    after: Sequence[float],
    *,
    legend: bool = True,
) -> TokenMap:
    """The tokens of an answer, each coloured by the log of how much likelier it has become.

    `before` and `after` are each token's log-probabilities in nats under the two models. Blue is
    likelier now, orange less likely, full at a factor of twenty; the number below says the same to
    who sees no colours, and the pointer shows both probabilities. A `legend` explains the colours.
    The log-ratios of the tokens add up to that of the answer. ValueError if the three lists differ
    in length.

    >>> log_ratio_tokens([" red", " hen"], [-1.0, -3.0], [-1.1, -1.4]).text
    'The log-ratios add up to +1.50 nats: this answer is 4.5 times as likely as before. \
Moved most: "hen" +1.60 (5.0% to 24.7%), "red" -0.10 (36.8% to 33.3%).'
    """
    if not len(pieces) == len(before) == len(after):
        raise ValueError(
            f"expected two log-probabilities for each token, got {len(pieces)} tokens, "
            f"{len(before)} before and {len(after)} after"
        )
    shown = [show_spaces(piece).replace("␣", " ") for piece in pieces]
    ratios = [b - a for a, b in zip(before, after, strict=True)]
    tokens = "".join(_token(*each) for each in zip(shown, before, after, ratios, strict=True))
    total = sum(ratios)
    text = f"The log-ratios add up to {total:+.2f} nats: this answer is {_times(total)}."
    order = sorted(range(len(ratios)), key=lambda n: -abs(ratios[n]))
    most = [
        f'"{shown[n].strip()}" {ratios[n]:+.2f} ({_chances(before[n], after[n])})'
        for n in order[:3]
        if shown[n].strip() and abs(ratios[n]) >= 0.005
    ]
    text += f" Moved most: {', '.join(most)}." if most else " No token moved."
    return TokenMap(
        html=f'<figure style="margin:0">{_legend() if legend else ""}'
        f'<div style="line-height:1.3;overflow-wrap:anywhere">{tokens}</div>'
        f'<figcaption style="color:{INK};max-width:72ch;margin-top:0.3rem;font-size:0.9rem">'
        f"{html.escape(text)}</figcaption></figure>",
        text=text,
    )


def _token(piece: str, before: float, after: float, ratio: float) -> str:
    words = html.escape(f"{_chances(before, after)}, {ratio:+.2f} nats")
    number = f"{ratio:+.1f}" if abs(ratio) >= NAMED else "&nbsp;"
    space, piece = (" ", piece[1:]) if piece.startswith(" ") and piece.strip() else ("", piece)
    return (
        f'{space}<span title="{words}" style="display:inline-block;white-space:pre;'
        f'border-radius:2px;margin-bottom:2px;background:{_colour(ratio)}">{html.escape(piece)}'
        f'<small style="display:block;text-align:center;font:10px {MONO};line-height:1.2">'
        f"{number}</small></span>"
    )


def _colour(ratio: float) -> str:
    opacity = round(FULL * min(1.0, abs(ratio) / STRONGEST), 3)
    return see_through(BLUE if ratio > 0 else VERMILION, opacity)


def _legend() -> str:
    bar = f"linear-gradient(to right, {_colour(-STRONGEST)}, transparent, {_colour(STRONGEST)})"
    return (
        f'<div style="color:{INK};font-size:0.85rem;margin-bottom:0.3rem" aria-hidden="true">'
        f'20 times less likely now <span style="display:inline-block;width:7rem;height:0.8em;'
        f'vertical-align:-0.05em;background:{bar}"></span> 20 times likelier</div>'
    )


def _chances(before: float, after: float) -> str:
    return f"{_chance(before)} to {_chance(after)}"


def _chance(log_probability: float) -> str:
    chance = math.exp(log_probability)
    return f"{chance:.1%}" if chance >= 0.001 else "<0.1%"


def _times(ratio: float) -> str:
    """A log-ratio in words.

    >>> _times(math.log(3)), _times(-math.log(40)), _times(0.0)
    ('3.0 times as likely as before', '40 times less likely than before', 'as likely as before')
    """
    if abs(ratio) < 0.05:
        return "as likely as before"
    factor = math.exp(min(abs(ratio), math.log(1e6)))
    number = "more than a million" if factor > 999_999 else f"{factor:,.{int(factor < 10)}f}"
    return f"{number} times {'as likely as' if ratio > 0 else 'less likely than'} before"
