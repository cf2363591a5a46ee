"""`tinyllm start`: ports, both pages, a second start, and an end that leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest

from tinyllm import serving
from tinyllm.files import TinyLLMError
from tinyllm.runs import DEFAULT, Run
from tinyllm.turns import is_training

PATIENCE = 120
CTRL_C = 130
only_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture
def busy_port():
    """A loopback port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def command(*arguments):
    return [sys.executable, "-m", "tinyllm.cli", *arguments]


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.1)
    return found


def addresses(text):
    """The addresses that a start printed, by title."""
    return dict(re.findall(r"^(Apps|Lessons) +(http://127\.0\.0\.1:\S+)$", text, re.MULTILINE))


class Started:
    """A `tinyllm` server in a process of its own, and what it has printed."""

    def __init__(self, home, *arguments):
        self.home = home
        self.environment = {**os.environ, "TINYLLM_HOME": str(home)}
        self.said = home.with_suffix(".log")
        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                command(*arguments), env=self.environment, stdout=log, stderr=log
            )

    def read(self):
        return self.said.read_text(encoding="utf-8")

    def wait_until_it_answers(self):
        def looks():
            assert self.process.poll() is None, self.read()
            return "Ctrl-C" in self.read()

        wait_for(looks, "the addresses")
        return addresses(self.read())

    def end(self, how):
        """End it with a signal; none of its children may be left."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        _, alive = psutil.wait_procs(family, timeout=20)
        for process in alive:
            process.kill()
        assert alive == [], self.read()
        assert not (self.home / "serving.json").exists()
        return code


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """`tinyllm start` in an empty home; SIGTERM ends it, its servers, and its training."""
    if sys.platform == "win32":
        pytest.skip("POSIX signals")
    home = tmp_path_factory.mktemp("served") / "home"
    ports = ("--lab-port", str(free_port()), "--apps-port", str(free_port()))
    one = Started(home, "start", "--no-browser", *ports)
    try:
        one.urls = one.wait_until_it_answers()
        yield one
        assert one.end(signal.SIGTERM) == CTRL_C
        assert not is_training(Run(home / "runs" / DEFAULT))
    finally:
        one.process.kill()


def test_a_busy_port_that_was_asked_for_is_refused_by_the_option(busy_port):
    with pytest.raises(TinyLLMError, match=f"Port {busy_port} is in use.*--apps-port"):
        serving.choose_port(busy_port, 7860, "--apps-port")


def test_a_busy_default_port_moves_to_the_next_free_one(busy_port):
    chosen = serving.choose_port(None, busy_port, "--lab-port")
    assert busy_port < chosen < busy_port + 100
    assert serving.is_free(chosen)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(port):
    with pytest.raises(TinyLLMError, match="from 1 to 65535"):
        serving.choose_port(port, 7860, "--apps-port")


def test_the_command_names_the_option_whose_port_is_busy(busy_port):
    arguments = command("start", "--no-browser", "--lab-port", str(busy_port))
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert "--lab-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_dead_process_registered_does_not_count(tmp_path, busy_port):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    entry = {"pid": dead.pid, "url": f"http://127.0.0.1:{busy_port}/"}
    path = tmp_path / "home" / "serving.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"apps": entry}), encoding="utf-8")
    assert serving.running() == {}
    path.write_text("half a reco", encoding="utf-8")
    assert serving.running() == {}


def test_start_serves_the_lessons_and_the_apps(started):
    assert set(started.urls) == {"Apps", "Lessons"}
    for url in started.urls.values():
        assert serving.answers(url)


def test_the_lessons_ask_for_a_token(started):
    bare = started.urls["Lessons"].partition("?")[0].replace("/lab/tree", "/api/contents")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(bare, timeout=10)


def test_the_notebooks_are_working_copies_in_the_home(started):
    shipped = {path.name for path in serving.course_folder("notebooks").glob("*.ipynb")}
    assert shipped <= {path.name for path in (started.home / "notebooks").iterdir()}


def test_a_second_start_prints_the_addresses_of_the_first(started):
    arguments = command("start", "--no-browser")
    done = subprocess.run(
        arguments, env=started.environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0
    assert "Running already" in done.stderr
    assert addresses(done.stderr) == started.urls


def test_a_home_without_a_model_gets_one_in_the_background(started):
    wait_for(lambda: is_training(Run(started.home / "runs" / DEFAULT)), "the training")
    assert "No model yet" in started.read()


def test_jupyterlab_opens_the_first_notebook_without_news_or_network(page, started):
    page.goto(started.urls["Lessons"])
    page.locator(".jp-NotebookPanel h1").first.wait_for(timeout=60_000)
    assert page.get_by_text("get notified about official Jupyter news").count() == 0


@only_posix
def test_ctrl_c_ends_the_apps_alone(tmp_path):
    one = Started(tmp_path / "home", "apps", "--no-browser", "--apps-port", str(free_port()))
    try:
        assert set(one.wait_until_it_answers()) == {"Apps"}
        assert one.end(signal.SIGINT) == CTRL_C
        assert "Traceback" not in one.read()
    finally:
        one.process.kill()
