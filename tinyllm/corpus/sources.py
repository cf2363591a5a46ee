"""Where text may come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinyllm.files import UsageError

VILLAGE = "village"
KNOWN = "This edition reads `village` (the default), and the path of a file or folder of yours"
PLANNED = {"this_computer": "this computer's own documentation", "gutenberg": "Project Gutenberg"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """The village, or with `path` a file or folder of the learner's own."""

    name: str
    path: Path | None = None


def parse_source(text: str) -> Source:
    """What `--from TEXT` means. A source that does not exist is a `UsageError`.

    A folder that is called like a source can be named with a path: `./village`.

    >>> parse_source("village")
    Source(name='village', path=None)
    >>> parse_source("hf:roneneldan/TinyStories")
    Traceback (most recent call last):
    tinyllm.files.UsageError: Text from Hugging Face cannot be read yet. This edition reads \
`village` (the default), and the path of a file or folder of yours (.txt, .md, .html).
    """
    formats = f"{KNOWN} (.txt, .md, .html)."
    if text == VILLAGE:
        return Source(name=VILLAGE)
    if text in PLANNED:
        raise UsageError(f"Text from {PLANNED[text]} cannot be read yet. {formats}")
    if text.startswith("hf:"):
        raise UsageError(f"Text from Hugging Face cannot be read yet. {formats}")
    if "://" in text:
        raise UsageError(
            f"Web pages cannot be fetched yet ({text}). {formats} A page saved as HTML works."
        )
    path = Path(text).expanduser()
    if not text or not path.exists():
        raise UsageError(f"There is no file or folder {text!r}. {formats}")
    return Source(name=path.resolve().name or path.as_posix(), path=path)


def tell_apart(sources: Sequence[Source]) -> list[Source]:
    """The same sources, the village first, no two of them with one name.

    >>> tell_apart([Source(name="letters"), Source(name="letters")])[1].name
    'letters (2)'
    """
    times: Counter[str] = Counter()
    named: list[Source] = []
    for source in sorted(sources, key=lambda source: source.path is not None):
        times[source.name] += 1
        again = times[source.name]
        name = source.name if again == 1 else f"{source.name} ({again})"
        named.append(replace(source, name=name))
    return named
