"""The album: one prompt, asked again and again while the model learned, and a slider over time.

On the left the likeliest next tokens, on the right what the model wrote, with the longest stretch
marked that stands in the text it learned from. All pages of a stage are in the figure, so the
slider needs nobody to answer it: it moves in a notebook, on a page, and in a saved file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tinyllm.events import Page
from tinyllm.figures.chart import (
    BLUE,
    FONT,
    GRID,
    INK,
    MONO,
    VERMILION,
    Chart,
    literal,
    new_figure,
    see_through,
    show_spaces,
)

BARS = 10
LINE, MOST_LINES = 52, 15
"""A line of what the model wrote has so many characters, and so many lines are shown."""

SAID = 30
"""So much of a prompt stands in the title."""

LEFT: Mapping[str, Any] = {"xaxis": [0.16, 0.43], "xaxis2": [0.0, 0.15], "yaxis": [0.0, 1.0]}
"""Where the bars and their tokens stand beside the text; below 480 pixels they stand above it."""
ABOVE: Mapping[str, Any] = {"xaxis": [0.32, 0.88], "xaxis2": [0.0, 0.3], "yaxis": [0.52, 1.0]}


def album_chart(pages: Sequence[Page], *, prompt: str | None = None) -> Chart:
    """The pages of the last stage among `pages`, with a slider over its steps.

    It opens at the last step, with `prompt` or else the last prompt; buttons lead to the others.
    The bars keep their scale from the first step to the last. Where the page is narrow, `meta`
    holds what `layout` must become. ValueError if there is no such prompt.

    >>> page = Page(stage="base", step=9, tokens=4096, prompt="The sky", completion=" is blue.",
    ...             next=((" is", 0.5), (" was", 0.25)), entropy=2.0, copied=" is", copied_tokens=1)
    >>> album_chart([page]).text[:68]
    'What the model expects and writes at 1 step of pretraining, from ste'
    """
    if not pages:
        figure = new_figure("The album", "no page yet")
        return Chart(figure=figure, text="The album is empty: there is no page yet.")
    stage = pages[-1].stage
    by_step: dict[int, dict[str, Page]] = {}
    for page in pages:
        if page.stage == stage:
            by_step.setdefault(page.step, {})[page.prompt] = page
    prompts = list(by_step[max(by_step)])
    steps = [by_step[step] for step in sorted(by_step) if set(prompts) <= set(by_step[step])]
    shown = prompts[-1] if prompt is None else prompt
    if shown not in prompts:
        raise ValueError(f"expected a prompt of the album, {prompts}, got {prompt!r}")

    figure = new_figure(_title(shown), _subtitle(steps[-1][shown]))
    for each in prompts:
        _add_bars(figure, steps[-1][each], visible=each == shown)
        figure.add_annotation(
            text=_words(steps[-1][each]),
            visible=each == shown,
            xref="paper",
            yref="paper",
            x=0.5,
            y=1.0,
            xanchor="left",
            yanchor="top",
            align="left",
            showarrow=False,
            font={"family": FONT},
        )
    highest = max(p for step in steps for page in step.values() for _, p in page.next)
    figure.update_layout(
        height=500,
        margin={"l": 8, "r": 8, "t": 124, "b": 92},
        bargap=0.3,
        xaxis={"domain": LEFT["xaxis"], "range": [0, highest], "visible": False},
        xaxis2={"domain": LEFT["xaxis2"], "range": [0, 1], "visible": False},
        yaxis={"domain": LEFT["yaxis"], "range": [BARS - 0.5, -0.5], "visible": False},
        sliders=[_slider(steps, prompts)],
        updatemenus=[_buttons(prompts, shown)] if len(prompts) > 1 else [],
        meta={"narrow": _narrow(len(prompts))},
    )
    return Chart(figure=figure, text=_text(steps, prompts, shown))


def _add_bars(figure: Any, page: Page, *, visible: bool) -> None:
    """The bars of one prompt, and the tokens that they stand for as a column of their own."""
    drawn = _drawn(page)
    places = list(range(BARS))
    figure.add_bar(
        x=drawn["x"],
        y=places,
        orientation="h",
        marker={"color": BLUE},
        text=drawn["text"],
        textposition="outside",
        textfont={"color": INK},
        cliponaxis=False,
        hoverinfo="skip",
        visible=visible,
    )
    figure.add_scatter(
        x=[1.0] * BARS,
        y=places,
        xaxis="x2",
        mode="text",
        text=drawn["tokens"],
        textposition="middle left",
        textfont={"family": MONO, "color": INK},
        cliponaxis=False,
        hoverinfo="skip",
        visible=visible,
    )


def _drawn(page: Page) -> dict[str, list[Any]]:
    """The bars' lengths and words, and the tokens beside them; `BARS` of each."""
    likeliest = page.next[:BARS]
    missing = BARS - len(likeliest)
    return {
        "x": [p for _, p in likeliest] + [None] * missing,
        "text": [_percent(p) for _, p in likeliest] + [""] * missing,
        "tokens": [literal(show_spaces(t, most=13)) for t, _ in likeliest] + [""] * missing,
    }


