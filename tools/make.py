"""What `make` does, for every system: `python tools/make.py start | test | check | bench | clean`.

Standard library only. Each command first brings `.venv` up to date; what follows the command is
handed on: `python tools/make.py test -k tokens`, `python tools/make.py start --no-browser`.
`--extras audio` (a list with commas) adds an extra of pyproject.toml, and later set-ups keep it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from environment import ROOT, Environment
from machine import SetupError, apt_install, refuse_what_cannot_work, remove, say
from pin import write_constraints

USE = ("apps", "lab")
WORK = ("apps", "lab", "test")
LEFTOVERS = (
    ".venv",
    ".venv-before",
    "build",
    "dist",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".benchmarks",
)
CACHES = {"__pycache__", ".ipynb_checkpoints", "tinyllm.egg-info"}
CHECKED = ("tinyllm", "apps", "notebooks", "tests", "tools", "bench")


def replace_this_process(command: list[str]) -> int:
    """Run a command as if it had been typed: Ctrl-C and its exit code are its own."""
    if os.name != "nt":
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execv(command[0], command)
    process = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child was told too, and ends in its own time


def start(extras: set[str], rest: list[str]) -> int:
    """Set up what a learner needs, then `tinyllm start`."""
    python = Environment().prepare({*USE, *extras})
    return replace_this_process([str(python), "-m", "tinyllm.cli", "start", *rest])


def install_browser() -> None:
    """See to it that the browser tests can run; where they cannot, say what to do."""
    sys.path.insert(0, str(ROOT / "tests"))
    from browser import HOW, find_browser

    chosen = os.environ.get("TINYLLM_BROWSER")
    if find_browser() or (not chosen and apt_install("chromium") and find_browser()):
        return
    if os.environ.get("CI", "").lower() == "true":
        raise SetupError(f"with CI=true the browser tests must run, and no browser is here. {HOW}")
    say(f"no browser is here, so the browser tests will be marked as not run. {HOW}")


def test(extras: set[str], rest: list[str]) -> int:
    """Set up what developers need and a browser, then the whole suite."""
    python = Environment().prepare({*WORK, *extras})
    install_browser()
    return replace_this_process([str(python), "-m", "pytest", *rest])


def check(extras: set[str], rest: list[str]) -> int:
    """Format, lint, types, and notebooks without outputs; all of them run, then the verdict."""
    python = str(Environment().prepare({*WORK, *extras}))
    folders = [name for name in CHECKED if (ROOT / name).is_dir()]
    notebooks = [str(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    commands = {
        "format": ["ruff", "format", "--check", *folders],
        "lint": ["ruff", "check", *folders],
        "types": ["mypy"],
        "notebooks": ["nbstripout", "--verify", "--keep-id", *notebooks],
    }
    failed = []
    for name, command in commands.items():
        say(f"{name}: {' '.join(command[:2])}")
        if subprocess.run([python, "-m", *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    say(f"check failed: {', '.join(failed)}" if failed else "check passed")
    return 1 if failed else 0


def bench(extras: set[str], rest: list[str]) -> int:
    """The side-by-side measurements: `tinyllm bench`, the tokenizer's unless another is named."""
    python = Environment().prepare({*WORK, *extras})
    return replace_this_process(
        [str(python), "-m", "tinyllm.cli", "bench", *(rest or ["tokenizer"])]
    )


def setup(extras: set[str], rest: list[str]) -> int:
    """Only bring `.venv` up to date, with all that developers need."""
    Environment().prepare({*WORK, *extras})
    return 0


def pin(extras: set[str], rest: list[str]) -> int:
    """Write constraints.txt anew, then install what it says."""
    environment = Environment()
    python = environment.prepare({*WORK, *extras})
    environment.pip("uv")
    say(f"constraints.txt now pins {write_constraints(python, ROOT, rest)} packages.")
    environment.prepare({*WORK, *extras})
    return 0


def clean(extras: set[str], rest: list[str]) -> int:
    """Remove `.venv`, caches and builds from the clone; never anybody's runs or notebooks."""
    home = Path(os.environ.get("TINYLLM_HOME") or Path.home() / "tinyllm-home").resolve()
    for name in LEFTOVERS:
        if home != ROOT / name and (ROOT / name).resolve() not in home.parents:
            remove(ROOT / name)
    for folder, names, _ in os.walk(ROOT):
        here = Path(folder)
        for name in list(names):
            if name == ".git" or (here / name).resolve() == home:
                names.remove(name)
            elif name in CACHES:
                names.remove(name)
                shutil.rmtree(here / name)
    say("clean: .venv, caches and builds are gone; your runs and notebooks are where they were.")
    return 0


COMMANDS = {
    "start": start,
    "test": test,
    "check": check,
    "bench": bench,
    "setup": setup,
    "pin": pin,
    "clean": clean,
}


def read_extras(arguments: list[str]) -> tuple[set[str], list[str]]:
    """Take `--extras a,b` out of the arguments.

    >>> read_extras(["-k", "tokens", "--extras", "audio"])
    ({'audio'}, ['-k', 'tokens'])
    """
    if "--extras" not in arguments:
        return set(), arguments
    place = arguments.index("--extras")
    names = arguments[place + 1] if place + 1 < len(arguments) else ""
    extras = {name.strip() for name in names.split(",") if name.strip()}
    known = {"apps", "lab", "hub", "audio", "test", "all"}
    if not extras or extras - known:
        raise SetupError(f"--extras takes some of {', '.join(sorted(known))}; got {names!r}.")
    return extras, arguments[:place] + arguments[place + 2 :]


def main(arguments: list[str]) -> int:
    """Carry out one command; 0 done, 1 failed with a sentence, 2 wrong usage, 130 Ctrl-C."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"Usage: python tools/make.py {' | '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        if arguments[0] != "clean":
            refuse_what_cannot_work()
        return COMMANDS[arguments[0]](*read_extras(arguments[1:]))
    except SetupError as error:
        print(f"tinyllm set-up: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"tinyllm set-up: no permission for {error.filename}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tinyllm set-up: stopped; the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
