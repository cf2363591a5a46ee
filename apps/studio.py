"""The studio: every app page under one roof, on loopback."""

from __future__ import annotations

from typing import Final

import gradio as gr

from apps import align, chat, next_token, tokens, train
from apps.live import News, live
from apps.page import heading, launch, read_port
from apps.words import draw_strip, in_html, where_it_stands
from tinyllm.files import TinyLLMError
from tinyllm.runs import DEFAULT, MINE, Run

PAGES: Final = (
    ("Tokens", "tokens", tokens.build, "How text is cut into the pieces that a model reads."),
    ("Next token", "next-token", next_token.build, "What the model expects next, as bars."),
    ("Train", "train", train.build, "Make your own model, stage by stage, and watch it learn."),
    ("Chat", "chat", chat.build, "Talk with the model; your thumbs are kept."),
    ("Align", "align", align.build, "Let your thumbs move the weights, and see what changed."),
)


def look() -> News:
    """The run that the program trains, and the learner's own once it has begun."""
    try:
        parts = {"default": _draw_run("The first model, run default", Run.named(DEFAULT))}
        mine = Run.named(MINE)
        parts["mine"] = _draw_run("Your own model, run mine", mine) if mine.root.exists() else ""
        return News(parts=parts)
    except TinyLLMError as error:
        return News(parts={"default": f'<p class="notice">{in_html(str(error))}</p>', "mine": ""})


def _draw_run(title: str, run: Run) -> str:
    words = in_html(where_it_stands(run))
    return f'<h2>{title}</h2>{draw_strip(run)}<p class="stands">{words}</p>'


def draw_pages() -> str:
    """The pages and what each is for."""
    rows = "".join(
        f'<li><a href="{path}">{name}</a><span>{words}</span></li>'
        for name, path, _, words in PAGES
    )
    return f'<ul class="pages">{rows}</ul>'


def build() -> gr.Blocks:
    """The front page and a route for each app."""
    with gr.Blocks(title="tinyllm studio") as demo:
        gr.Navbar(main_page_name="Studio")
        heading("tinyllm studio", "Make a language model, all of it, on this machine.")
        live(look, "default", "mine", elem_id="studio-runs")
        gr.HTML(draw_pages(), apply_default_css=False, js_on_load=None)
    for name, path, page, _ in PAGES:
        with demo.route(name, f"/{path}"):
            gr.Navbar(main_page_name="Studio")
            page()
    return demo


if __name__ == "__main__":
    launch(build(), read_port())
