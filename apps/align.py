"""Align: your thumbs become a reward, the reward moves the weights, and you see what changed."""

from __future__ import annotations

import html
from typing import Any, Final

import gradio as gr

from apps.chat import EXAMPLES, store
from apps.live import News, live, status_line
from apps.moved import build_moved
from apps.page import AT_ONCE, MAY_SAY, PRIVATE, heading, launch_alone, say, section
from apps.words import in_html, nothing_yet
from apps.work import Work
from tinyllm.alignment.contradictions import contradictions, told
from tinyllm.alignment.versions import list_versions, promote, roll_back
from tinyllm.answering import Writer, lineage
from tinyllm.events import Notice
from tinyllm.files import TinyLLMError
from tinyllm.line import align_with_feedback
from tinyllm.runs import DEFAULT, MINE, Run, find, pace

FEW: Final = 20
WORK: Final = Work("Give thumbs on the Chat page first, then press Align.")


def thumbs(name: str) -> str:
    """What there is to learn from."""
    owner = find(Run.named(name), "chat")
    if owner is None:
        return f"Alignment starts from the chat model. {nothing_yet('chat model')}"
    try:
        counts = store().stats(lineage(owner))
    except TinyLLMError as error:
        return str(error)
    others = counts["other_models"]
    elsewhere = f" Votes on answers of other models do not count: {others}." if others else ""
    if counts["valid"] == 0:
        return (
            f"Run {name} has no thumbs yet. Give some on the Chat page, or import them with "
            f"`tinyllm feedback import FILE`.{elsewhere}"
        )
    kinds = {"up": "thumb{} up", "down": "thumb{} down", "pairs": "pair{}", "edits": "edit{}"}
    parts = [
        f"{counts[kind]} {words.format('' if counts[kind] == 1 else 's')}"
        for kind, words in kinds.items()
        if counts[kind]
    ]
    advice = f" With fewer than {FEW} or so, expect little to change."
    few = advice if counts["valid"] < FEW else ""
    return f"To learn from, for run {name}: {', '.join(parts)}.{few}{elsewhere}"


def draw_contradictions(name: str) -> str:
    """The latest votes of the run that speak against each other."""
    owner = find(Run.named(name), "chat")
    try:
        found = contradictions(store().list(), lineage(owner)) if owner is not None else []
    except TinyLLMError as error:
        return f'<p class="notice">{in_html(str(error))}</p>'
    return "".join(f'<p class="notice">{in_html(sentence)}</p>' for sentence in told(found))


def draw_versions(name: str) -> str:
    """The versions of the run, the newest first, each with what the gate measured."""
    run = Run.named(name)
    used = run.in_use("aligned")
    rows = []
    for version in reversed(list_versions(run.aligned)):
        metrics = version.manifest.get("metrics", {})
        state = "in use" if used is not None and used.name == version.name else ""
        held = " ".join(version.manifest.get("objections", []))
        figures = [
            f"{metrics[key]:.2f}" if key in metrics else "" for key in ("reward", "kl", "safe")
        ]
        cells = [version.name, state, *figures, held or "let through"]
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    if not rows:
        return '<p class="quiet">There is no version yet; the chat model answers.</p>'
    names = ("version", "", "reward", "KL, nats", "safe", "the gate")
    head = "".join(f"<th>{name}</th>" for name in names)
    none = "" if used is not None else '<p class="quiet">In use: the chat model itself.</p>'
    return f'<table class="plain">{f"<tr>{head}</tr>"}{"".join(rows)}</table>{none}'


def version_choice(name: str) -> tuple[Any, Any, Any]:
    """The versions to choose from, and whether there is one to use or to roll back."""
    run = Run.named(name)
    names = [version.name for version in reversed(list_versions(run.aligned))]
    used = run.in_use("aligned")
    chosen = used.name if used is not None else names[0] if names else None
    return (
        gr.update(choices=names, value=chosen, visible=bool(names)),
        gr.update(visible=bool(names)),
        gr.update(visible=bool(names), interactive=used is not None),
    )


def use(name: str, version: str | None) -> None:
    """Put another version into use."""
    try:
        if version:
            promote(Run.named(name).aligned, version)
    except TinyLLMError as error:
        say(str(error))


def back(name: str) -> None:
    """Return to the version before, or to the chat model."""
    try:
        roll_back(Run.named(name).aligned)
    except TinyLLMError as error:
        say(str(error))


