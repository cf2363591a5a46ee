"""Write constraints.txt anew: exact versions of everything that the extras of pyproject.toml bring.

What is pinned stays where it fits; `--upgrade` moves all to the newest version, and
`--upgrade-package NAME` one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from machine import OLDEST, SetupError, clean_environment

HEADING = """\
# What tinyllm is tested with, exactly: everything that any of its extras brings, on Linux, macOS
# and Windows. pyproject.toml says what it works with; this says what `make` installs.
# Not here: what PyTorch's build for NVIDIA cards brings along, which it pins itself.
# Written by `python tools/make.py pin`.
"""
PINNED_BY_TORCH = ("nvidia-", "cuda-", "triton")


def tidy(lines: Iterable[str]) -> list[str]:
    """Constraints from uv's resolution for all systems.

    A constraint binds only where its package is installed, so a marker is kept only where it tells
    two versions of one package apart.

    >>> tidy(["colorama==0.4.6 ; sys_platform == 'win32'", "triton==3.7.1", "rich==15.0.0"])
    ['colorama==0.4.6', 'rich==15.0.0']
    >>> tidy(["a==1 ; python_full_version < '3.12'", "a==2 ; python_full_version >= '3.12'"])
    ["a==1 ; python_full_version < '3.12'", "a==2 ; python_full_version >= '3.12'"]
    """
    rows = [line.strip() for line in lines if "==" in line and not line.startswith("#")]
    rows = [row for row in rows if not row.startswith(PINNED_BY_TORCH)]
    names = [row.split("==")[0] for row in rows]
    kept = []
    for row in rows:
        pin, _, marker = row.partition(" ; ")
        if "== 'emscripten'" not in marker:
            kept.append(row if names.count(pin.split("==")[0]) > 1 else pin)
    return kept


def write_constraints(python: Path, root: Path, options: list[str]) -> int:
    """Resolve for every system and every Python from the oldest on; the lines of the new file."""
    file = root / "constraints.txt"
    fresh = root / "build" / "constraints.txt"
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_bytes(file.read_bytes())  # uv keeps what stands there
    oldest = f"{OLDEST[0]}.{OLDEST[1]}"
    command = [str(python), "-m", "uv", "pip", "compile", "pyproject.toml", "-", "--all-extras"]
    command += ["--universal", "--python-version", oldest, "--no-annotate", "--no-header"]
    command += ["--quiet", "--output-file", str(fresh), *options]
    done = subprocess.run(
        command, cwd=root, input="uv\n", text=True, env=clean_environment(), check=False
    )
    if done.returncode:
        raise SetupError("no set of versions fits; the lines above say why.")
    lines = tidy(fresh.read_text(encoding="utf-8").splitlines())
    file.write_text(HEADING + "\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)
