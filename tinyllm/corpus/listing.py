"""Which files lie below a folder, and which of them are not to be opened at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

Refuse = Callable[[Path, str], None]
"""Told a path that is passed over, and the reason."""


def list_files(path: Path, refuse: Refuse = lambda path, reason: None) -> Iterator[Path]:
    """The files below a folder in the order of their names, hidden ones left out; a file itself.

    Links are where a folder can lead anywhere, round in circles too: a link to a folder is not
    followed, and a link to a file is only where that file lies below `path` as well. `refuse` is
    told what is passed over, and which folders cannot be opened.

    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> for name in ("b.txt", "a.txt", ".secret"):
    ...     _ = (home / name).write_text("hello")
    >>> [file.name for file in list_files(home)]
    ['a.txt', 'b.txt']
    """
    if not os.path.isdir(path):
        yield path
        return
    root = os.path.realpath(path)
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError:
            refuse(folder, "a folder that cannot be opened")
            continue
        folders = []
        for place in (folder / name for name in names):
            reason = _refuse_link(place, root)
            if reason is not None:
                refuse(place, reason)
            elif os.path.isdir(place):
                folders.append(place)
            else:
                yield place
        waiting += reversed(folders)


def is_file(path: Path) -> bool:
    """Whether this is a regular file: a pipe or a device can keep a reader waiting for ever."""
    return stat.S_ISREG(path.stat().st_mode)


def printable(path: Path, below: Path) -> str:
    """A path below a folder, with / between its parts, as text that can be written in UTF-8.

    >>> printable(Path("books", "a.txt"), Path("books"))
    'a.txt'
    """
    return os.fsencode(path.relative_to(below).as_posix()).decode("utf-8", "replace")


def _refuse_link(place: Path, root: str) -> str | None:
    """Why a link is not followed; None for what is none, and for a link to a file below `root`."""
    if not os.path.islink(place) and not os.path.isdir(place):
        return None
    here = os.path.join(os.path.realpath(place.parent), place.name)
    try:
        target = os.path.realpath(place, strict=True)
    except OSError:
        return "a link that leads nowhere"
    if os.path.normcase(target) == os.path.normcase(here):
        return None
    if os.path.isdir(target):
        return "a link to a folder, which is not followed"
    if not Path(target).is_relative_to(root):
        return "a link that leads out of the folder"
    return None
