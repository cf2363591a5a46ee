"""The checks of `tinyllm doctor` that look at the machine and compute nothing.

What a check needs is imported inside it: a library that does not load is just what the doctor is
asked about, and must not keep him from looking at the rest.
"""

from __future__ import annotations

import math
import os
import platform
import shutil
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from tinyllm.files import atomic_write
from tinyllm.files import home as home_folder

RUN_MEMORY = 1.7e9
"""The bytes of memory that a five-minute training held at most (`bench/RESULTS.md`)."""
ENOUGH_MEMORY = 2.0e9
RUN_DISK = 0.1e9
"""More bytes than a five-minute run leaves. One of 20 seconds left 16 MB of models and 2 of text;
five minutes have 17 times the text, so about 50 in all."""
ENOUGH_DISK = 1.0e9
BUSY = 50
"""From so many percent of the processor in use by others on, figures are worth a warning."""
NETWORK = {"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "afpfs", "webdav", "9p", "ncpfs"}
"""File systems that lie on another machine, or are reached as if they did."""

LIBRARIES = ("torch", "tokenizers", "numpy", "transformers", "gradio", "jupyterlab")
"""Whose version is told; what the others have is told when it does not fit."""

UPDATE = "install the versions that belong together, with `make setup`"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at: `state` is good, a note (it works, but) or wrong.

    `advice` says what to do, as a clause without a full stop; empty where all is good.

    >>> Check(name="cores", value="2").state
    'good'
    """

    name: str
    value: str
    state: Literal["good", "note", "wrong"] = "good"
    advice: str = ""


def system() -> Iterator[Check]:
    """The operating system, the kind of processor, and Python.

    >>> [check.name for check in system()]
    ['system']
    """
    mac = platform.mac_ver()[0]
    kind = f"macOS {mac}" if mac else f"{platform.system()} {platform.release()}"
    python = f"Python {platform.python_version()}"
    yield Check(name="system", value=f"{kind}, {platform.machine()}, {python}")


def packages() -> Iterator[Check]:
    """Whether everything is installed that tinyllm requires, in versions that fit.

    >>> [check.name for check in packages()]
    ['packages']
    """
    from tinyllm import __version__

    there = {name: version for name in LIBRARIES if (version := _version(name))}
    listed = ", ".join(f"{name} {version}" for name, version in there.items())
    value = f"tinyllm {__version__}, {listed}"
    if unmet := _unmet(""):
        yield Check(name="packages", value="; ".join(unmet), state="wrong", advice=UPDATE)
    elif unmet := _unmet("apps", "lab"):
        advice = "`make setup` installs what the lessons and the apps need"
        yield Check(name="packages", value="; ".join(unmet), state="note", advice=advice)
    else:
        yield Check(name="packages", value=value)


def _unmet(*extras: str) -> list[str]:
    """What tinyllm requires, alone (the extra "") or for `extras`, and does not find."""
    from packaging.requirements import Requirement

    unmet = []
    for requirement in map(Requirement, metadata.requires("tinyllm") or ()):
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        version = _version(requirement.name)
        if version is None:
            unmet.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(version, prereleases=True):
            unmet.append(f"{requirement.name} is {version}, needed is {requirement.specifier}")
    return unmet


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def cores() -> Iterator[Check]:
    """The cores, how many of them this process may use, and whether others use them now.

    >>> [check.name for check in cores()]
    ['cores']
    """
    import psutil

    busy = psutil.cpu_percent(interval=0.3)
    physical, logical = psutil.cpu_count(logical=False), os.cpu_count()
    usable = logical
    if hasattr(psutil.Process, "cpu_affinity"):  # macOS has none
        usable = len(psutil.Process().cpu_affinity())
    value = f"{physical or logical} cores, {usable} of {logical} threads for this process"
    if busy < BUSY:
        yield Check(name="cores", value=value)
    else:
        value += f", {busy:.0f}% in use by other programs"
        yield Check(
            name="cores",
            value=value,
            state="note",
            advice="the minutes below are those of a machine that has other work",
        )


def memory() -> Iterator[Check]:
    """The memory, as far as a container allows it, beside what a training needs.

    >>> [check.name for check in memory()]
    ['memory']
    """
    import psutil

    there, limit = psutil.virtual_memory(), _memory_limit()
    total, free = min(there.total, limit), min(there.available, limit)
    value = f"{_size(total)}, of which {_size(free)} free"
    needs = f"a five-minute training takes up to {_size(RUN_MEMORY)}"
    if total < RUN_MEMORY:
        advice = f"{needs}; use a machine or a container with more"
        yield Check(name="memory", value=value, state="wrong", advice=advice)
    elif free < ENOUGH_MEMORY:
        advice = f"{needs}; close other programs first"
        yield Check(name="memory", value=value, state="note", advice=advice)
    else:
        yield Check(name="memory", value=value)


def _memory_limit(path: Path = Path("/sys/fs/cgroup/memory.max")) -> float:
    """The bytes that a container allows; infinite where there is none, or no limit."""
    try:
        return float(path.read_text(encoding="ascii").replace("max", "inf"))
    except (OSError, ValueError):
        return math.inf


def home() -> Iterator[Check]:
    """Whether the home can be written, where it lies, and how much room is left there."""
    folder = home_folder()
    trial = folder / ".doctor"
    atomic_write(trial, "written by `tinyllm doctor`, to be removed at once\n")
    trial.unlink()
    if drive := _network_drive(folder):
        yield Check(
            name="home",
            value=f"{folder}, on a network drive ({drive})",
            state="note",
            advice="feedback is a database that wants a local disk: set TINYLLM_HOME to one",
        )
    else:
        yield Check(name="home", value=f"{folder}, can be written")
    free = shutil.disk_usage(folder).free
    value = f"{_size(free)} free; a five-minute run takes less than {_size(RUN_DISK)}"
    if free >= ENOUGH_DISK:
        yield Check(name="disk", value=value)
    else:
        advice = "free some space, or set TINYLLM_HOME to a folder on another disk"
        state: Literal["note", "wrong"] = "wrong" if free < RUN_DISK else "note"
        yield Check(name="disk", value=value, state=state, advice=advice)


def _network_drive(folder: Path) -> str:
    """The file system of `folder` if it lies on another machine, else nothing."""
    import psutil

    folder = folder.resolve()
    parts = [p for p in psutil.disk_partitions(all=True) if folder.is_relative_to(p.mountpoint)]
    part = max(parts, key=lambda part: len(part.mountpoint), default=None)
    if part is None or not (part.fstype.lower() in NETWORK or "remote" in part.opts.split(",")):
        return ""
    return str(part.fstype)


def compiler() -> Iterator[Check]:
    """Whether there is a C compiler: `torch.compile` would want one, and nothing here uses it.

    >>> [check.state for check in compiler()]
    ['good']
    """
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang", "cl"))), "none")
    yield Check(name="compiler", value=f"{found} (none is needed)")


def browser() -> Iterator[Check]:
    """Whether Python can open a browser.

    >>> [check.name for check in browser()]
    ['browser']
    """
    from tinyllm.serving import can_show

    try:
        found = getattr(webbrowser.get(), "name", "the usual one")
    except webbrowser.Error:
        found = ""
    if found and can_show():
        yield Check(name="browser", value=found)
    else:
        yield Check(
            name="browser",
            value="no screen here" if found else "none that Python could open",
            state="note",
            advice="open the addresses that `tinyllm start` prints yourself",
        )


def pages() -> Iterator[Check]:
    """Whether the ports of the lessons and the apps are free."""
    from tinyllm.serving import APPS_PORT, LAB_PORT, is_free, running

    if already := running():
        yield Check(name="pages", value=f"{' and '.join(already)} run now")
    elif busy := [str(port) for port in (LAB_PORT, APPS_PORT) if not is_free(port)]:
        yield Check(
            name="pages",
            value=f"{' and '.join(busy)} in use by another program",
            state="note",
            advice="`tinyllm start` takes the next free port",
        )
    else:
        yield Check(name="pages", value=f"ports {LAB_PORT} and {APPS_PORT} are free")


def training() -> Iterator[Check]:
    """Whether a run trains now, which would take its part of the cores."""
    from tinyllm.runs import all_runs, comparisons
    from tinyllm.turns import is_training

    if names := [run.name for run in (*all_runs(), *comparisons()) if is_training(run)]:
        yield Check(
            name="training",
            value=f"{', '.join(names)} trains now",
            state="note",
            advice="the minutes below are those of a machine that trains already",
        )
    else:
        yield Check(name="training", value="none runs now")


def _size(size: float) -> str:
    """Bytes as people say them.

    >>> _size(24.1e9), _size(1.7e8)
    ('24.1 GB', '170 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
