"""Where text may come from, under which licence, and how hard it is for a small model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from tinyllm.files import UsageError

VILLAGE = "village"
KNOWN = (
    "`--from` takes `village` (the default), the path of a file or folder of yours (.txt, .md, "
    ".html, .pdf, .epub, .docx), this_computer, gutenberg or gutenberg:ID,ID, a web address "
    "(https://…), and hf:NAME (a data set of Hugging Face)"
)

LICENCES = {
    "village": "MIT: written by tinyllm's own simulator",
    "folder": "that of your own files: tinyllm does not know it",
    "this_computer": "that of each package or program, named with each document",
    "web": "that of the site: its imprint or terms say what you may do with its text",
    "huggingface": "that of the data set: its card on Hugging Face names it",
    "gutenberg": "public domain in the USA; elsewhere, ask the law of your country. The name and "
    "licence text of Project Gutenberg are removed",
}
HARDNESS = {
    "village": "made for small models: few words, a floor that is known",
    "folder": "as hard as you find it: on books or encyclopedias a model of this size learns "
    "spelling and rhythm, and babbles",
    "this_computer": "hard: the English of programmers, full of names; expect its sound, not sense",
    "web": "hard: many voices on many subjects; a small model learns spelling and some phrases",
    "huggingface": "as hard as the data set: simple stories (TinyStories, SimpleStories) suit a "
    "small model, an encyclopedia does not",
    "gutenberg": "hard: long sentences and rare words, even for children; expect spelling and "
    "rhythm, and the names of the heroes",
}
"""By kind of source."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place that text comes from: its kind, and where it lies, as text.

    `at` is a path, a web address, the name of a data set, or the ids of books; nothing for the
    village and this computer.
    """

    name: str
    kind: str = VILLAGE
    at: str = ""

    @property
    def path(self) -> Path | None:
        """The file or folder, for a source of that kind."""
        return Path(self.at) if self.kind == "folder" else None

    @property
    def licence(self) -> str:
        """Under which licence its text stands, as far as anybody can say beforehand."""
        return LICENCES[self.kind]

    @property
    def hardness(self) -> str:
        """How hard its text is for a small model."""
        return HARDNESS[self.kind]


def parse_source(text: str) -> Source:
    """What `--from TEXT` means. A source that does not exist is a `UsageError`.

    A folder that is called like a source can be named with a path: `./village`.

    >>> parse_source("village")
    Source(name='village', kind='village', at='')
    >>> parse_source("hf:roneneldan/TinyStories")
    Source(name='hf:roneneldan/TinyStories', kind='huggingface', at='roneneldan/TinyStories')
    >>> parse_source("https://example.org/stories/").name
    'example.org/stories'
    """
    head, _, rest = text.partition(":")
    if text in (VILLAGE, "this_computer"):
        return Source(name=text, kind=text)
    if head == "gutenberg":
        return _books(text, rest)
    if head == "hf":
        if not rest.strip("/:#"):
            raise UsageError("Expected the name of a data set behind hf:, as in hf:NAME:CONFIG.")
        return Source(name=text, kind="huggingface", at=rest)
    if "://" in text:
        return _site(text)
    path = Path(text).expanduser()
    try:
        found = bool(text) and path.exists()
    except (OSError, ValueError):  # too long for a name, a zero byte
        found = False
    if not found:
        raise UsageError(f"There is no file or folder {text!r}. {KNOWN}.")
    return Source(name=path.resolve().name or path.as_posix(), kind="folder", at=str(path))


def _books(text: str, ids: str) -> Source:
    numbers = ids.split(",") if text != "gutenberg" else []
    if not all(number.isascii() and number.isdigit() and len(number) < 7 for number in numbers):
        raise UsageError(
            f"Expected numbers of books behind gutenberg:, as in gutenberg:11,12; got {ids!r}."
        )
    books = ",".join(dict.fromkeys(str(int(number)) for number in numbers))
    return Source(name=text, kind="gutenberg", at=books)


def _site(text: str) -> Source:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no web address: {error}. {KNOWN}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{text!r} is no address of a web page (https://…). {KNOWN}.")
    if parts.username or parts.password:
        raise UsageError(
            "An address with a name or password in it would stand in the dataset card for all to "
            "read. Give one without: pages behind a login are not read."
        )
    name = host + (f":{port}" if port else "") + parts.path.rstrip("/")
    return Source(name=name, kind="web", at=parts._replace(fragment="").geturl())


def tell_apart(sources: Sequence[Source]) -> list[Source]:
    """The same sources, the village first, no two of them with one name.

    >>> tell_apart([Source(name="letters"), Source(name="letters")])[1].name
    'letters (2)'
    """
    times: Counter[str] = Counter()
    named: list[Source] = []
    for source in sorted(sources, key=lambda source: source.kind != VILLAGE):
        times[source.name] += 1
        again = times[source.name]
        name = source.name if again == 1 else f"{source.name} ({again})"
        named.append(replace(source, name=name))
    return named