def _slider(steps: Sequence[Mapping[str, Page]], prompts: Sequence[str]) -> dict[str, Any]:
    return {
        "active": len(steps) - 1,
        "steps": [
            {
                "label": f"{step[prompts[0]].step:,}",
                "method": "update",
                "args": list(_turned_to(step, prompts)),
            }
            for step in steps
        ],
        "currentvalue": {"visible": False},
        "pad": {"t": 26, "l": 8, "r": 8},
        "x": 0,
        "len": 1,
        "bgcolor": see_through(BLUE, 0.25),
        "activebgcolor": BLUE,
        "bordercolor": BLUE,
        "borderwidth": 1,
        "tickcolor": GRID,
        "ticklen": 5,
        "transition": {"duration": 0},
        "font": {"color": INK, "size": 12},
    }


def _turned_to(
    step: Mapping[str, Page], prompts: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What becomes of the traces and of the layout when the slider comes to this step."""
    drawn = [_drawn(step[prompt]) for prompt in prompts]
    traces = {
        "x": [x for each in drawn for x in (each["x"], [1.0] * BARS)],
        "text": [text for each in drawn for text in (each["text"], each["tokens"])],
    }
    layout = {
        f"annotations[{place}].text": _words(step[prompt]) for place, prompt in enumerate(prompts)
    }
    return traces, {**layout, "title.subtitle.text": _subtitle(step[prompts[0]])}


def _buttons(prompts: Sequence[str], shown: str) -> dict[str, Any]:
    buttons = []
    for prompt in prompts:
        layout = {
            f"annotations[{place}].visible": each == prompt for place, each in enumerate(prompts)
        }
        traces = {"visible": [each == prompt for each in prompts for _ in range(2)]}
        label = literal(_shorten(prompt, 26)) or "from nothing"
        args = [traces, {**layout, "title.text": _title(prompt)}]
        buttons.append({"label": label, "method": "update", "args": args})
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "active": prompts.index(shown),
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 14},
        "bgcolor": see_through(BLUE, 0.08),
        "bordercolor": GRID,
        "font": {"color": INK, "size": 12},
    }


def _narrow(prompts: int) -> dict[str, Any]:
    """The changes by which the text goes below the bars."""
    domains = {f"{axis}.domain": domain for axis, domain in ABOVE.items()}
    places = [(f"annotations[{n}].x", f"annotations[{n}].y") for n in range(prompts)]
    below = {name: value for x, y in places for name, value in ((x, 0.0), (y, 0.46))}
    heading = {"margin.l": 4, "margin.r": 4, "margin.t": 196, "title.font.size": 12}
    menu = {"updatemenus[0].direction": "down"} if prompts > 1 else {}
    return {"height": 780, **heading, **menu, **domains, **below}


def _title(prompt: str) -> str:
    said = literal(_shorten(prompt, SAID))
    return f"What comes after “{said}”" if prompt else "What comes first"


def _subtitle(page: Page) -> str:
    return f"step {page.step:,}, {page.tokens:,} tokens read"


def _words(page: Page) -> str:
    """What the model wrote, the copied stretch marked, and how long it is."""
    asked = ["<b>Asked</b>", *_lines(page.prompt), ""] if len(page.prompt) > SAID else []
    lines = [*asked, "<b>It writes</b>", *_lines(page.completion, page.copied), ""]
    if page.copied_tokens is not None:
        lines += _verdict(page)
    return "<br>".join(
        [*lines, f"For the next token it chooses among {2**page.entropy:,.1f} tokens."]
    )


def _verdict(page: Page) -> list[str]:
    """How much was copied, and how much real text shares that was never trained on."""
    words = len(page.copied.split())
    many = f"{words} word" + ("" if words == 1 else "s")
    verdict = [f"Word for word in the text it learned from: {many}."]
    if page.control_words is not None:
        verdict.append(f"In real text about as long that it never read: {page.control_words:g}.")
    return verdict


def _lines(text: str, marked: str = "") -> Iterator[str]:
    """Text in lines of `LINE` characters, `MOST_LINES` at most, its part `marked` in colour.

    >>> list(_lines("one two", " two"))
    ['one<span style="color:#D55E00"><b> two</b></span>']
    """
    begin = text.find(marked)  # -1 where a character was cut at an end
    end = begin + len(marked) if begin >= 0 else -1
    for number, (first, last) in enumerate(_spans(text)):
        if number == MOST_LINES:
            yield "…"
            return
        cuts = sorted({first, last, *(cut for cut in (begin, end) if first < cut < last)})
        parts = [(literal(text[a:b]), begin <= a and b <= end) for a, b in pairwise(cuts)]
        yield "".join(
            f'<span style="color:{VERMILION}"><b>{part}</b></span>' if inside else part
            for part, inside in parts
        )


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the lines of a text begin and end: at line ends, and before a word that is too long."""
    first = 0
    for line in text.split("\n"):
        begin = first + len(line) - len(line.lstrip())
        for word in re.finditer(r"\s*\S+", line):
            end = first + word.end()
            if end - begin > LINE and first + word.start() > begin:
                yield begin, first + word.start()
                begin = end - len(word[0].lstrip())
        yield begin, first + len(line)
        first += len(line) + 1


def _text(steps: Sequence[Mapping[str, Page]], prompts: Sequence[str], shown: str) -> str:
    first, last = steps[0], steps[-1]
    stage = {"base": "pretraining", "chat": "fine-tuning"}.get(last[shown].stage, "training")
    many = f"{len(steps)} step" + ("" if len(steps) == 1 else "s")
    parts = [
        f"What the model expects and writes at {many} of {stage}, from step "
        f"{first[shown].step:,} to step {last[shown].step:,} ({last[shown].tokens:,} tokens read)."
    ]
    for prompt in prompts:
        said = f'After "{_shorten(prompt, SAID)}"' if prompt else "At the beginning of a text"
        parts.append(
            f"{said} it expected {_likeliest(first[prompt])} at first, "
            f"and at last {_likeliest(last[prompt])}."
        )
    written = " ".join(last[shown].completion.split())
    parts.append(f'The last it wrote there: "{written}"' + ("" if written[-1:] in ".!?" else "."))
    if last[shown].copied_tokens is not None:
        parts += _verdict(last[shown])
    return " ".join(parts)


def _likeliest(page: Page) -> str:
    token, probability = page.next[0]
    return f'"{show_spaces(token)}" with {_percent(probability)}'


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}" if share >= 0.001 else "<0.1%"
