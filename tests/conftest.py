"""What holds for every test: a home of its own, no network, few threads, and a browser to drive.

Set before torch is imported, and inherited by every process that a test starts.
"""

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from browser import HOW, LOOPBACK, launched, watched_page
from studios import empty_studio as empty_studio
from studios import studio as studio
from trained import course_home as course_home
from trained import trained_home as trained_home

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TINYLLM_PACE", "0.1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD"] = "1"
os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
os.environ.pop("TINYLLM_DATABASE_URL", None)

IN_CI = os.environ.get("CI", "").lower() == "true"
NOT_RUN = "browser tests not run: "


class NetworkBlockedError(OSError):
    """A test tried to reach another machine."""


def _must_be_here(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else None
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host and host not in LOOPBACK and not host.startswith("127."):
        raise NetworkBlockedError(f"tests run without a network, and something asked for {host}")


def _block_the_network() -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _must_be_here(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _must_be_here(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in {"0.0.0.0", "::", socket.gethostname()}:
            _must_be_here((host,))
        return getaddrinfo(host, *arguments, **options)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = guarded_getaddrinfo


_session_home = tempfile.TemporaryDirectory(prefix="tinyllm-tests-", ignore_cleanup_errors=True)
os.environ["TINYLLM_HOME"] = str(Path(_session_home.name) / "home")
os.environ["IPYTHONDIR"] = str(Path(_session_home.name) / "ipython")
os.environ["JUPYTER_CONFIG_DIR"] = str(Path(_session_home.name) / "jupyter")
os.environ["JUPYTER_DATA_DIR"] = str(Path(_session_home.name) / "jupyter-data")
os.environ["JUPYTER_RUNTIME_DIR"] = str(Path(_session_home.name) / "jupyter-runtime")
_block_the_network()


def pytest_unconfigure():
    _session_home.cleanup()


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """Every test has a TINYLLM_HOME of its own, empty; fixtures of a wider scope share another."""
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "home"))


def _without_a_browser(reason: str) -> None:
    if IN_CI:
        pytest.fail(f"With CI=true the browser tests must run: {reason}", pytrace=False)
    pytest.skip(NOT_RUN + reason)


@pytest.fixture(scope="module")
def chromium():
    """A headless browser for the tests of a module."""
    with launched(_without_a_browser) as browser:
        yield browser


@pytest.fixture
def page(chromium):
    """A page that fails its test on a console error or a request to another host."""
    with watched_page(chromium) as page:
        yield page


def pytest_collection_modifyitems(items):
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(NOT_RUN in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"{count} browser tests were not run. {HOW}", red=True)
