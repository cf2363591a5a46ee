"""A test reaches no other machine and nobody's own files."""

import os
import socket
from pathlib import Path

import pytest
from conftest import NetworkBlockedError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_a_test_reaches_no_other_machine(address):
    with pytest.raises(NetworkBlockedError):
        socket.create_connection(address, timeout=1)


def test_a_test_reaches_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            assert client.getpeername() == server.getsockname()
        accepted, _ = server.accept()
        accepted.close()


@pytest.mark.parametrize("name", ["TINYLLM_HOME", "JUPYTER_DATA_DIR", "IPYTHONDIR"])
def test_a_test_writes_to_nobodys_home(name):
    assert not Path(os.environ[name]).is_relative_to(Path.home() / "tinyllm-home")
    assert "tinyllm-tests-" in os.environ[name] or "pytest-of-" in os.environ[name]


def test_a_home_is_empty_when_a_test_begins():
    assert not Path(os.environ["TINYLLM_HOME"]).exists()
