"""A real browser for the tests: where it is found, and a page that watches itself.

Finding it needs the standard library only: `make test` asks before anything is installed.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
MAC = ("Chromium", "Google Chrome", "Microsoft Edge")
WINDOWS = (
    "Chromium/Application/chrome.exe",
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
HOW = (
    "Install Chromium, Chrome or Edge, or put the path of one into TINYLLM_BROWSER; "
    "on Debian, `apt-get install chromium` as root."
)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def usual_places(platform: str, environment: dict[str, str], home: Path) -> list[Path]:
    """Where browsers lie on this platform when they are not on PATH."""
    if platform == "darwin":
        roots = (Path("/Applications"), home / "Applications")
        return [root / f"{name}.app/Contents/MacOS/{name}" for root in roots for name in MAC]
    if platform == "win32":
        variables = ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")
        roots = tuple(Path(environment[name]) for name in variables if environment.get(name))
        return [root / place for place in WINDOWS for root in roots]
    return [Path("/snap/bin/chromium"), Path("/opt/google/chrome/chrome")]


def find_browser() -> str | None:
    """The path of Chromium, Chrome or Edge on this machine, or None; TINYLLM_BROWSER goes first."""
    chosen = os.environ.get("TINYLLM_BROWSER")
    if chosen:
        return shutil.which(chosen)
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for place in usual_places(sys.platform, dict(os.environ), Path.home()):
        if place.is_file():
            return str(place)
    return None


def is_here(url: str) -> bool:
    """Whether a page asks nobody else when it asks for this address."""
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob", "about"} or parts.hostname in LOOPBACK


@contextmanager
def launched(give_up: Callable[[str], Any]) -> Iterator[Any]:
    """A headless browser that reaches this machine only; `give_up(reason)` where there is none."""
    from playwright.sync_api import Error, sync_playwright

    path = find_browser()
    if path is None:
        give_up(f"no browser found. {HOW}")
    arguments = [
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as error:
            give_up(f"{path} does not start: {str(error).splitlines()[0]}. {HOW}")
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(browser: Any) -> Iterator[Any]:
    """A fresh page; at the end, no console error and no request to another host may have been seen.

    What was seen so far is in `page.complaints`, a list of strings.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.complaints = complaints

    def on_console(message: Any) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_request(request: Any) -> None:
        if not is_here(request.url):
            complaints.append(f"asked another host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
    page.on("request", on_request)
    page.on("websocket", lambda socket: is_here(socket.url) or on_request(socket))
    try:
        yield page
    finally:
        context.close()
    assert complaints == [], "\n".join(complaints)


if __name__ == "__main__":
    print(find_browser() or HOW)
