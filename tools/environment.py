"""Make `.venv` what constraints.txt and pyproject.toml say, and repair it where it is not.

Standard library only: this runs before anything is installed. A stamp inside `.venv` says what was
installed from which texts. It is complete only after an installation, so an interrupted one is seen
and finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from machine import (
    SetupError,
    apt_install,
    clean_environment,
    has_nvidia_driver,
    refuse_what_cannot_work,
    remove,
    say,
)

ROOT = Path(__file__).resolve().parent.parent
TORCH_LOOKUP_SECONDS = 40
TORCH_INSTALL_SECONDS = 3600


class Environment:
    """The virtual environment of a clone: what state it is in, and how it becomes right."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.stamp = self.folder / "tinyllm-stamp.json"

    @property
    def python(self) -> Path:
        """Where the environment's Python lies, there or not."""
        windows = os.name == "nt"
        return self.folder / ("Scripts/python.exe" if windows else "bin/python")

    def fingerprint(self) -> str:
        """A hash of everything that decides what must be installed."""
        import tomllib  # Python 3.11: an older one is refused with a sentence before this line

        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        parts = [project.get("project"), project.get("build-system")]
        parts.append(project.get("tool", {}).get("hatch"))
        parts.append((self.root / "constraints.txt").read_text(encoding="utf-8"))
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def inspect(self) -> dict[str, object] | None:
        """What is installed and what is damaged; None if the environment's Python does not run."""
        script = ROOT / "tools" / "inspect_venv.py"
        try:
            done = subprocess.run(
                [self.python, "-I", script], capture_output=True, text=True, check=True, timeout=120
            )
            report: dict[str, object] = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
        return report

    def read_stamp(self) -> dict[str, object]:
        """What the last finished installation left; empty if there is none."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def write_stamp(self, extras: set[str], **finished: object) -> None:
        """Note what is being installed and, once it is done, from what and what came of it."""
        stamp = {"root": str(self.root), "extras": sorted(extras), **finished}
        temporary = self.stamp.with_suffix(".new")
        temporary.write_text(json.dumps(stamp, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(self.stamp)

    def complaint(self, extras: set[str]) -> str | None:
        """Why something must be installed before `extras` can be used; None when all is there."""
        report, stamp = self.inspect(), self.read_stamp()
        if report is None:
            return (
                "its Python does not run" if os.path.lexists(self.folder) else "there is none yet"
            )
        if "fingerprint" not in stamp:
            return "no finished installation is noted in it"
        if stamp.get("fingerprint") != self.fingerprint():
            return "constraints.txt or pyproject.toml changed"
        if stamp.get("root") != str(self.root):
            return "the clone was moved"
        if not extras <= set(_strings(stamp.get("extras"))):
            missing = sorted(extras - set(_strings(stamp.get("extras"))))
            return f"{', '.join(missing)} not installed yet"
        damaged = wrong_packages(report, stamp)
        if damaged:
            return f"damaged, missing or of another version: {', '.join(damaged)}"
        return None

    def prepare(self, extras: Iterable[str]) -> Path:
        """The environment's Python, after installing or repairing what is needed for `extras`."""
        refuse_what_cannot_work()
        wanted = set(extras)
        complaint = self.complaint(wanted)
        if complaint is None:
            return self.python
        stamp = self.read_stamp()
        wanted |= set(_strings(stamp.get("extras")))
        say(f".venv is being set up ({complaint}). This can take some minutes.")
        moved = stamp.get("root", str(self.root)) != str(self.root)
        if self.inspect() is not None and not moved:
            try:
                self.install(wanted)
                return self.python
            except (SetupError, subprocess.CalledProcessError, OSError) as error:
                say(f"that did not work ({_short(error)}); .venv is built anew.")
        self.rebuild(wanted)
        return self.python

    def rebuild(self, extras: set[str]) -> None:
        """Build the environment from nothing; if that fails, put back the one that was there."""
        aside = self.root / ".venv-before"
        try:
            remove(aside)
            if self.inspect() is None:
                remove(self.folder)
            else:
                self.folder.rename(aside)
        except OSError as error:
            raise SetupError(
                f"{self.folder} cannot be replaced ({_short(error)}). Close every program that "
                "uses it, then run the same command again."
            ) from None
        try:
            self.create()
            self.install(extras)
        except BaseException as error:
            if aside.exists():
                remove(self.folder)
                aside.rename(self.folder)
            if isinstance(error, subprocess.CalledProcessError | OSError):
                raise SetupError(
                    f"the installation failed ({_short(error)}); the lines above say why. With a "
                    "network and free disk space, run the same command again."
                ) from None
            raise
        remove(aside)

    def create(self) -> None:
        """An empty virtual environment; as root on Debian, its `python3-venv` is installed."""
        base = getattr(sys, "_base_executable", sys.executable)
        command = [base, "-m", "venv", "--clear", str(self.folder)]
        if subprocess.run(command, check=False).returncode == 0:
            return
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if apt_install(package) and subprocess.run(command, check=False).returncode == 0:
            return
        raise SetupError(
            "Python could not make a virtual environment; its lines above say why. On Debian and "
            f"Ubuntu: `sudo apt-get install {package}`, then run the same command again."
        )

    def install(self, extras: set[str]) -> None:
        """Install the package, editable, with its extras at the versions of constraints.txt."""
        self.write_stamp(extras)
        report = self.inspect()
        if report is None:
            raise SetupError("the new Python does not run")
        packages = report["packages"]
        assert isinstance(packages, dict)
        damaged = set(_strings(report["damaged"]))
        by_hand = {"tinyllm", "torch"}
        if damaged - by_hand:
            self.pip("--ignore-installed", "--no-deps", *sorted(damaged - by_hand))
        self.pip("hatchling")
        if torch_version(packages.get("torch")) != self.pinned("torch") or "torch" in damaged:
            self.install_torch(again="torch" in damaged)
        chosen = f"[{','.join(sorted(extras))}]" if extras else ""
        self.pip("--no-build-isolation", "--editable", f"{self.root}{chosen}")
        report = self.inspect()
        if report is None or _strings(report["damaged"]):
            raise SetupError("something is still damaged")
        self.write_stamp(extras, fingerprint=self.fingerprint(), **report)
        say("done.")

    def pip(self, *arguments: str, quiet: bool = True) -> None:
        """Run pip's `install` under constraints.txt."""
        options = ["--disable-pip-version-check", "--no-input", *(["--quiet"] if quiet else [])]
        constraints = ["--constraint", str(self.root / "constraints.txt")]
        command = [str(self.python), "-m", "pip", "install", *options, *constraints, *arguments]
        subprocess.run(command, check=True, cwd=self.root, env=clean_environment())

    def pinned(self, name: str) -> str:
        """The version that constraints.txt gives a package."""
        text = (self.root / "constraints.txt").read_text(encoding="utf-8")
        found = re.search(rf"(?m)^{re.escape(name)}==(\S+)", text)
        if not found:
            raise SetupError(f"constraints.txt does not say which version of {name} to take")
        return found[1]

    def install_torch(self, *, again: bool) -> None:
        """PyTorch; on Linux without an NVIDIA driver its CPU build, a tenth of the size."""
        torch = f"torch=={self.pinned('torch')}"
        if platform.system() == "Linux" and not has_nvidia_driver():
            if self.install_cpu_torch(torch, again=again):
                return
            say(
                "the index of PyTorch's CPU builds cannot be used from here, so pip takes the "
                "build it knows. The usual one for Linux brings CUDA along: several GB."
            )
        self.pip(*(["--ignore-installed", "--no-deps"] if again else []), torch, quiet=False)

    def install_cpu_torch(self, torch: str, *, again: bool) -> bool:
        """Install the CPU build by uv, which knows its index; False where that is out of reach."""
        self.pip("uv")
        constraints = ["--constraint", str(self.root / "constraints.txt")]
        command = [str(self.python), "-m", "uv", "pip", "install", "--python", str(self.python)]
        command += [torch, "--torch-backend=cpu", *constraints, *(["--reinstall"] * again)]
        look_only = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "15"}
        # A look without a download first: it may fail within seconds, and the download may not.
        attempts: tuple[tuple[list[str], int, dict[str, str]], ...] = (
            ([*command, "--dry-run", "--quiet"], TORCH_LOOKUP_SECONDS, look_only),
            (command, TORCH_INSTALL_SECONDS, {}),
        )
        try:
            for line, seconds, variables in attempts:
                env = {**clean_environment(), **variables}
                quiet = subprocess.DEVNULL if "--dry-run" in line else None
                subprocess.run(
                    line, check=True, cwd=self.root, env=env, timeout=seconds, stderr=quiet
                )
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def _strings(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _short(error: BaseException) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    return str(error)


def torch_version(version: object) -> str:
    """A version without what stands behind the plus sign.

    >>> torch_version("2.13.0+cpu")
    '2.13.0'
    """
    return str(version).split("+")[0]


def wrong_packages(report: dict[str, object], stamp: dict[str, object]) -> list[str]:
    """The names of what the stamp lists and the report lacks, has otherwise, or calls damaged.

    >>> wrong_packages({"packages": {"a": "2"}, "damaged": []}, {"packages": {"a": "1", "b": "1"}})
    ['a', 'b']
    """
    now, noted = report["packages"], stamp.get("packages")
    if not isinstance(now, dict) or not isinstance(noted, dict):
        return ["everything"]
    wrong = {name for name, version in noted.items() if now.get(name) != version}
    return sorted(wrong | set(_strings(report["damaged"])))
