"""The studio of the apps, served for tests: on a trained home, and on an empty one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tinyllm.runs import DEFAULT, MINE
from tinyllm.serving import answers, choose_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60_000


class Studio:
    """A server of the apps: its address and its home."""

    def __init__(self, home, url):
        self.home = home
        self.url = url

    def feedback(self):
        """The valid feedback in the home, counted by kind."""
        environment = {**os.environ, "TINYLLM_HOME": str(self.home)}
        command = [sys.executable, "-m", "tinyllm.cli", "feedback", "stats", "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        return json.loads(done.stdout)


@contextmanager
def served(home, module="apps.studio", start=17860):
    """An app, served by a process of its own; what it prints is read when it fails."""
    port = choose_port(None, start, "--port")
    environment = {**os.environ, "TINYLLM_HOME": str(home), "TINYLLM_PACE": "0.1"}
    command = [sys.executable, "-m", module, "--port", str(port)]
    said = home.with_suffix(f".{port}.log")
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while not answers(f"http://127.0.0.1:{port}/"):
            assert process.poll() is None, said.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the app did not answer within a minute"
            time.sleep(0.1)
        yield Studio(home, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert "Traceback" not in said.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def studio(chromium, trained_home, tmp_path_factory):
    """The studio on a copy of the trained home, with an aligned version in use."""
    home = tmp_path_factory.mktemp("apps") / "home"
    shutil.copytree(trained_home, home)
    (home / "runs" / DEFAULT / "aligned" / "current").write_text("v001\n", encoding="utf-8")
    shutil.rmtree(home / "runs" / MINE, ignore_errors=True)
    with served(home) as studio:
        yield studio


@pytest.fixture(scope="module")
def empty_studio(chromium, tmp_path_factory):
    """The studio on a home in which nothing was made yet."""
    with served(tmp_path_factory.mktemp("apps") / "empty", start=18860) as studio:
        yield studio


def text_of(page, place):
    return page.locator(place).inner_text().replace("\n", "").replace("␣", " ")


def wait_for_text(page, place, pattern):
    """Wait until the text of `place` matches the regular expression, and return it."""
    page.wait_for_function(
        "([place, pattern]) => new RegExp(pattern)"
        ".test(document.querySelector(place)?.innerText ?? '')",
        arg=[place, pattern],
        timeout=PATIENCE,
    )
    return text_of(page, place)


def open_page(page, studio, name):
    page.goto(f"{studio.url}/{name}")
    page.locator(".block.foot .status").filter(has_text="Run").wait_for(timeout=PATIENCE)


def press(page, button):
    page.locator(f"#{button}:enabled").click(timeout=PATIENCE)
