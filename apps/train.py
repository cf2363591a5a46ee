"""Train: make run `mine` stage by stage, with a live chart, pause, stop, album and samples."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import gradio as gr

from apps.live import News, live, picture, status_line
from apps.page import AT_ONCE, MAY_SAY, heading, launch_alone, say
from apps.words import NAMES, SHORT, draw_strip, in_html
from apps.work import Work
from tinyllm.events import STAGES, Event, Notice, Sample
from tinyllm.figures import album_chart
from tinyllm.files import TinyLLMError
from tinyllm.line import make, missing_before
from tinyllm.runs import DEFAULT, MINE, Run, find, pace
from tinyllm.tokens import Tokenizer

LABELS: Final = [(f"{number}. {SHORT[stage]}", stage) for number, stage in enumerate(STAGES, 1)]
WHAT: Final = {
    "corpus": "Collects text: the village writes it, clean and de-duplicated, with a dataset card.",
    "tokenizer": "Learns 4,096 pieces of text from the corpus and writes the corpus in them.",
    "base": "Learns to say how likely each token is to come next: the base model.",
    "chat": "Learns to answer from questions with their answers: the chat model.",
    "reward": "Learns from comparisons of the chat model's answers which of two is better.",
    "aligned": "Moves the chat model towards answers with a higher reward: the aligned model.",
}
RESUMES: Final = ("base", "chat", "reward")
"""The stages that go on where they were stopped; the others are begun again."""
WORK: Final = Work("Choose a stage and press Start.")


def about(stage: str) -> tuple[str, Any]:
    """What `stage` does, and what pressing Start would undo; Start says so, too."""
    run = Run.named(MINE)
    lacking = missing_before(run, stage)
    if lacking is not None:
        words = f"{WHAT[stage]} It needs stage “{SHORT[lacking]}” first."
        return words, gr.update(value="Start")
    if not run.done(stage):
        return WHAT[stage], gr.update(value="Start")
    later = STAGES[STAGES.index(stage) + 1 :]
    lost = [SHORT[name] for name in later if run.done(name)]
    gone = f", and what was made from it ({', '.join(lost)}) is forgotten" if lost else ""
    words = f"{WHAT[stage]} It is done. Made anew, it takes the place of the old one{gone}."
    return words, gr.update(value="Make anew")


def draw_samples(events: Sequence[Event]) -> str:
    """What the model wrote last, newest first, and the notes among it."""
    blocks = []
    for event in reversed(events):
        if isinstance(event, Sample):
            text = html.escape(event.completion) or '<span class="quiet">ended at once</span>'
            said = f"<b>{html.escape(event.prompt)}</b>{text}"
            blocks.append(f'<div class="sample"><small>step {event.step:,}</small>{said}</div>')
        elif isinstance(event, Notice):
            text = in_html(event.text)
            blocks.append(f'<div class="sample"><small>note</small>{text}</div>')
        if len(blocks) == 4:
            break
    return "".join(blocks)


def measure_rulers(run: Run) -> dict[str, float]:
    """What the loss of pretraining is drawn beside: ln V, unigram, bigram, the text's entropy."""
    from tinyllm.evaluation import rulers_of

    corpus, tokens = find(run, "corpus"), find(run, "tokenizer")
    if corpus is None or tokens is None:
        return {}
    vocab_size = Tokenizer.load(tokens.tokenizer).vocab_size
    return rulers_of(corpus.corpus, tokens.tokenizer, vocab_size)


def look() -> News:
    """The sentence and the chart of this moment."""
    parts = {"words": in_html(WORK.words())}
    return News(parts=parts, picture=WORK.chart(), fact=f"{WORK.begun} {WORK.state}")


def look_at_album() -> News:
    """The album of the stage of run `mine` that has pages and was trained last; the samples."""
    album = Run.named(MINE).album_path
    try:
        drawn = draw_album(album, album.stat().st_mtime_ns)
    except FileNotFoundError:
        drawn = None
    return News(parts={"samples": draw_samples(WORK.events)}, picture=drawn)


@lru_cache(maxsize=1)
def draw_album(album: Path, changed: int) -> dict[str, Any] | None:
    """The picture of an album that was last `changed` at this time."""
    pages = Run(album.parent).album()
    return picture(album_chart(pages)) if pages else None


def look_at_run() -> News:
    """The strip of run `mine`; its fact is what the stages' descriptions depend on."""
    run = Run.named(MINE)
    return News(parts={"run": draw_strip(run)}, fact=" ".join(run.stages_done()))


def start(stage: str, minutes: float) -> None:
    """The Start button."""
    run = Run.named(MINE)
    lacking = missing_before(run, stage)
    try:
        if lacking is not None:
            raise TinyLLMError(f"{SHORT[stage]} needs {SHORT[lacking]} first. Start that one.")
        seconds = minutes * 60 * pace()
        WORK.begin(
            NAMES[stage][0].upper() + NAMES[stage][1:],
            stage,
            lambda: make(run, stage, seconds=seconds, again=True),
            keeps=stage in RESUMES,
            rulers=(lambda: measure_rulers(run)) if stage == "base" else dict,
        )
    except TinyLLMError as error:
        say(str(error))


def buttons(stage: str) -> tuple[Any, Any, Any, Any]:
    """Start, Pause and Stop as they are now; what is done hands the choice on to the next stage."""
    state = WORK.state
    next_one = stage == WORK.stage and state == "done" and stage != STAGES[-1]
    return (
        gr.update(interactive=not WORK.busy),
        gr.update(
            value="Go on" if state == "paused" else "Pause",
            interactive=state in ("running", "paused"),
        ),
        gr.update(interactive=state in ("running", "paused")),
        gr.update(value=STAGES[STAGES.index(stage) + 1]) if next_one else gr.skip(),
    )


def stage_at_hand() -> str:
    """The stage that a page just opened should show: the one at work, else the first not done."""
    if WORK.stage and WORK.state != "done":
        return WORK.stage
    done = Run.named(MINE).stages_done()
    return next((stage for stage in STAGES if stage not in done), STAGES[0])


def build() -> None:
    """The page."""
    heading("Train", "Make your own model, one stage after the other, and watch it learn.")
    run = live(look_at_run, "run", elem_id="train-run")
    stage = gr.Radio(LABELS, value=STAGES[0], label="Stage", elem_id="train-stage")
    what = gr.Markdown(WHAT[STAGES[0]], elem_id="train-what", elem_classes="quiet")
    minutes = gr.Slider(0.25, 10, 1, step=0.25, label="Minutes", elem_id="train-minutes")
    with gr.Row(elem_classes="buttons"):
        go = gr.Button("Start", variant="primary", elem_id="train-start")
        hold = gr.Button("Pause", elem_id="train-pause")
        end = gr.Button("Stop", elem_id="train-stop")
    now = live(look, "words", chart=True, elem_id="train-now")
    live(look_at_album, "head", "samples", chart=True, elem_id="train-album")
    go.click(start, [stage, minutes], None, **MAY_SAY)
    hold.click(WORK.pause, None, None, **AT_ONCE)
    end.click(WORK.stop, None, None, **AT_ONCE)
    now.opened(stage_at_hand, None, stage, **AT_ONCE)
    now.change(buttons, stage, [go, hold, end, stage], **AT_ONCE)
    stage.change(about, stage, [what, go], **AT_ONCE)
    run.change(about, stage, [what, go], **AT_ONCE)
    status_line(DEFAULT)


if __name__ == "__main__":
    launch_alone(build, "train")
