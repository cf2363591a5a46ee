"""The pages that train and align, in a real browser: begin, pause, stop, compare, go back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

from studios import PATIENCE, open_page, press, text_of, wait_for_text

from tinyllm.runs import DEFAULT, MINE, Run


def test_stages_are_trained_from_the_page_with_pause_reload_and_stop(page, studio):
    open_page(page, studio, "train")
    for name, following in (("Collecting text", "2. Tokenizer"), ("Training the", "3. Pre")):
        press(page, "train-start")
        wait_for_text(page, "#train-now .words", f"{name}.* is done, in")
        page.locator("#train-stage label.selected").filter(has_text=following).wait_for(
            timeout=PATIENCE
        )
    page.locator("#train-minutes input[type=number]").fill("10")
    press(page, "train-start")
    wait_for_text(page, "#train-now .words", "Pretraining: step ")
    chart = page.locator("#train-now .chart .main-svg").first
    chart.wait_for(timeout=PATIENCE)
    chart.evaluate("node => { node.dataset.mark = 'the same' }")
    caption = wait_for_text(page, "#train-now .caption", "bigram .*the language's entropy")
    wait_for_text(page, "#train-album .caption", "expects and writes at [0-9]+ steps? of")
    press(page, "train-pause")
    wait_for_text(page, "#train-now .words", "is paused")
    assert chart.get_attribute("data-mark") == "the same"
    paused = text_of(page, "#train-now .caption")
    assert "bigram" in paused
    step, later = (int(re.search(r"step ([\d,]+)", words)[1]) for words in (caption, paused))
    assert later >= step
    page.reload()
    wait_for_text(page, "#train-now .words", "is paused")
    wait_for_text(page, "#train-pause", "Go on")
    page.locator("#train-stage label.selected").filter(has_text="3. Pre").wait_for(timeout=PATIENCE)
    press(page, "train-pause")
    wait_for_text(page, "#train-now .words", "Pretraining: step ")
    press(page, "train-stop")
    wait_for_text(page, "#train-now .words", "was stopped. What it has so far is kept")
    press(page, "train-start")
    wait_for_text(page, "#train-now .words", "Pretraining: step ([2-9]|1[0-9]|[0-9]{3})")
    press(page, "train-stop")
    wait_for_text(page, "#train-now .words", "was stopped")
    run = Run(studio.home / "runs" / MINE)
    assert run.stages_done() == ["corpus", "tokenizer"]
    assert run.state("base").exists()


def test_a_done_stage_says_what_making_it_anew_would_forget(page, studio):
    run = Run(studio.home / "runs" / MINE)
    default = Run(studio.home / "runs" / DEFAULT)
    for stage in ("corpus", "tokenizer"):
        if not run.done(stage):
            shutil.copytree(default.folder(stage), run.folder(stage))
    open_page(page, studio, "train")
    # The page chooses the stage that comes next as it opens; a click before that would be undone.
    page.locator("#train-stage label.selected").filter(has_text="3. Pre").wait_for(timeout=PATIENCE)
    page.locator("#train-stage label").filter(has_text="1. Text").click()
    wait_for_text(page, "#train-what", r"what was made from it \(Tokenizer\) is forgotten")
    wait_for_text(page, "#train-start", "Make anew")


def test_aligning_without_thumbs_ends_in_a_sentence(page, studio):
    open_page(page, studio, "align")
    page.locator("#align-run input").click()
    page.get_by_role("option", name=MINE).click()
    wait_for_text(page, "#align-counts", "Run mine has no thumbs yet|To learn from, for run mine")
    page.locator("#align-minutes input[type=number]").fill("0.25")
    if "no thumbs" in text_of(page, "#align-counts"):
        press(page, "align-start")
        wait_for_text(page, "#align-now .words", "There is no valid feedback yet")


def test_an_alignment_can_be_stopped_and_leaves_the_versions_as_they_were(page, studio):
    rows = "".join(
        json.dumps({"prompt": "Who is Nell?", "completion": f"Nell {n}.", "label": n % 2 == 0})
        + "\n"
        for n in range(6)
    )
    thumbs = studio.home / "thumbs.jsonl"
    thumbs.write_text(rows, encoding="utf-8")
    environment = {**os.environ, "TINYLLM_HOME": str(studio.home)}
    command = [sys.executable, "-m", "tinyllm.cli", "feedback", "import", str(thumbs)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    open_page(page, studio, "align")
    wait_for_text(page, "#align-counts", "To learn from, for run default: ")
    press(page, "align-start")
    wait_for_text(page, "#align-now .words", "Aligning: (reference|step)")
    press(page, "align-stop")
    wait_for_text(page, "#align-now .words", "Aligning was stopped")
    page.locator("#align-versions").get_by_text("v001").wait_for(timeout=PATIENCE)
    assert page.locator("#align-versions td").get_by_text("v002").count() == 0


def test_before_and_after_are_compared_and_a_version_is_rolled_back(page, studio):
    open_page(page, studio, "align")
    wait_for_text(page, "#align-versions", "in use")
    page.locator("#align-questions textarea").fill("Who is Nell?\n\nWhat is <b>red</b>?")
    press(page, "align-compare")
    words = wait_for_text(page, "#align-table", "after, in use")
    assert "What is <b>red</b>?" in words
    assert page.locator("#align-table .pair").count() == 2
    press(page, "align-back")
    wait_for_text(page, "#align-versions", "In use: the chat model itself")
    press(page, "align-compare")
    wait_for_text(page, "#align-table", "the chat model is both")
    press(page, "align-use")
    wait_for_text(page, "#align-versions", "v001\\s+in use")
    page.locator("#align-questions textarea").fill("word " * 400)
    press(page, "align-compare")
    wait_for_text(page, "#align-table", "at most 256")
