"""Tokens as you type: by hand, merge by merge, and with the vocabulary that a run has learned."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Final

import gradio as gr

from apps.live import News, live, status_line
from apps.page import AT_ONCE, heading, launch_alone, section
from apps.words import in_html, nothing_yet
from tinyllm.events import Merge
from tinyllm.figures import show_spaces
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.runs import MINE, Run, find
from tinyllm.tokens import BYTE_IDS, FIRST_MERGE, Tokenizer, merge, split_words, train_bpe

FIRST: Final = "I love AI. The sky is blue, and the sky is wide."
SHOWN: Final = 1_000
"""Tokens drawn at most: a whole book in coloured boxes would stop the browser."""
HUES: Final = 6


def draw_tokens(pieces: Sequence[bytes], ids: Sequence[int]) -> str:
    """Tokens as coloured boxes, spaces and line ends made visible, each with its number below."""
    boxes = [
        f'<span class="tok hue{index % HUES}">{html.escape(show_spaces(piece))}'
        f"<small>{number}</small></span>"
        for index, (piece, number) in enumerate(zip(pieces[:SHOWN], ids[:SHOWN], strict=True))
    ]
    size = sum(map(len, pieces))
    ratio = f", {size / len(ids):.2f} bytes a token" if ids else ""
    rest = f"; the first {SHOWN:,} are shown" if len(ids) > SHOWN else ""
    total = f"{size:,} bytes, {len(ids):,} tokens{ratio}{rest}"
    return f'<div class="tokens">{"".join(boxes)}</div><p class="sum">{total}</p>'


def with_vocabulary(text: str) -> str:
    """The text in tokens of the run's own vocabulary, or the sentence that says what is missing."""
    run = find(Run.named(MINE), "tokenizer")
    if run is None:
        words = nothing_yet("learned vocabulary")
        return f'<p class="notice">{in_html(words)} By hand, below, works at once.</p>'
    try:
        tokenizer = Tokenizer.load(run.tokenizer)
    except TinyLLMError as error:
        return f'<p class="notice">{in_html(str(error))}</p>'
    ids = tokenizer.encode(text)
    drawn = draw_tokens(tokenizer.pieces(ids), ids)
    return drawn.replace(
        "</p>", f"; {tokenizer.vocab_size:,} tokens to choose from, learned by run {run.name}</p>"
    )


def by_hand(text: str, merges: float) -> str:
    """Byte-pair encoding learned from this very text, stopped after `merges` merges."""
    learned = list(train_bpe([text], FIRST_MERGE + int(merges)))
    words = [[BYTE_IDS[byte] for byte in word.encode()] for word in split_words(text)]
    pieces = {number: bytes([byte]) for byte, number in enumerate(BYTE_IDS)}
    for one in learned:
        words = [merge(word, (one.left, one.right), one.new) for word in words]
        pieces[one.new] = one.text
    ids = [number for word in words for number in word]
    return draw_tokens([pieces[number] for number in ids], ids) + draw_merges(learned)


def draw_merges(learned: Sequence[Merge]) -> str:
    """The latest merges, newest first: what was joined, and how often it was seen."""
    rows = "".join(
        f"<tr><td>{one.rank + 1}</td><td><code>{html.escape(show_spaces(one.text))}</code></td>"
        f"<td>{one.count}</td></tr>"
        for one in reversed(learned[-6:])
    )
    head = "<tr><th>merge</th><th>makes</th><th>seen</th></tr>"
    return f'<table class="plain">{head}{rows}</table>' if rows else ""


def look() -> News:
    """Nothing to show; its fact is the vocabulary there is."""
    run = find(Run.named(MINE), "tokenizer")
    return News(fact=f"{run.name} {read_manifest(run.tokenizer).get('made')}" if run else "")


def build() -> None:
    """The page."""
    heading(
        "Tokens", "A model reads pieces of text, not letters. Type, and see where the cuts fall."
    )
    box = gr.Textbox(
        FIRST, label="Your text", lines=2, max_lines=8, autofocus=True, elem_id="tokens-text"
    )
    section("With the vocabulary learned from the corpus")
    trained = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="tokens-trained")
    section(
        "By hand, learned from your text alone",
        "With no merges, each byte is a token. Each merge joins the pair that stands together "
        "most often.",
    )
    merges = gr.Slider(0, 60, 12, step=1, label="Merges", elem_id="tokens-merges")
    hand = gr.HTML(by_hand(FIRST, 12), apply_default_css=False, js_on_load=None,
                   elem_id="tokens-hand")  # fmt: skip
    at_once: dict[str, Any] = {"trigger_mode": "always_last", **AT_ONCE}
    live(look, every=2.0, elem_classes="silent").change(with_vocabulary, box, trained, **at_once)
    box.change(with_vocabulary, box, trained, **at_once)
    box.change(by_hand, [box, merges], hand, **at_once)
    merges.change(by_hand, [box, merges], hand, **at_once)
    status_line()


if __name__ == "__main__":
    launch_alone(build, "tokens")
