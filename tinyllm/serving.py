"""`tinyllm start`: JupyterLab on the lessons and the apps side by side, both on loopback.

Each is a process of its own, so that a busy notebook never freezes an app. When the run `default`
holds no model yet, a third process trains it while everything else is already usable.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from tinyllm.course import copy_notebooks, course_folder
from tinyllm.files import TinyLLMError, atomic_write
from tinyllm.runs import DEFAULT, Run, home
from tinyllm.turns import is_training

LAB_PORT = 8888
APPS_PORT = 7860
PATIENCE = 90.0
"""Seconds a page may take to answer before we say that it does not."""

console = Console(stderr=True)


@dataclass(frozen=True)
class Service:
    """A server of ours: its name, its address, its process."""

    name: str
    url: str
    probe: str
    process: subprocess.Popen[bytes]


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
            raise TinyLLMError(f"{option} must be from 1 to 65535, got {explicit}.")
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
    return {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


def _start_apps(port: int) -> Service:
    studio = course_folder("apps") / "studio.py"
    command = [sys.executable, str(studio), "--port", str(port)]
    url = f"http://127.0.0.1:{port}/"
    return Service("apps", url, url, subprocess.Popen(command, env=_environment()))


def _start_lab(port: int) -> Service:
    notebooks = home() / "notebooks"
    copy_notebooks(notebooks)
    token = secrets.token_urlsafe(24)
    settings = notebooks / ".lab-settings"
    atomic_write(
        settings / "overrides.json",
        json.dumps({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}),
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": notebooks,
        "ServerApp.log_level": "ERROR",
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.app_settings_dir": settings,
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    command.append("--LabApp.extension_manager=readonly")
    base = f"http://127.0.0.1:{port}/lab"
    first = "/tree/00_welcome.ipynb"
    process = subprocess.Popen(command, env=_environment(), cwd=notebooks)
    return Service("lab", f"{base}{first}?token={token}", f"{base}?token={token}", process)


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


def running() -> dict[str, str]:
    """The addresses of the services that run for this home already, by name; empty if none do."""
    try:
        values = json.loads(_register().read_text(encoding="utf-8"))
        urls: dict[str, str] = values["urls"]
        alive = psutil.pid_exists(values["pid"]) and all(map(answers, urls.values()))
    except (OSError, ValueError, KeyError):
        return {}
    return urls if alive else {}


def _wait(services: list[Service]) -> None:
    deadline = time.monotonic() + PATIENCE
    waiting = list(services)
    while waiting:
        for service in list(waiting):
            if service.process.poll() is not None:
                raise TinyLLMError(
                    f"The {service.name} server ended before it answered (exit code "
                    f"{service.process.returncode}); its last lines above say why."
                )
            if answers(service.probe):
                waiting.remove(service)
        if time.monotonic() > deadline:
            names = " and ".join(s.name for s in waiting)
            raise TinyLLMError(f"No answer from {names} within {PATIENCE:.0f} s.")
        time.sleep(0.1)


def _start_training() -> subprocess.Popen[bytes] | None:
    run = Run.named(DEFAULT)
    if run.done("aligned") or is_training(run):
        return None
    console.print(
        "No model yet: run `default` trains in the background (about five minutes). "
        "Everything else is usable meanwhile."
    )
    command = [sys.executable, "-m", "tinyllm.cli", "train", "--run", DEFAULT]
    return subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def serve(
    *,
    lab: bool,
    apps: bool,
    browser: bool,
    lab_port: int | None = None,
    apps_port: int | None = None,
) -> None:
    """Start what was asked for, print the addresses, and stay until Ctrl-C."""
    already = running()
    if already:
        console.print("Running already:")
        _print_addresses(already)
        return
    chosen_apps = choose_port(apps_port, APPS_PORT, "--apps-port") if apps else None
    chosen_lab = choose_port(lab_port, LAB_PORT, "--lab-port") if lab else None
    services: list[Service] = []
    trainer = None
    try:
        if chosen_apps is not None:
            services.append(_start_apps(chosen_apps))
        if chosen_lab is not None:
            services.append(_start_lab(chosen_lab))
        trainer = _start_training() if apps and lab else None
        _wait(services)
        urls = {service.name: service.url for service in services}
        atomic_write(_register(), json.dumps({"pid": os.getpid(), "urls": urls}))
        _print_addresses(urls)
        console.print("Ctrl-C stops everything; a training keeps its work and goes on next time.")
        if browser:
            for url in urls.values():
                webbrowser.open(url)
        while all(service.process.poll() is None for service in services):
            time.sleep(0.5)
        raise TinyLLMError("A server stopped by itself; its last lines above say why.")
    except KeyboardInterrupt:
        console.print("Stopped.")
    finally:
        for process in [s.process for s in services] + ([trainer] if trainer else []):
            _stop(process)
        _register().unlink(missing_ok=True)


def _print_addresses(urls: dict[str, str]) -> None:
    titles = {"apps": "Apps   ", "lab": "Lessons"}
    for name, url in urls.items():
        console.print(f"{titles.get(name, name)}  {url}", soft_wrap=True)
