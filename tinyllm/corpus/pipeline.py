"""The steps between reading and mixing, in their order, and which texts each of them judges.

The order is half of the matter. Encoding is repaired before extraction, which judges by letters;
filters come before the search for copies, which then has less to remember; copies are found before
masking, which makes strangers alike; and personal data is masked after the filters, which took
masked pages for shouting.

The rules were made for a web in which most pages are worth nothing. A learner's own letter of nine
words is worth something, so not every step judges every text: see `JUDGED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tinyllm.corpus.decontaminating import DECONTAMINATE_RULE, decontaminate
from tinyllm.corpus.document import Document, Ledger, Step
from tinyllm.corpus.duplicates import (
    DEDUPLICATE_RULE,
    NEAR_RULE,
    deduplicate,
    drop_near_copies,
)
from tinyllm.corpus.extracting import EXTRACT_RULE, extract
from tinyllm.corpus.filters_c4 import C4, C4_RULE, clean_c4
from tinyllm.corpus.filters_fineweb import FINEWEB_RULE, FineWeb, judge_fineweb
from tinyllm.corpus.filters_gopher import (
    QUALITY_RULE,
    REPETITION_RULE,
    GopherQuality,
    judge_quality,
    judge_repetition,
)
from tinyllm.corpus.filters_language import LANGUAGE_RULE, judge_language
from tinyllm.corpus.filters_spam import (
    PLACEHOLDER_RULE,
    SHOUTING_RULE,
    SPAM_RULE,
    judge_placeholder,
    judge_shouting,
    judge_spam,
)
from tinyllm.corpus.masking import MASK_RULE, mask_personal_data
from tinyllm.corpus.steps import CLEAN_RULE, REPAIR_RULE, clean, repair
from tinyllm.files import UsageError

SHORT_PAGES = GopherQuality(least_words=30, counts_punctuation=False)
"""Gopher wants 50 words; a good page of the village, or a short poem, has 40. In short sentences
every fifth token is a comma or a full stop, so here only words are counted."""
KIND_C4 = C4(
    needs_punctuation=False, least_sentences=2, least_words_a_line=1, longest_policy_line=160
)
"""C4 without what costs good pages: rhymes end in commas, headings have two words, and a page
*about* cookies says "use cookies" in a paragraph, while a banner says it in a line."""

WITH_TALK = FineWeb(counts_short_sentences=False)
"""In a talk most lines are short; unlike those of a menu they end like sentences."""


def filter_by(judge: Callable[[str], str | None]) -> Step:
    """The step that drops each document for which `judge` has a reason.

    >>> step = filter_by(lambda text: None if text.endswith(".") else "no full stop")
    >>> ledger = Ledger("stops", "Sentences end.")
    >>> [d.id for d in step(iter([Document(text="Yes.", id="a"), Document(text="No", id="b")]),
    ...                     ledger)], dict(ledger.dropped)
    (['a'], {'no full stop': 1})
    """

    def step(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
        for document in documents:
            reason = judge(document.text) if ledger.judges(document) else None
            if reason is None:
                yield ledger.keep(document)
            else:
                ledger.drop(document, reason)

    return step


def keep_english(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Drop what is not English, and note every language that was seen."""
    for document in documents:
        if not ledger.judges(document):
            yield ledger.keep(document)
            continue
        reason, language = judge_language(document.text)
        ledger.note("languages", language or "too short to tell")
        if reason is None:
            yield ledger.keep(document)
        else:
            ledger.drop(document, reason)


def keep_c4(documents: Iterator[Document], ledger: Ledger) -> Iterator[Document]:
    """Take C4's bad lines out and drop its bad pages, with the limits of `KIND_C4`."""
    for document in documents:
        if not ledger.judges(document):
            yield ledger.keep(document)
            continue
        text, reason = clean_c4(document.text, KIND_C4)
        if reason is None:
            yield ledger.keep(replace(document, text=text), changed=text != document.text)
        else:
            ledger.drop(document, reason)


