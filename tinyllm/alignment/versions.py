"""Versions of the aligned model: `v001`, `v002`, ... side by side, one of them in use.

`aligned/current` is a text file that names the version in use. A version is never changed after it
was written, so going back is a matter of naming another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyllm.files import TinyLLMError, atomic_write, read_manifest


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version; `promoted` says whether it came through the gate when it was made."""

    name: str
    folder: Path
    promoted: bool
    manifest: dict[str, Any]


def list_versions(aligned: Path) -> list[Version]:
    """All versions in the folder `aligned`, oldest first; unfinished ones do not appear.

    >>> list_versions(Path("nowhere"))
    []
    """
    folders = aligned.iterdir() if aligned.is_dir() else []
    versions = []
    for folder in folders:
        if re.fullmatch(r"v\d{3,}", folder.name) and (folder / "manifest.json").is_file():
            manifest = read_manifest(folder)
            promoted = bool(manifest.get("promoted", False))
            versions.append(
                Version(name=folder.name, folder=folder, promoted=promoted, manifest=manifest)
            )
    return sorted(versions, key=lambda version: int(version.name[1:]))


def next_name(aligned: Path) -> str:
    """The name for a new version. Names are not used twice while their folder is there.

    >>> next_name(Path("nowhere"))
    'v001'
    """
    taken = [int(p.name[1:]) for p in aligned.glob("v*") if re.fullmatch(r"v\d{3,}", p.name)]
    return f"v{max(taken, default=0) + 1:03d}"


def current(aligned: Path) -> Path | None:
    """The folder of the version in use; None while there is none, and the chat model answers."""
    try:
        name = (aligned / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    if name not in {version.name for version in list_versions(aligned)}:
        raise TinyLLMError(
            f"{aligned / 'current'} names {name!r}, and there is no such version. Promote one of "
            f"{_names(aligned)}, or remove that file to use the chat model."
        )
    return aligned / name


def promote(aligned: Path, name: str) -> Path:
    """Put the version `name` into use and return its folder."""
    if name not in {version.name for version in list_versions(aligned)}:
        raise TinyLLMError(f"There is no version {name}; there are {_names(aligned)}.")
    atomic_write(aligned / "current", name + "\n")
    return aligned / name


def roll_back(aligned: Path) -> Path | None:
    """Return to the version that came through the gate before the one in use.

    Where there is none, the chat model itself answers again, and the result is None.
    """
    used = current(aligned)
    earlier = [
        version
        for version in list_versions(aligned)
        if used and version.promoted and int(version.name[1:]) < int(used.name[1:])
    ]
    if earlier:
        return promote(aligned, earlier[-1].name)
    (aligned / "current").unlink(missing_ok=True)
    return None


def _names(aligned: Path) -> str:
    return ", ".join(version.name for version in list_versions(aligned)) or "none yet"
