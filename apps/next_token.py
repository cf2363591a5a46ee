"""What comes next: the model's probabilities as bars; a click appends that token."""

from __future__ import annotations

import html
from typing import Any, Final

import gradio as gr

from apps.live import status_line
from apps.page import AT_ONCE, heading, launch_alone
from apps.words import in_html
from apps.writers import base_models, model_choice, open_writer
from tinyllm.figures import show_spaces
from tinyllm.files import TinyLLMError

FIRST: Final = "The sky is"
CLICKS: Final = """
element.addEventListener('click', (event) => {
  const bar = event.target.closest('.guess');
  if (bar) trigger('select', {value: bar.dataset.piece});
});
"""


def draw_bars(pieces: list[tuple[str, float]]) -> str:
    """The likeliest next tokens as clickable bars, likeliest first."""
    longest = max((p for _, p in pieces), default=1.0)
    rows = []
    for piece, probability in pieces:
        shown = html.escape(show_spaces(piece))
        rows.append(
            f'<button class="guess" data-piece="{html.escape(piece)}" '
            f'aria-label="append {shown}, probability {probability:.1%}"><code>{shown}</code>'
            f'<span><i style="width:{100 * probability / longest:.1f}%"></i></span>'
            f"<b>{probability:.1%}</b></button>"
        )
    rest = max(0.0, 1 - sum(p for _, p in pieces))
    return (
        f'<div class="guesses">{"".join(rows)}</div><p class="quiet">All other tokens share '
        f"{rest:.0%}. Click a token to append it; ␣ is a space, ⏎ the end of a line.</p>"
    )


def predict(text: str, choice: str | None) -> str:
    """The bars for what stands in the box."""
    if not choice:
        return ""
    try:
        return draw_bars(open_writer(choice).next_tokens(text, k=10))
    except TinyLLMError as error:
        return f'<p class="notice">{in_html(str(error))}</p>'


def append(text: str, event: gr.EventData) -> str:
    """The clicked token stands behind the text; the bars follow the text."""
    details: dict[str, Any] = event._data or {}
    return text + str(details.get("value", ""))


def build() -> None:
    """The page."""
    heading(
        "Next token",
        "A language model does one thing: it says how likely each token is to come next.",
    )
    model = model_choice(base_models, "base model", "next-model")
    box = gr.Textbox(
        FIRST, label="Text so far", lines=2, max_lines=8, autofocus=True, elem_id="next-text"
    )
    bars = gr.HTML(js_on_load=CLICKS, apply_default_css=False, elem_id="next-bars")
    live: dict[str, Any] = {"trigger_mode": "always_last", **AT_ONCE}
    box.change(predict, [box, model], bars, **live)
    model.change(predict, [box, model], bars, **live)
    bars.select(append, box, box, **AT_ONCE)
    status_line()


if __name__ == "__main__":
    launch_alone(build, "next token")
