"""The models that the pages can ask, kept open, and the dropdown that offers them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import gradio as gr

from apps.live import News, live
from apps.page import AT_ONCE
from apps.words import in_html, nothing_yet
from tinyllm.answering import Writer, beforehand
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.runs import DEFAULT, GROWN_UP, MINE, Run

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
    """The learner's own models, and last the one that came with the package, called so."""
    found = []
    places = [(stage, name) for stage in stages for name in (MINE, DEFAULT)]
    places += [(stage, GROWN_UP) for stage in stages]
    for stage, name in places:
        folder = Run.named(name).in_use(stage)
        if folder is not None:
            version = f" {folder.name}" if stage == "aligned" else ""
            words = f"{stage} model{version} of run {name}"
            if origin := beforehand(folder):
                words = f"{stage}, {origin}"
            found.append((words, f"{name}/{stage}"))
    return found


def is_beforehand(choice: str | None) -> bool:
    """Whether "run/stage" is the model that came with the package."""
    return (choice or "").startswith(f"{GROWN_UP}/")


def base_models() -> Choices:
    """The models that go on from a text."""
    return _models("base")


def answering_models() -> Choices:
    """The models that answer, the aligned ones first."""
    return _models("aligned", "chat")


def model_choice(models: Callable[[], Choices], what: str, elem_id: str) -> gr.Dropdown:
    """A dropdown that keeps in step with the models there are; it is hidden while there is none.

    While there is none of the learner's own, a sentence says why, and the one that came with the
    package stands in; the first of the learner's own takes its place as soon as it is there.
    """

    def look() -> News:
        try:
            choices = models()
        except TinyLLMError as error:
            return News(parts={"none": in_html(str(error))})
        own = [value for _, value in choices if not is_beforehand(value)]
        none = "" if own else in_html(nothing_yet(what, stands_in=bool(choices)))
        return News(parts={"none": none}, fact=str(choices))

    def refresh(chosen: str | None, had_own: bool) -> tuple[Any, bool]:
        choices = models()
        values = [value for _, value in choices]
        own = any(not is_beforehand(value) for value in values)
        makes_way = own and not had_own and is_beforehand(chosen)
        kept = chosen if chosen in values and not makes_way else values[0] if values else None
        return gr.update(choices=choices, value=kept, visible=bool(values)), own

    dropdown = gr.Dropdown([], label="Model", elem_id=elem_id, visible=False)
    had_own = gr.State(False)
    ends = [dropdown, had_own]
    live(look, "none", every=2.0).change(refresh, ends, ends, **AT_ONCE)
    return dropdown
