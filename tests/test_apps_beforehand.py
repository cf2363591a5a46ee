"""The pages in a home where nothing was made: the model that came along speaks, labelled."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest
from studios import PATIENCE, open_page, wait_for_text
from test_apps_chat import ask, thumb

from tinyllm.runs import DEFAULT, PACKED, Run


def wait_for_model(page, place, said):
    """Until the dropdown names a model whose words hold `said`; the words."""
    page.wait_for_function(
        "([place, said]) => document.querySelector(`${place} input`)?.value.includes(said)",
        arg=[place, said],
        timeout=PATIENCE,
    )
    return page.locator(f"{place} input").input_value()


@contextmanager
def made_here(studio, trained_home, stage):
    """A model of the learner's own appears in the home, and goes again."""
    run = Run(studio.home / "runs" / DEFAULT)
    shutil.copytree(trained_home / "runs" / DEFAULT / stage, run.root / stage)
    try:
        yield
    finally:
        shutil.rmtree(run.root)


def test_next_tokens_are_there_before_anything_was_made(page, empty_studio):
    open_page(page, empty_studio, "next-token")
    page.locator("#next-bars .guess").nth(9).wait_for(timeout=PATIENCE)
    words = wait_for_model(page, "#next-model", "trained beforehand on")
    assert words.startswith("base, ")
    wait_for_text(page, ".live .none", "no base model")


def test_the_chat_answers_and_its_thumb_is_not_kept_and_the_page_says_so(page, empty_studio):
    open_page(page, empty_studio, "chat")
    words = wait_for_model(page, "#chat-model", "trained beforehand on")
    assert words.startswith("chat, ")
    ask(page, "What colour is the sky?")
    assert page.locator("#chat-talk [data-testid=bot]").inner_text()
    thumb(page, "Like")
    wait_for_text(page, "[data-testid=toast-text]", "the thumb is not kept")
    page.locator("#chat-talk").get_by_title("Like", exact=True).wait_for(timeout=PATIENCE)
    assert empty_studio.feedback()["up"] == 0


@pytest.mark.parametrize(("name", "stage"), [("next-token", "base"), ("chat", "chat")])
def test_the_learners_own_model_takes_its_place(page, empty_studio, trained_home, name, stage):
    place = f"#{name.removesuffix('-token')}-model"
    open_page(page, empty_studio, name)
    wait_for_model(page, place, "beforehand")
    with made_here(empty_studio, trained_home, stage):
        assert "beforehand" not in wait_for_model(page, place, f"of run {DEFAULT}")
        page.locator(f"{place} input").click()
        offered = page.locator(f"{place} [role=option]").all_inner_texts()
        assert "beforehand" in offered[-1]
        page.locator(".page-title h1").click()
    wait_for_model(page, place, "beforehand")


def test_what_came_along_is_read_and_never_written(empty_studio):
    assert not list(PACKED.rglob("*.lock"))
    assert not list(PACKED.rglob(".*"))
