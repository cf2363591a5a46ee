"""The browser of the tests is found where it usually lies, and its page notices what it should."""

import http.server
import threading
from pathlib import Path

import browser
import pytest


def test_a_browser_named_by_the_environment_goes_first(monkeypatch, tmp_path):
    chosen = tmp_path / "my-browser.exe"
    chosen.write_text("#!/bin/sh\n")
    chosen.chmod(0o755)
    monkeypatch.setenv("TINYLLM_BROWSER", str(chosen))
    assert browser.find_browser() == str(chosen)


def test_an_empty_path_and_no_usual_place_give_none(monkeypatch, tmp_path):
    monkeypatch.delenv("TINYLLM_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "usual_places", lambda *_: [tmp_path / "absent"])
    assert browser.find_browser() is None


def test_edge_is_looked_for_in_every_program_folder_of_windows():
    folders = {"ProgramFiles": "C:/Programs", "ProgramFiles(x86)": "C:/Old"}
    places = browser.usual_places("win32", folders, Path("C:/Users/mina"))
    assert Path("C:/Old/Microsoft/Edge/Application/msedge.exe") in places


def test_chrome_is_looked_for_in_both_application_folders_of_a_mac():
    places = browser.usual_places("darwin", {}, Path("/Users/mina"))
    chrome = "Google Chrome.app/Contents/MacOS/Google Chrome"
    assert Path("/Applications", chrome) in places
    assert Path("/Users/mina/Applications", chrome) in places


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:7860/", True),
        ("ws://localhost:8888/api", True),
        ("data:image/png;base64,AA", True),
        ("https://example.org/font.woff2", False),
        ("http://127.0.0.1.example.org/", False),
    ],
)
def test_only_loopback_addresses_count_as_here(url, here):
    assert browser.is_here(url) is here


@pytest.fixture
def served(tmp_path):
    """A folder on a loopback port; gives the folder and the address of its page.html."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}/page.html"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_quiet_page_passes(page, served):
    folder, address = served
    (folder / "page.html").write_text("<link rel=icon href='data:,'><h1>The sky is blue</h1>")
    page.goto(address)
    assert page.text_content("h1") == "The sky is blue"
    assert page.complaints == []


def test_a_page_that_errs_or_asks_another_host_is_reported(chromium, served):
    folder, address = served
    html = "<link rel=icon href='data:,'><script src='https://example.org/x.js'></script>"
    (folder / "page.html").write_text(html + "<script>console.error('lost'); oops()</script>")
    with pytest.raises(AssertionError) as caught, browser.watched_page(chromium) as page:
        page.goto(address)
    assert "asked another host: https://example.org/x.js" in str(caught.value)
    assert "console: lost" in str(caught.value)
    assert "oops is not defined" in str(caught.value)
