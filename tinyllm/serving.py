"""`tinyllm start`: JupyterLab on the lessons and the apps side by side, both on loopback.

Each is a process of its own, so that a busy notebook never freezes an app. When the run `default`
holds no model yet, a third process trains it while everything else is already usable.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from tinyllm.course import copy_notebooks, course_folder
from tinyllm.files import TinyLLMError, UsageError, atomic_write
from tinyllm.line import Settings
from tinyllm.runs import DEFAULT, Run, home
from tinyllm.turns import is_training

LAB_PORT = 8888
APPS_PORT = 7860
PATIENCE = 90.0
"""Seconds a page may take to answer before we say that it does not."""

LEAVE = 15.0
"""Seconds that a process has to end in order before it is killed."""

console = Console(stderr=True)


@dataclass(frozen=True)
class Service:
    """A server of ours: its name, its address, what is asked whether it answers, its process, and
    the file it writes to instead of the terminal."""

    name: str
    url: str
    probe: str
    process: subprocess.Popen[bytes]
    log: Path | None = None

    @property
    def says(self) -> str:
        """Where to read what went wrong."""
        return "the lines above say why" if self.log is None else f"{self.log} says why"


def is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(explicit: int | None, default: int, option: str) -> int:
    """The port asked for, which must be free, or the first free one from `default` on.

    >>> choose_port(None, 18765, "--apps-port") >= 18765
    True
    """
    if explicit is not None:
        if not 1 <= explicit <= 65535:
            raise UsageError(f"{option} must be from 1 to 65535, got {explicit}.")
        if not is_free(explicit):
            raise TinyLLMError(
                f"Port {explicit} is in use. Give another one with {option}, or leave it out "
                "and the next free one is taken."
            )
        return explicit
    for port in range(default, default + 100):
        if is_free(port):
            return port
    raise TinyLLMError(f"No free port from {default} to {default + 99}. Give one with {option}.")


def _environment() -> dict[str, str]:
    """What the servers inherit; the home is absolute, because each runs where its files lie."""
    offline = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    return {**os.environ, **offline, "TINYLLM_HOME": str(home().resolve())}


def _spawn(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that Ctrl-C does not reach by itself: we end it, in order."""
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)


def _start_apps(port: int) -> Service:
    environment = _environment()
    known = [str(course_folder("apps").parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, known))
    command = [sys.executable, "-m", "apps.studio", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/"
    return Service("apps", url, url, _spawn(command, env=environment))


def _start_lab(port: int) -> Service:
    notebooks = home().resolve() / "notebooks"
    copy_notebooks(notebooks)
    token = secrets.token_urlsafe(24)
    settings = home().resolve() / ".lab-settings"
    atomic_write(
        settings / "overrides.json",
        json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}),
    )
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": notebooks,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "Application.log_level": "WARN",
        "IdentityProvider.token": token,
        "LabApp.app_settings_dir": settings,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--{name}={value}" for name, value in options.items()]
    base = f"http://127.0.0.1:{port}/lab"
    log = home().resolve() / "lab.log"
    with log.open("wb") as file:
        process = _spawn(command, env=_environment(), cwd=notebooks, stdout=file, stderr=file)
    first = f"{base}/tree/00_welcome.ipynb?token={token}"
    return Service("lab", first, f"{base}?token={token}", process, log)


