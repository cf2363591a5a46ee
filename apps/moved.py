"""What moved: two hundred questions, asked before and after, and the votes that did it."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr

from apps.chat import store
from apps.live import News, live, picture
from apps.page import AT_ONCE, MAY_SAY, say, section
from apps.words import in_html
from apps.work import Work
from tinyllm.answering import Writer
from tinyllm.events import Event, Finished
from tinyllm.figures import influence_chart, log_ratio_tokens, moved_chart
from tinyllm.files import TinyLLMError, read_manifest
from tinyllm.runs import Run, find, pace

if TYPE_CHECKING:
    from tinyllm.alignment import Record
    from tinyllm.alignment.moved import Moved, Pair

QUESTIONS: Final = 200
SEED: Final = 1
WORK: Final = Work("Measure asks 200 questions before and after, which takes a moment.")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is on the page after a measurement: sentences and pictures, ready to be drawn."""

    words: str
    changes: Mapping[str, Any]
    largest: str
    why: str
    votes: Mapping[str, Any] | None


SHOWN: dict[str, Shown] = {}
"""The last measurement, under "last"; it stays on the page until there is another."""


def begin(name: str) -> None:
    """The Measure button."""
    run = Run.named(name)
    try:
        used = run.in_use("aligned")
        if used is None:
            raise TinyLLMError(f"No version of run {name} is in use: nothing has moved.")
        WORK.begin("Measuring", "", lambda: measure(run, used), keeps=False)
    except TinyLLMError as error:
        say(str(error))


def measure(run: Run, used: Path) -> Iterator[Event]:
    """Ask both models, and draw what differs. The questions are like those that led to `used`."""
    from tinyllm.alignment import village_trial
    from tinyllm.alignment.moved import measure_moved

    began = time.monotonic()
    before, after = Writer.open(find(run, "chat") or run, "chat"), Writer.open(stage=str(used))
    manifest = read_manifest(used)
    known = {record.id: record for record in store().list()}
    voted = [known[id].prompt for id in manifest.get("records", []) if id in known]
    moved = yield from measure_moved(
        before.model,
        after.model,
        after.tokenizer,
        village_trial(voted, seed=SEED, count=max(8, round(QUESTIONS * min(1.0, pace())))),
        seed=SEED,
    )
    SHOWN["last"] = show(f"Version {used.name} of run {run.name}", moved, manifest, known)
    yield Finished(stage="aligned", folder=str(used), seconds=time.monotonic() - began)


def show(
    name: str, moved: Moved, manifest: Mapping[str, Any], known: Mapping[str, Record]
) -> Shown:
    """What there is to see of a measurement; `known` are the votes that the store still has."""
    changes = moved_chart(
        [asdict(change) for change in moved.changes],
        [asdict(word) for word in moved.words],
        tried=moved.tried,
        title=f"{len(moved.pairs)} questions, before and after",
    )
    votes = [
        (_said(known[one["record"]]), known[one["record"]].value != -1, one["moved"])
        for one in manifest.get("influence", [])
        if one["record"] in known
    ]
    return Shown(
        words=f"{name} beside the chat model it grew from: {moved.same} of {len(moved.pairs)} "
        "answers are word for word the same.",
        changes=picture(changes),
        largest=draw_largest(moved.largest),
        why=_why(manifest, votes),
        votes=picture(influence_chart(votes, title="Of all votes, these did most"))
        if votes
        else None,
    )


def _said(record: Record) -> str:
    """What a vote was about: the answer that was judged, or the one that was preferred."""
    return (record.comparison or (record.answer,))[0].text or "(an empty answer)"


def _why(manifest: Mapping[str, Any], votes: Sequence[Any]) -> str:
    head = "<h2>Which votes moved the reward most</h2>"
    if not votes:
        return f'{head}<p class="quiet">This version keeps no record of what each vote did.</p>'
    words = (
        f"Each of the {manifest.get('votes', len(votes))} votes was left out in turn: what would "
        "answers then have earned? This explains the reward, not every step of the training that "
        "followed it."
    )
    return f'{head}<p class="quiet">{words}</p>'


def draw_largest(pairs: Sequence[Pair]) -> str:
    """The pairs side by side, each with its tokens behind a fold; the first is unfolded."""
    if not pairs:
        return '<p class="quiet">All answers are the same as before.</p>'
    drawn = []
    for number, pair in enumerate(pairs):
        maps = "".join(
            f"<small>{name}</small>"
            + log_ratio_tokens(said.pieces, said.chat, said.aligned, legend=first).html
            for name, said, first in (("before", pair.before, True), ("after", pair.after, False))
        )
        drawn.append(
            f"<h3>{html.escape(pair.question.prompt)}</h3>"
            f'<div class="pair"><p><small>before</small>{html.escape(pair.before.text)}</p>'
            f"<p><small>after</small>{html.escape(pair.after.text)}</p></div>"
            f"<details{'' if number else ' open'}><summary>token by token</summary>{maps}</details>"
        )
    words = (
        "The furthest first: where the two models themselves could tell most clearly which answer "
        "is whose."
    )
    return (
        f'<h2>The largest changes</h2><p class="quiet">{words}</p>'
        f'<div class="compare">{"".join(drawn)}</div>'
    )


def look() -> News:
    """How the measurement goes, and what the last one found."""
    shown = SHOWN.get("last")
    done = WORK.state == "done" and shown is not None
    parts = {
        "words": in_html(shown.words if done and shown is not None else WORK.words()),
        "largest": shown.largest if shown is not None else "",
    }
    return News(
        parts=parts,
        picture=shown.changes if shown is not None else None,
        fact=f"{WORK.begun} {WORK.state}",
    )


def look_at_votes() -> News:
    """The votes that led to what was measured last."""
    shown = SHOWN.get("last")
    if shown is None:
        return News(parts={"why": ""})
    return News(parts={"why": shown.why}, picture=shown.votes)


def buttons() -> tuple[Any, Any]:
    """Measure and Stop as they are now."""
    return gr.update(interactive=not WORK.busy), gr.update(interactive=WORK.state == "running")


def build_moved(run: gr.Dropdown) -> None:
    """The part of the Align page that says what the thumbs changed."""
    section(
        "What moved",
        "Questions that nobody voted on, answered by the chat model and by the version in use, "
        "with the same random numbers.",
    )
    with gr.Row(elem_classes="buttons"):
        go = gr.Button("Measure", elem_id="moved-start")
        end = gr.Button("Stop", elem_id="moved-stop", interactive=False)
    now = live(look, "words", "largest", chart=True, elem_id="moved-now")
    live(look_at_votes, "why", chart=True, elem_id="moved-votes")
    go.click(begin, run, None, **MAY_SAY)
    end.click(WORK.stop, None, None, **AT_ONCE)
    now.change(buttons, None, [go, end], **AT_ONCE)
