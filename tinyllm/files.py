"""Writing to disk so that a crash leaves the old file or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FORMAT = 1
"""The version of the folders we write; a folder of another version is refused by name."""


class TinyLLMError(ValueError):
    """An error whose message is one clear sentence for the person at the keyboard."""


class UsageError(TinyLLMError):
    """The request itself cannot be carried out as written (exit code 2)."""


class VersionError(TinyLLMError):
    """A folder was written by another version of tinyllm; it is not ours to replace."""


def home() -> Path:
    """The folder that holds every run and all feedback: `TINYLLM_HOME`, else `~/tinyllm-home`.

    It is made when it is not there. A home that cannot be written is a `TinyLLMError`.
    """
    chosen = os.environ.get("TINYLLM_HOME")
    path = Path(chosen).expanduser() if chosen else Path.home() / "tinyllm-home"
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise TinyLLMError(
            f"The home folder {path} cannot be written ({error.strerror or error}). "
            "Set TINYLLM_HOME to a folder of yours and run the same command again."
        ) from error
    return path


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write `data` beside `path`, flush it to the disk, then rename it over `path`.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> atomic_write(folder / "card.md", "hello")
    >>> [p.name for p in folder.iterdir()]
    ['card.md']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = data.encode("utf-8") if isinstance(data, str) else data
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise explain(error, path) from error
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; when the block ends well, it takes the place of `path`.

    An error inside the block leaves `path` as it was.

    >>> import tempfile, pathlib
    >>> home = pathlib.Path(tempfile.mkdtemp())
    >>> with atomic_folder(home / "base") as folder:
    ...     _ = (folder / "config.json").write_text("{}")
    >>> sorted(p.name for p in home.rglob("*"))
    ['base', 'config.json']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        if path.exists():
            os.replace(path, old)
        os.replace(temporary, path)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        _restore(path, old, temporary)
        raise explain(error, path) from error
    except BaseException:
        _restore(path, old, temporary)
        raise


def _restore(path: Path, old: Path, temporary: Path) -> None:
    if old.exists() and not path.exists():
        os.replace(old, path)
    shutil.rmtree(temporary, ignore_errors=True)


def explain(error: OSError, path: Path) -> TinyLLMError:
    """One sentence for what could not be written to `path`."""
    reason = error.strerror or str(error)
    return TinyLLMError(
        f"Could not write {path}: {reason}. What was there before is untouched; "
        "free some space or choose another home with TINYLLM_HOME, then run the same command again."
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or of a folder's files by name and content, in hexadecimal.

    Manifests and hidden files do not count, so a hash speaks of content alone.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            relative = file.relative_to(path).as_posix()
            if file.name != "manifest.json" and not file.name.startswith("."):
                digest.update(f"{relative}\0{sha256(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as file_handle:
        while block := file_handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, **fields: Any) -> None:
    """Write `manifest.json`: what this artefact is and everything it was made from."""
    values = {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **fields,
    }
    atomic_write(folder / "manifest.json", json.dumps(values, indent=2, sort_keys=True) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read `manifest.json`; a missing, broken or foreign one is a `TinyLLMError` saying which."""
    path = folder / "manifest.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"expected an object, got {type(values).__name__}")
    except FileNotFoundError:
        raise TinyLLMError(
            f"{folder} has no manifest.json: the stage that writes it has not finished. "
            "Run that stage again; `tinyllm status` names it."
        ) from None
    except (OSError, ValueError) as error:
        raise TinyLLMError(f"{path} cannot be read ({error}); run its stage again.") from error
    if values.get("format") != FORMAT:
        raise VersionError(
            f"{folder} was written by another version of tinyllm (format "
            f"{values.get('format')!r}, this one reads {FORMAT}). Open it with the version that "
            "wrote it, train another run with --run NAME, or begin this one again with --restart."
        )
    return values