def before_and_after(name: str, questions: str) -> str:
    """The same questions and seeds, answered by the chat model and by the version in use."""
    run = Run.named(name)
    asked = [line.strip() for line in questions.splitlines() if line.strip()]
    try:
        if not asked:
            raise TinyLLMError("Write a question or more, one a line.")
        if run.in_use("aligned") is None:
            raise TinyLLMError(f"No version of run {name} is in use: the chat model is both.")
        anchor = find(run, "chat") or run
        old, new = (
            [one.completion for one in writer.write(asked, temperature=0.8, seed=1)]
            for writer in (Writer.open(anchor, "chat"), Writer.open(run, "aligned"))
        )
    except TinyLLMError as error:
        return f'<p class="notice">{in_html(str(error))}</p>'
    rows = "".join(
        f'<h3>{html.escape(question)}</h3><div class="pair"><p><small>before, chat</small>'
        f"{html.escape(a)}</p><p><small>after, in use</small>{html.escape(b)}</p></div>"
        for question, a, b in zip(asked, old, new, strict=True)
    )
    return f'<div class="compare">{rows}</div>'


def begin(name: str, minutes: float) -> None:
    """The Align button."""
    run = Run.named(name)
    try:
        if find(run, "chat") is None:
            raise TinyLLMError(f"Alignment starts from the chat model. {nothing_yet('chat model')}")
        scaled = minutes * pace()
        WORK.begin(
            "Aligning", "aligned", lambda: align_with_feedback(run, minutes=scaled), keeps=False
        )
    except TinyLLMError as error:
        say(str(error))


def buttons() -> tuple[Any, Any]:
    """Align and Stop as they are now."""
    return gr.update(interactive=not WORK.busy), gr.update(interactive=WORK.state == "running")


def look() -> News:
    """The sentence, the notes and the chart of the alignment."""
    notes = [in_html(event.text) for event in WORK.events if isinstance(event, Notice)]
    drawn = "".join(f'<div class="sample"><small>note</small>{note}</div>' for note in notes)
    parts = {"words": in_html(WORK.words()), "samples": drawn}
    return News(parts=parts, picture=WORK.chart(), fact=f"{WORK.begun} {WORK.state}")


def look_at_runs() -> News:
    """Nothing to show; its fact is how many votes and versions there are, and which is in use."""
    try:
        votes = store().stats()["records"]
        runs = [Run.named(name) for name in (DEFAULT, MINE)]
        stand = [(run.in_use("aligned"), len(list_versions(run.aligned))) for run in runs]
        return News(fact=f"{votes} {stand} {[run.done('chat') for run in runs]}")
    except TinyLLMError as error:
        return News(fact=str(error))


def build() -> None:
    """The page."""
    heading(
        "Align",
        "Thumbs become a reward, the reward moves the weights, and a gate has the last word.",
    )
    with gr.Row(equal_height=True):
        run = gr.Dropdown([DEFAULT, MINE], value=DEFAULT, label="Run", elem_id="align-run")
        minutes = gr.Slider(0.25, 5, 1.5, step=0.25, label="Minutes", elem_id="align-minutes")
    counts = gr.Markdown(elem_id="align-counts", elem_classes="quiet")
    against = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="align-contradictions")
    with gr.Row(elem_classes="buttons"):
        go = gr.Button("Align", variant="primary", elem_id="align-start")
        end = gr.Button("Stop", elem_id="align-stop")
    now = live(look, "words", "samples", chart=True, elem_id="align-now")
    section("Versions", "Each grows from the chat model, so any of them can be put back into use.")
    table = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="align-versions")
    with gr.Row(elem_classes="buttons"):
        version = gr.Dropdown(
            [], show_label=False, visible=False, scale=0, min_width=120, elem_id="align-version"
        )
        choose = gr.Button("Use this version", visible=False, elem_id="align-use")
        undo = gr.Button("Roll back", visible=False, elem_id="align-back")
    section("Before and after", "The same questions with the same seed, one a line.")
    questions = gr.Textbox(
        "\n".join(EXAMPLES), show_label=False, lines=4, max_lines=8,
        elem_id="align-questions",
    )  # fmt: skip
    with gr.Row(elem_classes="buttons"):
        compare = gr.Button("Compare", elem_id="align-compare")
    answers = gr.HTML(apply_default_css=False, js_on_load=None, elem_id="align-table")
    build_moved(run)

    go.click(begin, [run, minutes], None, **MAY_SAY)
    end.click(WORK.stop, None, None, **AT_ONCE)
    now.change(buttons, None, [go, end], **AT_ONCE)
    facts = live(look_at_runs, every=2.0, elem_classes="silent")
    for event in (facts.change, run.change):
        event(thumbs, run, counts, **AT_ONCE)
        event(draw_contradictions, run, against, **AT_ONCE)
        event(draw_versions, run, table, **AT_ONCE)
        event(version_choice, run, [version, choose, undo], **AT_ONCE)
    choose.click(use, [run, version], None, **MAY_SAY)
    undo.click(back, run, None, **MAY_SAY)
    compare.click(before_and_after, [run, questions], answers, **PRIVATE)
    status_line()


if __name__ == "__main__":
    launch_alone(build, "align")
