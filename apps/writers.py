"""The models that the pages can ask, kept open, and the dropdown that offers them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import gradio as gr

from apps.live import News, live
from apps.page import AT_ONCE
from apps.words import in_html, nothing_yet
from tinyllm.answering import Writer
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.runs import DEFAULT, MINE, Run

Choices = list[tuple[str, str]]
"""Pairs of what a person reads and "run/stage"."""


@lru_cache(maxsize=6)
def _open(folder: str, made: str) -> Writer:
    return Writer.open(stage=folder)


def open_writer(choice: str) -> Writer:
    """The model behind "run/stage", kept open until its folder changes."""
    name, stage = choice.split("/")
    folder = Run.named(name).model(stage)
    return _open(str(folder), str(read_manifest(folder).get("made")))


def _models(*stages: str) -> Choices:
    found = []
    for stage in stages:
        for run in (Run.named(MINE), Run.named(DEFAULT)):
            folder = run.in_use(stage)
            if folder is not None:
                version = f" {folder.name}" if stage == "aligned" else ""
                found.append((f"{stage} model{version} of run {run.name}", f"{run.name}/{stage}"))
    return found


def base_models() -> Choices:
    """The models that go on from a text."""
    return _models("base")


def answering_models() -> Choices:
    """The models that answer, the aligned ones first."""
    return _models("aligned", "chat")


def model_choice(models: Callable[[], Choices], what: str, elem_id: str) -> gr.Dropdown:
    """A dropdown that keeps in step with the models there are; it is hidden while there is none,
    and a sentence says why. The first is chosen where none was."""

    def look() -> News:
        try:
            choices = models()
        except TinyLLMError as error:
            return News(parts={"none": in_html(str(error))})
        none = "" if choices else in_html(nothing_yet(what))
        return News(parts={"none": none}, fact=str(choices))

    def refresh(chosen: str | None) -> Any:
        choices = models()
        values = [value for _, value in choices]
        kept = chosen if chosen in values else values[0] if values else None
        return gr.update(choices=choices, value=kept, visible=bool(values))

    dropdown = gr.Dropdown([], label="Model", elem_id=elem_id, visible=False)
    live(look, "none", every=2.0).change(refresh, dropdown, dropdown, **AT_ONCE)
    return dropdown
