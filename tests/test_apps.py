"""The pages of the studio, driven in a real browser, with no error and no request to elsewhere.

One studio serves a home whose run `default` has been through the whole line, another an empty one.
"""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack

import pytest
from browser import watched_page
from studios import PATIENCE, open_page, press, served, text_of, wait_for_text

from tinyllm.events import Step
from tinyllm.runs import DEFAULT, MINE, Run
from tinyllm.turns import training

PAGES = ("tokens", "next-token", "train", "chat", "align")
NOT_YET = {
    "tokens": "no learned vocabulary yet",
    "next-token": "no base model",
    "chat": "no chat model",
    "align": "no chat model yet",
    "train": "Choose a stage and press Start",
}


def test_the_front_page_leads_to_every_page_and_shows_how_far_the_run_is(page, studio):
    page.goto(studio.url)
    wait_for_text(page, "#studio-runs", "Run default is complete")
    assert page.locator("#studio-runs .strip").first.locator("li.done").count() == 6
    for name in PAGES:
        page.goto(studio.url)
        page.locator(f".pages a[href='{name}']").click()
        page.locator(".page-title h1").wait_for(timeout=PATIENCE)
        assert page.url.endswith(f"/{name}")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_is_missing_in_an_empty_home(page, empty_studio, name):
    open_page(page, empty_studio, name)
    page.get_by_text(NOT_YET[name]).first.wait_for(timeout=PATIENCE)


def test_a_button_that_cannot_do_its_work_says_why(page, empty_studio, trained_home):
    mine = Run(empty_studio.home / "runs" / MINE)
    shutil.copytree(trained_home / "runs" / DEFAULT / "corpus", mine.corpus)
    open_page(page, empty_studio, "train")
    selected = page.locator("#train-stage label.selected")
    # The page chooses the stage that comes next as it opens; a click before that would be undone.
    selected.filter(has_text="2. Tokenizer").wait_for(timeout=PATIENCE)
    page.locator("#train-stage label").filter(has_text="4. Fine").click()
    selected.filter(has_text="4. Fine").wait_for(timeout=PATIENCE)
    press(page, "train-start")
    wait_for_text(page, "[data-testid=toast-text]", "Fine-tuning needs Tokenizer first. Start that")
    open_page(page, empty_studio, "align")
    press(page, "align-start")
    wait_for_text(page, "[data-testid=toast-text]", "Alignment starts from the chat model")
    shutil.rmtree(mine.root)


def test_a_training_in_another_process_is_shown_with_its_time_left(page, empty_studio):
    run = Run(empty_studio.home / "runs" / DEFAULT)
    step = Step(
        stage="base", step=25, steps=100, loss=3.0, tokens=1, seconds=30, eta_seconds=90,
        learning_rate=0.01,
    )  # fmt: skip
    with ExitStack() as stack:
        stack.enter_context(training(run))
        run.record(step)
        page.goto(empty_studio.url)
        words = wait_for_text(page, "#studio-runs", "1 min 30 s left")
        assert "pretraining now, stage 3 of 6" in words
        share = page.locator("#studio-runs li.now .track i").first
        assert share.get_attribute("style") == "width:25%"
        open_page(page, empty_studio, "chat")
        wait_for_text(page, ".live .none", "being made now")
    shutil.rmtree(run.root)


def test_one_page_can_be_served_by_itself(chromium, tmp_path):
    # The page closes before its server does: what it still asks for would fail otherwise.
    with (
        served(tmp_path / "home", "apps.tokens", start=19860) as alone,
        watched_page(chromium) as page,
    ):
        page.goto(alone.url)
        wait_for_text(page, "#tokens-hand", "30 tokens")
        assert page.locator(".nav-holder a").count() == 0


def test_tokens_follow_the_typing_by_hand_and_with_the_learned_vocabulary(page, studio):
    open_page(page, studio, "tokens")
    box = page.locator("#tokens-text textarea")
    box.fill("aaaa aaaa")
    box.press("Backspace")
    for place in ("#tokens-trained", "#tokens-hand"):
        wait_for_text(page, f"{place} .sum", "^8 bytes")
    assert page.locator("#tokens-hand .tok").count() == 2
    page.locator("#tokens-merges input[type=number]").fill("0")
    wait_for_text(page, "#tokens-hand .sum", "8 bytes, 8 tokens")


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ("", "0 bytes, 0 tokens"),
        ("<|end|>", "7 bytes"),
        ("<b>&amp;\x07\x00", "10 bytes"),
        ("日本 😀", "11 bytes"),
        ("word " * 3_000, "15,000 bytes"),
    ],
)
def test_any_text_can_be_cut_into_tokens(page, studio, typed, size):
    open_page(page, studio, "tokens")
    page.locator("#tokens-text textarea").fill(typed)
    for place in ("#tokens-trained", "#tokens-hand"):
        wait_for_text(page, f"{place} .sum", f"^{re.escape(size)}")
    if typed == "<|end|>":
        assert page.locator("#tokens-trained .tok").count() > 1
        shown = page.locator("#tokens-trained .tok").evaluate_all(
            "boxes => boxes.map(box => box.firstChild.textContent).join('')"
        )
        assert shown == typed


def test_a_click_on_a_bar_appends_its_token(page, studio):
    open_page(page, studio, "next-token")
    bars = page.locator("#next-bars .guess")
    bars.first.wait_for(timeout=PATIENCE)
    assert bars.count() == 10
    piece = bars.first.get_attribute("data-piece")
    before = text_of(page, "#next-bars")
    bars.first.click()
    page.wait_for_function(
        "wanted => document.querySelector('#next-text textarea').value === wanted",
        arg=f"The sky is{piece}",
        timeout=PATIENCE,
    )
    page.wait_for_function(
        "before => document.querySelector('#next-bars').innerText"
        ".replaceAll('\\n', '').replaceAll('␣', ' ') !== before",
        arg=before,
        timeout=PATIENCE,
    )


def test_the_bars_follow_any_text_and_a_long_one_is_refused_in_words(page, studio):
    open_page(page, studio, "next-token")
    page.locator("#next-bars .guess").first.wait_for(timeout=PATIENCE)
    box = page.locator("#next-text textarea")
    box.fill("word " * 400)
    wait_for_text(page, "#next-bars", "this model reads at most 256")
    assert box.input_value() == "word " * 400
    for typed in ("", "<|endoftext|>\x07"):
        box.fill("word " * 400)
        wait_for_text(page, "#next-bars", "at most 256")
        box.fill(typed)
        page.locator("#next-bars .guess").first.wait_for(timeout=PATIENCE)
