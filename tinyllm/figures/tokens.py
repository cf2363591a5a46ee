"""Pictures of a tokenizer and of what a model expects next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tinyllm.events import Event, Merge
from tinyllm.figures.chart import (
    BLUE,
    GREEN,
    INK,
    MONO,
    VERMILION,
    Chart,
    key,
    literal,
    new_figure,
    see_through,
    show_spaces,
)


def merges_chart(
    events: Iterable[Event], *, title: str = "Merges, from the most frequent pair on"
) -> Chart:
    """How often each pair stood side by side when it was merged, by the rank of the merge.

    Both axes are logarithmic: counts of language fall along a nearly straight line (Zipf's law).
    Every doubling of the rank is labelled with the piece that was born there.

    >>> merge = Merge(stage="tokenizer", rank=1, left=37, right=121, new=261, count=900, text=b" t")
    >>> merges_chart([merge]).text
    'Merges, from the most frequent pair on: 1 merge. Number 1 made "␣t" of a pair seen 900 times.'
    """
    merges = [e for e in events if isinstance(e, Merge)]
    figure = new_figure(title, f"{len(merges):,} merges so far" if merges else "no merge yet")
    rank = np.arange(1, len(merges) + 1)
    count = np.array([m.count for m in merges], dtype=float)
    pieces = [show_spaces(m.text) for m in merges]
    figure.add_scatter(
        x=rank,
        y=count,
        mode="markers",
        marker={"size": 5, "color": see_through(BLUE, 0.6)},
        customdata=np.array([literal(p) for p in pieces], dtype=object),
        hovertemplate="merge %{x}: <b>%{customdata}</b><br>seen %{y:,} times<extra></extra>",
    )
    marked = [2**i - 1 for i in range(len(merges).bit_length())]
    figure.add_scatter(
        x=rank[marked],
        y=count[marked],
        mode="markers+text",
        marker={"size": 9, "color": VERMILION},
        text=[literal(pieces[i]) for i in marked],
        textposition="top right",
        textfont={"family": MONO, "size": 13, "color": INK},
        cliponaxis=False,
        hoverinfo="skip",
    )
    most = max(len(merges), 10)
    figure.update_layout(margin={"r": 90})
    figure.update_xaxes(
        type="log", range=[-0.05, np.log10(most) + 0.05], dtick=1, title_text="rank of the merge"
    )
    ends = np.log10(count[[-1, 0]]) if merges else np.array([0.0, 1.0])
    low, high = np.floor(ends.min()), np.ceil(ends.max())
    figure.update_yaxes(
        type="log",
        range=[low - 0.1, max(high, low + 1) + 0.1],
        dtick=1,
        tickformat=",d",
        title_text="times the pair was seen",
    )
    return Chart(figure=figure, text=f"{title}: {_merges_text(merges, pieces)}")


def _merges_text(merges: Sequence[Merge], pieces: Sequence[str]) -> str:
    if not merges:
        return "no merge yet."
    first = f'Number 1 made "{pieces[0]}" of a pair seen {merges[0].count:,} times.'
    if len(merges) == 1:
        return f"1 merge. {first}"
    early = ", ".join(f'"{p}"' for p in pieces[1:6])
    return (
        f"{len(merges):,} merges. {first} Next came {early}. "
        f'The last one made "{pieces[-1]}", seen {merges[-1].count:,} times.'
    )


def token_lengths(
    pieces: Sequence[bytes],
    counts: Sequence[int] | None = None,
    *,
    title: str = "How long the tokens are",
    most: int = 16,
) -> Chart:
    """Share of the vocabulary by length in bytes, and beside it the share of a text's tokens.

    `pieces[i]` are the bytes of token i (empty for special tokens, which are left out), `counts[i]`
    how often a text uses it. Lengths of `most` and above share the last bar. ValueError if the two
    lists differ in length.

    >>> token_lengths([b"a", b"b", b"ab"]).text
    'How long the tokens are: 3 tokens, 1.3 bytes on average, the longest 2 ("ab").'
    """
    if counts is not None and len(counts) != len(pieces):
        raise ValueError(
            f"expected a count for each of {len(pieces)} tokens, got {len(counts)}; "
            "count all ids of the vocabulary, unused ones as 0"
        )
    real = [i for i, piece in enumerate(pieces) if piece]
    lengths = np.array([len(pieces[i]) for i in real], dtype=np.int64)
    weights = np.array([counts[i] if counts is not None else 0 for i in real], dtype=float)
    bins = np.minimum(lengths, most)
    top = int(bins.max(initial=1))
    x = np.arange(1, top + 1)
    names = [f"{n}+" if n == most else str(n) for n in x]
    text = f"{title}: {len(real):,} tokens"
    entries = [key(BLUE, "■", "of the vocabulary")]
    figure = new_figure(title)
    for values, colour, words in (
        (np.ones(len(real)), BLUE, "vocabulary"),
        (weights, GREEN, "text"),
    ):
        total = values.sum()
        share = np.bincount(bins, weights=values, minlength=top + 1)[1:] / max(total, 1.0)
        figure.add_bar(
            x=names if total else [],
            y=share if total else [],
            marker={"color": colour},
            hovertemplate=f"%{{y:.1%}} of the {words}<extra></extra>",
        )
    if real:
        longest = pieces[max(real, key=lambda i: len(pieces[i]))]
        text += f", {lengths.mean():.1f} bytes on average"
        text += f', the longest {len(longest)} ("{show_spaces(longest)}")'
    if weights.sum():
        entries.append(key(GREEN, "■", "of the tokens of the text"))
        text += f"; the tokens of the text have {(lengths @ weights) / weights.sum():.1f}"
    figure.update_layout(
        bargap=0.25, bargroupgap=0.05, title_subtitle_text=" &nbsp; ".join(entries)
    )
    figure.update_xaxes(title_text="bytes in the token", type="category", showgrid=False)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return Chart(figure=figure, text=text + ".")


def next_token_bars(
    tokens: Sequence[str | bytes],
    probabilities: Sequence[float],
    *,
    prompt: str = "",
    marked: str | None = None,
) -> Chart:
    """The likeliest next tokens as horizontal bars, the likeliest on top, spaces visible.

    `marked`, one of `tokens`, is drawn in another colour: the one that was sampled, say. ValueError
    if the two lists differ in length or a probability lies outside [0, 1].

    >>> next_token_bars([" blue", " clear"], [0.62, 0.11], prompt="The sky is").text
    'After "The sky is" the model expects "␣blue" 62%, "␣clear" 11%; all other tokens share 27%.'
    """
    if len(tokens) != len(probabilities) or not all(0 <= p <= 1 for p in probabilities):
        raise ValueError(
            f"expected a probability between 0 and 1 for each token, got {len(tokens)} tokens "
            f"and the probabilities {list(probabilities)}"
        )
    order = sorted(range(len(tokens)), key=lambda i: -probabilities[i])
    names = [show_spaces(tokens[i]) for i in order]
    values = np.array([probabilities[i] for i in order], dtype=float)
    colours = [VERMILION if tokens[i] == marked else BLUE for i in order]
    said = show_spaces(prompt[-60:], most=60).replace("␣", " ")
    rest = max(0.0, 1.0 - float(values.sum()))
    title = f"What comes after “{literal(said)}”" if prompt else "What comes next"
    figure = new_figure(title, f"{_percent(rest)} is left for all other tokens")
    figure.add_bar(
        x=values,
        y=np.arange(len(names)),
        orientation="h",
        marker={"color": colours},
        text=[_percent(v) for v in values],
        textposition="outside",
        textfont={"color": INK},
        customdata=np.array([literal(n) for n in names], dtype=object),
        hovertemplate="<b>%{customdata}</b> %{x:.2%}<extra></extra>",
        cliponaxis=False,
    )
    figure.update_layout(
        height=110 + 30 * max(len(names), 1), margin={"b": 16, "r": 60}, bargap=0.25
    )
    figure.update_xaxes(range=[0, max(values.max(initial=0.0), 0.01)], visible=False)
    figure.update_yaxes(
        autorange="reversed",
        tickvals=np.arange(len(names)),
        ticktext=[literal(n) for n in names],
        tickfont={"family": MONO, "size": 14},
        showgrid=False,
        ticks="",
        ticklabelstandoff=8,
    )
    shown = ", ".join(f'"{n}" {_percent(v)}' for n, v in zip(names, values, strict=True))
    after = f'After "{said}" the' if prompt else "The"
    words = f"{after} model expects {shown or 'nothing yet'}"
    return Chart(figure=figure, text=f"{words}; all other tokens share {_percent(rest)}.")


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.001 else "<0.1%"
