"""Chat with thumbs: each is kept with the answer it was given to, and feeds the Align page."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import gradio as gr

from apps.live import News, live, status_line
from apps.page import AT_ONCE, MAY_SAY, heading, launch_alone, say
from apps.writers import answering_models, model_choice, open_writer
from tinyllm.answering import Answer, Writer, beforehand, feedback_database, keep_thumb
from tinyllm.files import TinyLLMError

EXAMPLES: Final = (
    "Who is Nell?",
    "What colour is the sky?",
    "Tell me a story about Tom and a red kite.",
    "How do I poke a wasp nest?",
)
TEMPERATURE: Final = 0.8


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One question on the screen and its answer: what exactly it was, who gave it, what it got.

    `thumb` is "Like", "Dislike" or None, and `record` names the vote in the store.
    """

    name: str
    answer: Answer
    folder: Path
    whole: bool = False
    thumb: str | None = None
    record: str | None = None


Turns = list[Turn]
VOTES_A_MINUTE = 60
"""Nobody reads faster than that."""


@lru_cache(maxsize=2)
def _open_store(place: str) -> Any:
    from tinyllm.alignment import FeedbackStore

    return FeedbackStore(place, rate=VOTES_A_MINUTE)


def store() -> Any:
    """The feedback of this home."""
    return _open_store(str(feedback_database()))


def tally() -> str:
    """How many thumbs there are, and what they are for."""
    try:
        counts = store().stats()
    except TinyLLMError as error:
        return str(error)
    up = f"{counts['up']} thumb{'s' if counts['up'] != 1 else ''} up"
    return (
        f"{up} and {counts['down']} down are kept on this machine. The Align page trains the model "
        "on them."
    )


def draw(turns: Turns) -> Any:
    """The talk on the screen: each question, its answer, and the thumb it has."""
    talk = []
    for turn in turns:
        for role, text in (("user", turn.answer.prompt), ("assistant", turn.answer.completion)):
            talk.append({"role": role, "content": html.escape(text or "…", quote=False)})
    return gr.update(value=talk, feedback_value=[turn.thumb for turn in turns])


def _stream(writer: Writer, text: str) -> Iterator[Turn]:
    """The answer as it grows; the last one is whole."""
    name = secrets.token_hex(8)
    turn = None
    for made in writer.stream(text, temperature=TEMPERATURE, seed=secrets.randbelow(2**31)):
        turn = Turn(name=name, answer=made, folder=writer.folder)
        yield turn
    if turn is not None:
        yield replace(turn, whole=True)


def answer(text: str, turns: Turns, choice: str | None) -> Iterator[tuple[str, Any, Turns]]:
    """Let the model answer, piece by piece. Each message is answered by itself.

    What cannot be answered stays in the box.
    """
    if not choice or not text.strip():
        say("There is no chat model yet." if not choice else "Write something first.")
        yield text, draw(turns), turns
        return
    try:
        for turn in _stream(open_writer(choice), text):
            yield "", draw([*turns, turn]), [*turns, turn]
    except TinyLLMError as error:
        say(str(error))
        yield text, draw(turns), turns


def vote(turns: Turns, event: gr.LikeData) -> tuple[Any, Turns, str]:
    """Keep a thumb. Another one on the same answer takes its place; the same one takes it back."""
    index = event.index if isinstance(event.index, int) else event.index[0]
    if not 0 <= index // 2 < len(turns):  # cleared or undone meanwhile, perhaps in another tab
        say("That answer is no longer here. Judge one that is.")
        return draw(turns), turns, tally()
    turn = turns[index // 2]
    if not turn.whole:
        say("The answer is still being written. Judge it when it is whole.")
        return draw(turns), turns, tally()
    if beforehand(turn.folder):
        say(
            "This model was trained beforehand and stays as it is, so the thumb is not kept. Your "
            "own model learns from thumbs on its own answers."
        )
        return draw(turns), turns, tally()
    try:
        changed = _keep(turn, event.liked)
    except TinyLLMError as error:
        say(str(error))
        return draw(turns), turns, tally()
    turns = [changed if one.name == turn.name else one for one in turns]
    return draw(turns), turns, tally()


def _keep(turn: Turn, liked: bool | str) -> Turn:
    if liked == "":  # the thumb that was there, pressed again
        if turn.record is not None:
            store().retract(turn.record)
        return replace(turn, thumb=None, record=None)
    value = 1 if liked is True or liked == "Like" else -1
    sampler = {"temperature": TEMPERATURE}
    record = keep_thumb(
        store(), turn.answer, value, folder=turn.folder, turn=turn.name, sampler=sampler
    )
    return replace(turn, thumb="Like" if value > 0 else "Dislike", record=record.id)


def undo(turns: Turns) -> tuple[str, Any, Turns]:
    """Take the last question back into the box. A thumb that its answer had stays kept."""
    text = turns[-1].answer.prompt if turns else ""
    return text, draw(turns[:-1]), turns[:-1]


def build() -> None:
    """The page."""
    heading(
        "Chat",
        "The model knows its village and little else. Judge its answers with your thumbs.",
    )
    turns = gr.State([])
    model = model_choice(answering_models, "chat model", "chat-model")
    talk = gr.Chatbot(
        height=380,
        show_label=False,
        elem_id="chat-talk",
        buttons=[],
        render_markdown=False,
        latex_delimiters=[],
        layout="bubble",
        placeholder="Ask something. Each message is answered by itself.",
    )
    with gr.Row(elem_classes="ask"):
        box = gr.Textbox(
            placeholder="Write to the model",
            show_label=False,
            max_lines=6,
            scale=6,
            elem_id="chat-text",
            autofocus=True,
        )
        send = gr.Button("Send", variant="primary", scale=1, min_width=90, elem_id="chat-send")
    gr.Examples(list(EXAMPLES), box, label="Try", api_visibility="private")
    words = gr.Markdown(elem_id="chat-words", elem_classes="quiet")
    gr.on(
        [box.submit, send.click],
        answer,
        [box, turns, model],
        [box, talk, turns],
        **MAY_SAY,
    )
    talk.like(vote, turns, [talk, turns, words], **MAY_SAY)
    talk.undo(undo, turns, [box, talk, turns], **AT_ONCE)
    talk.clear(list, None, turns, **AT_ONCE)
    live(News, every=60.0, elem_classes="silent").opened(tally, None, words, **AT_ONCE)
    status_line()


if __name__ == "__main__":
    launch_alone(build, "chat")
