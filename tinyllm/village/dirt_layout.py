"""How a dirty page becomes HTML: blocks of text, and the furniture that stands around them.

Real pages put the same words into very different elements, so there are several layouts: the
modern one says itself what is an article, the old one is a table, and the plainest is nothing but
paragraphs.
"""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyllm.village.dirt_furniture import Furniture


@dataclass(frozen=True)
class Block:
    """Lines of text in one kind of element: "p", "li", "verse", "pre" or "h2"."""

    tag: str
    lines: tuple[str, ...]


def paragraphs(*texts: str) -> list[Block]:
    """One paragraph a text.

    >>> paragraphs("Good day.", "Good night.")[1].lines
    ('Good night.',)
    """
    return [Block("p", (text,)) for text in texts]


def plain_text(blocks: Sequence[Block]) -> str:
    """What a reader copies from the page: a line of text each.

    >>> plain_text([Block("h2", ("Ducks",)), Block("li", ("Waddle", "Tick"))])
    'Ducks\\nWaddle\\nTick'
    """
    return "\n".join(line for block in blocks for line in block.lines)


def to_html(blocks: Sequence[Block]) -> str:
    """The blocks as HTML, escaped.

    >>> to_html([Block("p", ("Tick & Tock",)), Block("verse", ("One,", "two.",))])
    '<p>Tick &amp; Tock</p>\\n<p>One,<br>\\ntwo.</p>'
    """
    return "\n".join(_element(block.tag, block.lines) for block in blocks)


def _element(tag: str, lines: Sequence[str]) -> str:
    escaped = [html.escape(line, quote=False) for line in lines]
    if tag == "li":
        return "<ul>\n" + "\n".join(f"<li>{line}</li>" for line in escaped) + "\n</ul>"
    if tag == "verse":
        return "<p>" + "<br>\n".join(escaped) + "</p>"
    if tag == "pre":
        return "<pre>" + "\n".join(escaped) + "</pre>"
    return "\n".join(f"<{tag}>{line}</{tag}>" for line in escaped)


def lay_out(rng: random.Random, title: str, body: str, around: Sequence[Furniture]) -> str:
    """The whole page: `body` is HTML, `around` stands before, beside and after it."""
    layout = rng.choice(LAYOUTS)
    before = "\n".join(piece.html for piece in around if piece.place == "before")
    beside = "\n".join(piece.html for piece in around if piece.place == "beside")
    after = "\n".join(piece.html for piece in around if piece.place == "after")
    heading = html.escape(title, quote=False)
    inner = layout(f"<h1>{heading}</h1>\n{body}", before, beside, after)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{heading}</title></head>\n<body>\n{inner}\n</body>\n</html>\n"
    )


def _modern(body: str, before: str, beside: str, after: str) -> str:
    aside = f"<aside>{beside}</aside>\n" if beside else ""
    return f"{before}\n<main>\n<article>\n{body}\n</article>\n{aside}</main>\n{after}"


def _divisions(body: str, before: str, beside: str, after: str) -> str:
    side = f'<div id="sidebar">{beside}</div>\n' if beside else ""
    return (
        f'<div id="page">\n{before}\n{side}<div class="post">\n<div class="entry-content">\n'
        f"{body}\n</div>\n</div>\n{after}\n</div>"
    )


def _table(body: str, before: str, beside: str, after: str) -> str:
    side = f'<td width="160" class="sidebar">{beside}</td>' if beside else ""
    return (
        f'{before}\n<table width="100%"><tr>{side}<td class="content">\n{body}\n</td></tr></table>'
        f"\n{after}"
    )


def _plain(body: str, before: str, beside: str, after: str) -> str:
    return f"{before}\n{beside}\n{body}\n{after}"


LAYOUTS: tuple[Callable[[str, str, str, str], str], ...] = (_modern, _divisions, _plain, _table)
"""Ways to put a page together, from new to old."""
