"""Every page of the studio, driven in a real browser, with no error and no request to elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinyllm.serving import answers, choose_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60_000


@pytest.fixture(scope="module")
def studio(trained_home):
    """The studio's address, served by a process of its own from a home with a trained run."""
    port = choose_port(None, 17860, "--port")
    environment = {**os.environ, "TINYLLM_HOME": str(trained_home), "TINYLLM_PACE": "0.1"}
    command = [sys.executable, "-m", "apps.studio", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not answers(url):
            assert process.poll() is None, "the studio ended before it answered"
            assert time.monotonic() < deadline, "the studio did not answer within a minute"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_front_page_names_every_page_and_says_where_the_run_stands(page, studio):
    page.goto(studio)
    page.get_by_text("Run default is complete").wait_for(timeout=PATIENCE)
    for name in ("Tokens", "Next token", "Train", "Chat", "Align"):
        assert page.get_by_role("link", name=name, exact=True).count() >= 1


def test_tokens_follow_the_typing(page, studio):
    page.goto(f"{studio}/tokens")
    box = page.locator("#tokens-text textarea")
    box.wait_for(timeout=PATIENCE)
    box.fill("aaaa aaaa <|end|>")
    page.wait_for_function(
        "document.querySelector('#tokens-trained .sum')?.innerText.startsWith('17 bytes')",
        timeout=PATIENCE,
    )
    pieces = page.locator("#tokens-trained .tok").count()
    assert 3 < pieces < 17
    page.wait_for_function(
        "document.querySelector('#tokens-hand .sum')?.innerText.startsWith('17 bytes')",
        timeout=PATIENCE,
    )
    assert "<|end|>" in page.locator("#tokens-trained").inner_text().replace("\n", "") or pieces > 5


def test_a_click_on_a_bar_appends_its_token(page, studio):
    page.goto(f"{studio}/next-token")
    bar = page.locator("#next-bars .bar").first
    bar.wait_for(timeout=PATIENCE)
    assert page.locator("#next-bars .bar").count() == 10
    piece = bar.get_attribute("data-piece")
    bar.click()
    page.wait_for_function(
        "wanted => document.querySelector('#next-text textarea').value === wanted",
        arg=f"The sky is{piece}",
        timeout=PATIENCE,
    )


def test_a_thumb_given_in_the_browser_lies_in_the_store(page, studio, trained_home):
    before = _stats(trained_home)
    page.goto(f"{studio}/chat")
    page.wait_for_function(
        "document.querySelector('#chat-model input')?.value.includes('model of run')",
        timeout=PATIENCE,
    )
    box = page.locator("#chat-text textarea")
    box.fill("What colour is the sky?")
    box.press("Enter")
    page.locator("#chat-talk .bot").first.wait_for(timeout=PATIENCE)
    thumb = page.locator("#chat-talk").get_by_label(re.compile("^(like|clicked like)$", re.I)).first
    thumb.wait_for(timeout=PATIENCE)
    thumb.click()
    page.get_by_text(f"{before['up'] + 1} thumbs up").wait_for(timeout=PATIENCE)
    assert _stats(trained_home)["up"] == before["up"] + 1


def _stats(home: Path) -> dict[str, int]:
    environment = {**os.environ, "TINYLLM_HOME": str(home)}
    command = [sys.executable, "-m", "tinyllm.cli", "feedback", "stats", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_stage_is_trained_from_the_page_with_a_chart_and_can_be_stopped(page, studio):
    page.goto(f"{studio}/train")
    words = page.locator("#train-words")
    page.locator("#train-stage input").wait_for(timeout=PATIENCE)
    page.locator("#train-stage input").click()
    page.get_by_role("option", name=re.compile("pretraining")).click()
    page.locator("#train-start button, button#train-start").click()
    page.wait_for_function(
        "document.querySelector('#train-words').innerText.includes('step')", timeout=PATIENCE
    )
    page.locator("#train-chart .js-plotly-plot").wait_for(timeout=PATIENCE)
    page.locator("#train-stop button, button#train-stop").click()
    page.wait_for_function(
        "/stopped|done/.test(document.querySelector('#train-words').innerText)", timeout=PATIENCE
    )
    assert "Pretraining" in words.inner_text()


def test_the_align_page_counts_the_thumbs_and_compares_before_and_after(page, studio):
    page.goto(f"{studio}/align")
    page.get_by_text("Valid for run default").wait_for(timeout=PATIENCE)
    page.locator("#align-compare button, button#align-compare").click()
    page.locator("#align-table").get_by_text("before (chat)").or_(
        page.locator("#align-table").get_by_text("no version in use")
    ).wait_for(timeout=PATIENCE)
