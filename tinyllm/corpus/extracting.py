"""The main text of a web page, without what stands around it.

trafilatura (Barbaresi 2021, "Trafilatura: A Web Scraping Library and Command-Line Tool for Text
Discovery and Extraction") does the work. Before it reads a page, two things are put right: parts
that say by their name that they are not the text are taken out; tables that only lay a page out
become divisions, because the extractor makes one line of each cell; lists without links become
paragraphs, because it takes short ones for menus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import trafilatura

from tinyllm.corpus.cutting import cut_document
from tinyllm.corpus.document import Document, Ledger

EXTRACT_RULE = (
    "Of a web page, the main text remains; navigation, banners, adverts, comments and footers go "
    "(trafilatura)."
)
MOST_LINKS = 0.7
"""Where links hold more than this share of the letters, the page is a list of links."""
SURE_LENGTH = 60
"""A line so long that ends like a sentence shows that a page has a text."""

_NOT_THE_TEXT = re.compile(
    r"(?:^|[\s_-])(?:ads?|adv|adverts?|advertisements?|advertising|adsense|sponsor(?:s|ed)?|promos?|"
    r"promotions?|promoted|affiliates?|banners?|cookies?|consent|gdpr|ccpa|newsletters?|subscribe|"
    r"subscriptions?|signup|sign-up|popups?|modals?|overlays?|lightbox|breadcrumbs?|pagination|"
    r"pager|related|recommended|recommendations|read-more|read-next|more-stories|share|sharing|"
    r"socials?|comments?|disqus|respond|login|log-in|register|author-box|author-bio|byline|tags?|"
    r"tag-cloud|menus?|nav|navbar|navigation|footers?|skip-link|toolbar|print-only|rating|ratings)"
    r"(?=$|[\s_-])",
    re.IGNORECASE,
)
_NAVIGATION = frozenset({"nav", "footer", "form", "button", "dialog"})
_ROLES = frozenset({"navigation", "banner", "complementary", "contentinfo", "dialog", "search"})
_CELLS = ("table", "tbody", "tr", "td", "th")
_ENDED = re.compile(r"[.!?][\"'”’)]*$")


def extract(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Take the main text out of HTML pages; other documents pass. A long page is cut.

    >>> page = Document(text="<p>", id="a.html", metadata={"format": "html"})
    >>> ledger = Ledger("extract", EXTRACT_RULE)
    >>> list(extract(iter([page]), ledger)), dict(ledger.dropped)
    ([], {'no main text found on the page': 1})
    """
    for document in documents:
        if document.metadata.get("format") != "html":
            yield ledger.keep(document)
            continue
        try:
            text = main_text(document.text)
        except RecursionError:
            ledger.drop(document, "elements in elements, too deep to read")
            continue
        if not text:
            ledger.drop(document, "no main text found on the page")
            continue
        for piece in cut_document(iter(text.splitlines(keepends=True)), document):
            yield ledger.keep(piece, changed=True)


def main_text(page: str) -> str | None:
    """The main text of an HTML page; None where there is none.

    >>> main_text("<p>The duck came to school again, and it was late again.</p><nav>Home</nav>")
    'The duck came to school again, and it was late again.'
    """
    take = partial(trafilatura.extract, include_comments=False, fast=True)
    tree = _prepared(page)
    if tree is None:
        return None
    text: str | None = take(tree)
    if text is None or any(_is_sure(line) for line in text.split("\n")):
        return text
    # Short lines only: a rhyme or a menu? The strict mode judges, but it takes headings away too,
    # and the first reading has taken the tree apart.
    return text if take(_prepared(page), favor_precision=True) else None


def _prepared(page: str) -> Any:
    """The tree of the page with all put right; None where it is no text, or all links."""
    tree = trafilatura.load_html(page)
    if tree is None:
        return None
    _take_out_furniture(tree)
    if _is_mostly_links(tree):
        return None
    _open_layout_tables(tree)
    _open_lists(tree)
    _mark_plain_body(tree)
    return tree


def _is_sure(line: str) -> bool:
    return len(line) >= SURE_LENGTH and _ENDED.search(line.rstrip()) is not None


def _take_out_furniture(tree: Any) -> None:
    """Drop the parts that are called navigation, banner, advert and the like.

    One that holds half of the page's text is called so by mistake, and stays.
    """
    found = [element for element in tree.iter() if _is_furniture(element) or _is_trail(element)]
    if not found:
        return
    size = len("".join(tree.itertext()))
    for element in found:
        parent = element.getparent()
        if parent is not None and 2 * len("".join(element.itertext())) < size:
            element.drop_tree()


def _is_furniture(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in ("html", "body", "article", "main"):
        return False
    if element.tag in _NAVIGATION or element.get("role", "") in _ROLES:
        return True
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return names != " " and _NOT_THE_TEXT.search(names) is not None


def _is_trail(element: Any) -> bool:
    """Whether it is nothing but links with signs between them: "Home > News > This page"."""
    links = element.findall("a") if element.tag in ("p", "div", "span") else ()
    if len(links) < 2 or len(links) != len(element):
        return False
    between = f"{element.text or ''}{''.join(link.tail or '' for link in links)}"
    return not any(map(str.isalnum, between))


def _is_mostly_links(tree: Any) -> bool:
    linked = sum(_letters("".join(link.itertext())) for link in tree.iter("a"))
    return linked > 0 and linked > MOST_LINKS * _letters("".join(tree.itertext()))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _mark_plain_body(tree: Any) -> None:
    """Make one article of a body that holds its paragraphs itself: so headings are kept."""
    body = tree.find(".//body")
    if body is None or next(tree.iter("article", "main"), None) is not None:
        return
    while len(body) == 1 and body[0].tag == "div":
        body = body[0]
    if len(body.findall("p")) < 2:
        return
    article = body.makeelement("article", {})
    article.extend(list(body))
    body.append(article)


def _open_layout_tables(tree: Any) -> None:
    """Make divisions of tables whose cells hold paragraphs, headings or lists."""
    for table in list(tree.iter("table")):
        if next(table.iter("p", "h1", "h2", "h3", "ul", "ol", "div"), None) is not None:
            for cell in list(table.iter(*_CELLS)):
                cell.tag = "div"


def _open_lists(tree: Any) -> None:
    """Make paragraphs of list items without links: the extractor takes short lists for menus."""
    for outer in list(tree.iter("ul", "ol")):
        items = list(outer)
        plain = (
            item.tag == "li" and next(item.iter("a", "ul", "ol"), None) is None for item in items
        )
        if items and all(plain):
            outer.tag = "div"
            for item in items:
                item.tag = "p"
