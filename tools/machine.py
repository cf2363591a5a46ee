"""This machine: whether PyTorch has a build for it, and small things done to it.

Standard library only, and no newer syntax than Python 3.8 reads: an old Python must get as far as
the sentence that refuses it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def refusal(
    *, system: str, machine: str, python: tuple[int, int], bits: int = 64, musl: bool = False
) -> str | None:
    """Why PyTorch has no build for this machine or Python, and what to do; None where it has one.

    >>> refusal(system="Linux", machine="x86_64", python=(3, 13)) is None
    True
    """
    if not OLDEST <= python <= NEWEST:
        return (
            f"tinyllm needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and this is "
            f"{python[0]}.{python[1]}. Install one of those and run the same command again."
        )
    if system == "Darwin" and machine == "x86_64":
        return (
            "PyTorch 2.13 has no build for Macs with an Intel processor. If this Mac has an Apple "
            "processor, its Python was built for Intel: install the Python for Apple silicon."
        )
    if system == "Windows" and machine.upper().startswith("ARM"):
        return (
            "PyTorch 2.13 has no build for Windows on ARM. Use Linux inside WSL on this machine, "
            "or another machine."
        )
    if bits != 64:
        return "PyTorch has no build for a 32-bit Python. Install the 64-bit one."
    if musl:
        return (
            "PyTorch has no build for a Linux with musl, such as Alpine. Use Debian, Ubuntu, "
            "Fedora or another Linux with glibc."
        )
    return None


def refuse_what_cannot_work() -> None:
    """Raise SetupError where PyTorch has no build for this machine or this Python."""
    reason = refusal(
        system=platform.system(),
        machine=platform.machine(),
        python=sys.version_info[:2],
        bits=64 if sys.maxsize > 2**32 else 32,
        musl="musl" in str(sysconfig.get_config_var("SOABI") or ""),
    )
    if reason:
        raise SetupError(reason)


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is there, by its tool or by its entry in /proc; WSL included."""
    places = ("/proc/driver/nvidia/version", "/usr/lib/wsl/lib/nvidia-smi")
    return bool(shutil.which("nvidia-smi")) or any(Path(place).exists() for place in places)


def say(text: str) -> None:
    """Tell the person at the terminal what happens, at once."""
    print(f"tinyllm set-up: {text}", flush=True)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead pip or Python to another place."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def apt_install(package: str) -> bool:
    """Install a Debian package where this is root on such a system; whether that worked."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    say(f"installing {package} with apt-get.")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    return subprocess.run(command, env=env, check=False).returncode == 0


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all it holds, there or not."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
