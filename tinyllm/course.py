"""Where the course lies (lessons, notebooks, apps), in a clone or in an installed wheel."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tinyllm.files import TinyLLMError, atomic_write

EDITIONS = ".editions.json"


def course_folder(name: str) -> Path:
    """The folder `lessons`, `notebooks` or `apps`: beside the package in a clone, inside it when
    installed from a wheel.

    >>> course_folder("notebooks").name
    'notebooks'
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / name, package / "course" / name):
        if folder.is_dir():
            return folder
    raise TinyLLMError(
        f"The folder {name} of the course is missing beside {package}. Install tinyllm again from "
        "a whole clone or a whole wheel."
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copy_notebooks(target: Path) -> list[Path]:
    """Bring working copies of the notebooks into `target`; what a learner edited is never touched.

    A notebook that was not edited follows the newest edition. Where it was, the newer edition
    lands beside it as `NAME-new-edition.ipynb`. Returns the files written.
    """
    target.mkdir(parents=True, exist_ok=True)
    register = target / EDITIONS
    try:
        known: dict[str, str] = json.loads(register.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    written = []
    shipped = course_folder("notebooks")
    for source in sorted([*shipped.glob("*.ipynb"), *shipped.glob("*.py")]):
        edition = source.read_bytes()
        copy = target / source.name
        if known.get(source.name) == _hash(edition) and copy.exists():
            continue
        edited = copy.exists() and _hash(copy.read_bytes()) != known.get(source.name)
        if edited and copy.read_bytes() != edition:
            copy = target / f"{source.stem}-new-edition{source.suffix}"
        atomic_write(copy, edition)
        known[source.name] = _hash(edition)
        written.append(copy)
    atomic_write(register, json.dumps(known, indent=2, sort_keys=True))
    return written