STATELESS: tuple[tuple[str, str, Step], ...] = (
    ("repair", REPAIR_RULE, repair),
    ("extract", EXTRACT_RULE, extract),
    ("clean", CLEAN_RULE, clean),
    ("shouting", SHOUTING_RULE, filter_by(judge_shouting)),
    ("language", LANGUAGE_RULE, keep_english),
    ("quality", QUALITY_RULE, filter_by(lambda text: judge_quality(text, SHORT_PAGES))),
    ("repetition", REPETITION_RULE, filter_by(judge_repetition)),
    ("c4", C4_RULE, keep_c4),
    ("fineweb", FINEWEB_RULE, filter_by(lambda text: judge_fineweb(text, WITH_TALK))),
    ("spam", SPAM_RULE, filter_by(judge_spam)),
    ("placeholder", PLACEHOLDER_RULE, filter_by(judge_placeholder)),
)
"""Name, rule and function of the steps that judge each document by itself: in any process."""

TOGETHER: tuple[tuple[str, str, Step], ...] = (
    ("deduplicate", DEDUPLICATE_RULE, deduplicate),
    ("near copies", NEAR_RULE, drop_near_copies),
    ("decontaminate", DECONTAMINATE_RULE, decontaminate),
    ("mask", MASK_RULE, mask_personal_data),
)
"""The steps that follow, one document after the other."""

STEPS = (*STATELESS, *TOGETHER)
"""Name, rule and function of each step, in the order in which documents go through them."""

ALL = frozenset({"page", "own", "found", "dataset"})
PAGES = frozenset({"page"})
JUDGED: Mapping[str, frozenset[str]] = {
    "repair": ALL,
    "extract": PAGES,
    "clean": ALL,
    "shouting": PAGES,
    "language": PAGES,
    "quality": PAGES,
    "repetition": PAGES,
    "c4": PAGES,
    "fineweb": PAGES,
    "spam": PAGES,
    "placeholder": PAGES,
    "deduplicate": ALL,
    "near copies": PAGES | {"found"},
    "decontaminate": ALL - {"own"},
    "mask": PAGES | {"found", "dataset"},
}
"""Which classes of text each step judges unless it is told otherwise. A "page" is HTML, wherever it
comes from; "own" are the learner's text files, which only lose exact copies; "found" is what lies
on this computer: English as a rule, with licences in a hundred near copies; a "dataset" was cleaned
by those who made it."""
CLASSES = {"this_computer": "found", "huggingface": "dataset", "gutenberg": "dataset"}


@dataclass(frozen=True)
class Scope:
    """Whether a step judges a document: by the class of its text."""

    classes: frozenset[str]
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kind of each source by its name."""

    def __call__(self, document: Document) -> bool:
        """Whether the document is of one of the classes."""
        if document.metadata.get("format") == "html":
            return "page" in self.classes
        kind = self.kinds.get(document.metadata.get("source", ""), "")
        return CLASSES.get(kind, "own") in self.classes


def scopes(
    filters: Mapping[str, bool] | None = None, kinds: Mapping[str, str] | None = None
) -> dict[str, Scope]:
    """The scope of each step; `filters` turns steps on for every text, or off for every text.

    The steps that make text of bytes (repair, extract, clean) cannot be turned off. A `UsageError`
    names the steps if one is unknown.

    >>> scopes({"near copies": True})["near copies"].classes == ALL
    True
    >>> scopes({"mask": False})["mask"].classes
    frozenset()
    """
    chosen = dict(JUDGED)
    switchable = [name for name in JUDGED if name not in ("repair", "extract", "clean")]
    for name, on in (filters or {}).items():
        if name not in switchable:
            raise UsageError(
                f"There is no filter {name!r}. What can be turned on or off: "
                f"{', '.join(switchable)}."
            )
        chosen[name] = ALL if on else frozenset()
    return {name: Scope(classes, kinds or {}) for name, classes in chosen.items()}


def classes_of(judges: Callable[[Document], bool]) -> list[str] | None:
    """The classes of text that a step judges, in the order of the alphabet; None: every text.

    >>> classes_of(scopes()["spam"]), classes_of(scopes()["clean"])
    (['page'], None)
    """
    if not isinstance(judges, Scope) or judges.classes == ALL:
        return None
    return sorted(judges.classes)
