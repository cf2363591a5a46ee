"""What moved, on the Align page in a real browser: measure, read, unfold, load again."""

from __future__ import annotations

import json

import pytest
import torch
from studios import PATIENCE, open_page, press, text_of, wait_for_text

from tinyllm.alignment import FeedbackStore
from tinyllm.files import read_manifest
from tinyllm.model import load_model, save_model
from tinyllm.runs import DEFAULT
from tinyllm.tokens import Tokenizer


@pytest.fixture(name="voted")
def remember_a_vote(studio):
    """The version in use says what two votes did, of which one has been deleted since; and it
    differs from the chat model, which a training of seconds cannot promise."""
    version = studio.home / "runs" / DEFAULT / "aligned" / "v001"
    before = read_manifest(version)
    model, tokenizer = load_model(version), Tokenizer.load(version)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1 + 0.2 * torch.randn(weight.shape, generator=generator))
    save_model(model, tokenizer, version, eos=tokenizer.end, stage="aligned")
    store = FeedbackStore(studio.home / "feedback.db")
    vote = store.add_thumb("Who is Nell?", "Nell <b>sings</b> to the geese.", -1)
    store.close()
    did = [
        {"record": record, "moved": moved, "feature": "word geese", "pull": -0.2}
        for record, moved in (("gone", 0.9), (vote.id, 0.41))
    ]
    manifest = {**before, **read_manifest(version), "records": [vote.id], "influence": did}
    (version / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_what_moved_is_measured_and_stays_when_the_page_is_loaded_again(page, studio, voted):
    open_page(page, studio, "align")
    wait_for_text(page, "#align-versions", "in use")
    assert "Measure asks" in wait_for_text(page, "#moved-now .words", ".")
    press(page, "moved-start")
    found = wait_for_text(page, "#moved-now .words", "word for word the same")
    assert found.startswith("Version v001 of run default beside the chat model")
    for _ in range(2):
        page.locator("#moved-now .chart .main-svg").first.wait_for(timeout=PATIENCE)
        assert "length in words from" in wait_for_text(
            page, "#moved-now .caption", "before and after"
        )
        folds = page.locator("#moved-now details")
        assert "add up to" in folds.first.inner_text()
        if folds.count() > 1:
            folds.nth(1).locator("summary").click()
            folds.nth(1).get_by_text("add up to").first.wait_for(timeout=PATIENCE)
        page.reload()
        wait_for_text(page, "#moved-now .words", "word for word the same")


def test_the_votes_that_did_most_are_named_but_for_those_deleted(page, studio):
    open_page(page, studio, "align")
    page.locator("#moved-votes .chart .main-svg").first.wait_for(timeout=PATIENCE)
    said = wait_for_text(page, "#moved-votes .caption", "these did most")
    assert said.endswith('disliked "Nell <b>sings</b> to the geese." 0.41 sd.')
    assert "0.9" not in said
    assert "explains the reward" in text_of(page, "#moved-votes .why")


def test_without_a_version_in_use_nothing_has_moved(page, studio):
    open_page(page, studio, "align")
    wait_for_text(page, "#align-versions", "in use")
    press(page, "align-back")
    wait_for_text(page, "#align-versions", "In use: the chat model itself")
    press(page, "moved-start")
    wait_for_text(page, "[data-testid=toast-text]", "nothing has moved")