def answers(url: str) -> bool:
    """Whether the page at `url` answers within two seconds."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as reply:
            return bool(reply.status < 500)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _register() -> Path:
    return home() / "serving.json"


def _registered() -> dict[str, dict[str, Any]]:
    try:
        entries: dict[str, dict[str, Any]] = json.loads(_register().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def running() -> dict[str, str]:
    """The addresses of the services that run for this home already, by name; empty if none do."""
    return {
        name: entry["url"]
        for name, entry in _registered().items()
        if psutil.pid_exists(entry["pid"]) and answers(entry["url"])
    }


def _sign_in(services: list[Service]) -> None:
    """Let others know of our services."""
    entries = _registered()
    entries |= {s.name: {"pid": s.process.pid, "url": s.url} for s in services}
    atomic_write(_register(), json.dumps(entries))


def _sign_out(services: list[Service]) -> None:
    ours = {service.process.pid for service in services}
    left = {name: entry for name, entry in _registered().items() if entry["pid"] not in ours}
    if left:
        atomic_write(_register(), json.dumps(left))
    else:
        _register().unlink(missing_ok=True)


def _wait(services: list[Service]) -> None:
    deadline = time.monotonic() + PATIENCE
    waiting = list(services)
    while waiting:
        for service in list(waiting):
            if service.process.poll() is not None:
                raise TinyLLMError(
                    f"The {service.name} server ended before it answered (exit code "
                    f"{service.process.returncode}); {service.says}."
                )
            if answers(service.probe):
                waiting.remove(service)
        if time.monotonic() > deadline:
            names = " and ".join(s.name for s in waiting)
            raise TinyLLMError(f"No answer from {names} within {PATIENCE:.0f} s.")
        time.sleep(0.1)


def _start_training() -> subprocess.Popen[bytes] | None:
    """Train what run `default` still lacks, or go on with it, behind everything else."""
    run = Run.named(DEFAULT)
    until = Settings().resolved(run).until
    assert until is not None
    if run.done(until) or is_training(run):
        return None
    console.print(
        "No model yet: run `default` trains in the background (about five minutes). "
        "Everything else is usable meanwhile."
    )
    command = [sys.executable, "-m", "tinyllm.cli", "train", "--run", DEFAULT]
    process = _spawn(command, env=_environment(), stdout=subprocess.DEVNULL)
    with suppress(psutil.Error):
        low = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10
        psutil.Process(process.pid).nice(low)  # the pages answer first
    return process


def _stop(services: list[Service], trainer: subprocess.Popen[bytes] | None) -> None:
    """Ask all to end, a training as Ctrl-C would, and wait; who does not listen is killed."""
    processes = [service.process for service in services]
    for process in processes:
        if process.poll() is None:
            process.terminate()
    if trainer is not None:
        processes.append(trainer)
        if trainer.poll() is None:
            with suppress(OSError):
                trainer.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    deadline = time.monotonic() + LEAVE
    for process in processes:
        try:
            process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does; neither disturbs what comes after it."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {
        name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names
    }
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def can_show() -> bool:
    """Whether a browser has a screen: without one, Linux would open a browser in the terminal."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform != "linux" or any(os.environ.get(name) for name in screens)


def serve(
    *,
    lab: bool,
    apps: bool,
    browser: bool,
    lab_port: int | None = None,
    apps_port: int | None = None,
) -> None:
    """Start what was asked for and does not run yet, print the addresses, stay until Ctrl-C.

    Ctrl-C and SIGTERM end every process that was started here and raise `KeyboardInterrupt`.
    """
    already = running()
    if already:
        console.print("Running already:")
        _print_addresses(already)
    wanted_apps, wanted_lab = apps and "apps" not in already, lab and "lab" not in already
    if not (wanted_apps or wanted_lab):
        return
    chosen_apps = choose_port(apps_port, APPS_PORT, "--apps-port") if wanted_apps else None
    chosen_lab = choose_port(lab_port, LAB_PORT, "--lab-port") if wanted_lab else None
    services: list[Service] = []
    trainer = None
    with _ended_by_signals():
        try:
            if chosen_apps is not None:
                services.append(_start_apps(chosen_apps))
            if chosen_lab is not None:
                services.append(_start_lab(chosen_lab))
            _wait(services)
            _sign_in(services)
            urls = {service.name: service.url for service in services}
            _print_addresses(urls)
            console.print(
                "Ctrl-C stops everything; a training keeps its work and goes on next time."
            )
            if browser and can_show():
                for url in urls.values():
                    webbrowser.open(url)
            trainer = _start_training() if apps and lab else None
            while all(service.process.poll() is None for service in services):
                time.sleep(0.5)
            ended = next(service for service in services if service.process.poll() is not None)
            raise TinyLLMError(f"The {ended.name} server stopped by itself; {ended.says}.")
        finally:
            _stop(services, trainer)
            _sign_out(services)


def _print_addresses(urls: dict[str, str]) -> None:
    titles = {"apps": "Apps   ", "lab": "Lessons"}
    for name, url in urls.items():
        console.print(f"{titles.get(name, name)}  {url}", soft_wrap=True)
