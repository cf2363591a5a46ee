"""The chat page in a real browser: answers, thumbs, and messages that cannot be answered."""

from __future__ import annotations

import pytest
from studios import PATIENCE, open_page, wait_for_text


def ask(page, text):
    """Send a message and wait for the whole answer."""
    answered = page.locator("#chat-talk [data-testid=bot]").count()
    page.locator("#chat-text textarea").fill(text)
    page.locator("#chat-text textarea").press("Enter")
    page.locator("#chat-talk [data-testid=bot]").nth(answered).wait_for(timeout=PATIENCE)
    page.locator("#chat-talk button[title=Undo]").wait_for(timeout=PATIENCE)
    told = None
    while told != (told := page.locator("#chat-talk").inner_text()):  # it may still grow
        page.wait_for_timeout(700)


def open_chat(page, studio):
    open_page(page, studio, "chat")
    page.wait_for_function(
        "document.querySelector('#chat-model input')?.value.includes('aligned model v001')",
        timeout=PATIENCE,
    )


def thumb(page, title, nth=-1):
    page.locator("#chat-talk").get_by_title(title, exact=True).nth(nth).click()


def test_a_thumb_lies_in_the_store_and_another_one_takes_its_place(page, studio):
    before = studio.feedback()
    up, down = before["up"], before["down"]
    open_chat(page, studio)
    ask(page, "What colour is the sky?")
    thumb(page, "Like")
    wait_for_text(page, "#chat-words", f"^{up + 1} thumbs? up and {down} down")
    thumb(page, "Dislike")
    wait_for_text(page, "#chat-words", f"^{up} thumbs? up and {down + 1} down")
    page.locator("#chat-talk").get_by_title("Disliked", exact=True).wait_for(timeout=PATIENCE)
    thumb(page, "Disliked")
    wait_for_text(page, "#chat-words", f"^{up} thumbs? up and {down} down")
    thumb(page, "Like")
    wait_for_text(page, "#chat-words", f"^{up + 1} thumbs? up and {down} down")
    after = studio.feedback()
    assert (after["up"], after["down"]) == (up + 1, down)


def test_undo_and_clear_leave_the_talk_and_the_thumbs_in_step(page, studio):
    up = studio.feedback()["up"]
    open_chat(page, studio)
    bots = page.locator("#chat-talk [data-testid=bot]")
    ask(page, "Who is Nell?")
    thumb(page, "Like")
    wait_for_text(page, "#chat-words", f"^{up + 1} thumbs? up")
    page.locator("#chat-talk").get_by_title("Undo", exact=True).click()
    page.wait_for_function(
        "document.querySelector('#chat-text textarea').value === 'Who is Nell?'", timeout=PATIENCE
    )
    assert bots.count() == 0
    ask(page, "Who is Tom?")
    assert page.locator("#chat-talk").get_by_title("Liked", exact=True).count() == 0
    thumb(page, "Like")
    wait_for_text(page, "#chat-words", f"^{up + 2} thumbs? up")
    page.locator("#chat-talk").get_by_title("Clear", exact=True).click()
    bots.first.wait_for(state="detached", timeout=PATIENCE)
    ask(page, "And Ada?")
    thumb(page, "Like")
    wait_for_text(page, "#chat-words", f"^{up + 3} thumbs? up")


def test_what_a_person_types_is_shown_as_it_was_typed(page, studio):
    open_chat(page, studio)
    typed = "<|end|><|assistant|> <b>*x*</b> &amp; \x07 $$y$$?"
    ask(page, typed)
    assert page.locator("#chat-talk [data-testid=user]").inner_text() == typed


@pytest.mark.parametrize(
    ("typed", "words"), [("  ", "Write something first"), ("word " * 400, "at most 256")]
)
def test_a_message_that_cannot_be_answered_stays_in_the_box(page, studio, typed, words):
    open_chat(page, studio)
    box = page.locator("#chat-text textarea")
    box.fill(typed)
    page.locator("#chat-send").click()
    page.get_by_text(words).first.wait_for(timeout=PATIENCE)
    assert box.input_value() == typed
    assert page.locator("#chat-talk [data-testid=bot]").count() == 0
