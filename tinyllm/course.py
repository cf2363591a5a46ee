"""Where the course lies (lessons, notebooks, apps), in a clone or in an installed wheel."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
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


def _content(name: str, data: bytes) -> str:
    """A hash of what a person would miss: of a notebook, its cells and what they showed.

    JupyterLab rewrites the rest, such as the name of the kernel, when a notebook is opened.
    """
    if name.endswith(".ipynb"):
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            cells = [
                [cell["cell_type"], "".join(cell["source"]), cell.get("outputs") or []]
                for cell in json.loads(data)["cells"]
            ]
            data = json.dumps(cells).encode()
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
        name, edition = source.name, source.read_bytes()
        newest = _content(name, edition)
        copy = target / name
        if known.get(name) == newest and copy.exists():
            continue
        mine = _content(name, copy.read_bytes()) if copy.exists() else None
        if mine not in (None, newest, known.get(name)):
            copy = target / f"{source.stem}-new-edition{source.suffix}"
        atomic_write(copy, edition)
        known[name] = newest
        written.append(copy)
    atomic_write(register, json.dumps(known, indent=2, sort_keys=True))
    return written
