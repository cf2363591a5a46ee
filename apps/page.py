"""What every page shares: its look, its heading, and how it is served."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # must stand before the import

import gradio as gr

from apps.words import in_html

PRIVATE: Final = {"api_visibility": "private"}
"""For every event of a page: the pages are for people, and offer no API of their own."""
MAY_SAY: Final = {"show_progress": "hidden", **PRIVATE}
"""For events that may `say` something: only what goes through the queue reaches the person."""
AT_ONCE: Final = {"queue": False, **MAY_SAY}
"""For events that are answered in a moment: no queue, no veil over what they change."""

INK, INK_DARK = "#1c2430", "#e7eaee"
QUIET, QUIET_DARK = "#566273", "#a3aebb"
PAPER, PAPER_DARK = "#ffffff", "#12161b"
PANEL, PANEL_DARK = "#f5f7f9", "#1b2129"
LINE, LINE_DARK = "#d5dbe3", "#35404c"
BLUE, SKY = "#0072b2", "#56b4e9"
"""Okabe and Ito's blue and sky blue, as in the charts: blue reads on white, sky blue on black."""

STYLE: Final = Path(__file__).with_name("look.css")
Build = Callable[[], None]


def theme() -> gr.themes.Base:
    """Plain and flat: system fonts, one accent, lines in place of shadows."""
    chosen = {
        "body_background_fill": (PAPER, PAPER_DARK),
        "background_fill_primary": (PAPER, PAPER_DARK),
        "background_fill_secondary": (PANEL, PANEL_DARK),
        "body_text_color": (INK, INK_DARK),
        "body_text_color_subdued": (QUIET, QUIET_DARK),
        "border_color_primary": (LINE, LINE_DARK),
        "block_background_fill": ("transparent", "transparent"),
        "block_border_width": ("0px", "0px"),
        "block_title_text_color": (QUIET, QUIET_DARK),
        "block_label_text_color": (QUIET, QUIET_DARK),
        "color_accent_soft": (PANEL, PANEL_DARK),
        "link_text_color": (BLUE, SKY),
        "link_text_color_hover": (BLUE, SKY),
        "link_text_color_visited": (BLUE, SKY),
        "slider_color": (BLUE, SKY),
        "input_background_fill": (PAPER, PANEL_DARK),
        "input_border_color": (LINE, LINE_DARK),
        "input_border_color_focus": (BLUE, SKY),
        "input_border_width": ("1px", "1px"),
        "input_placeholder_color": ("#6b7787", "#8b97a5"),
        "input_shadow_focus": ("none", "none"),
        "button_primary_background_fill": (BLUE, BLUE),
        "button_primary_background_fill_hover": ("#005f96", "#0a83c7"),
        "button_primary_text_color": ("#ffffff", "#ffffff"),
        "button_secondary_background_fill": (PAPER, PANEL_DARK),
        "button_secondary_background_fill_hover": (PANEL, "#26303b"),
        "button_secondary_border_color": (LINE, LINE_DARK),
        "button_secondary_text_color": (INK, INK_DARK),
    }
    values = {name: light for name, (light, _) in chosen.items()}
    values |= {f"{name}_dark": dark for name, (_, dark) in chosen.items()}
    values |= {
        "color_accent": "var(--link-text-color)",
        "block_padding": "0px",
        "layout_gap": "1rem",
        "form_gap_width": "1rem",
    }
    values |= {"checkbox_label_padding": "5px 9px", "checkbox_label_gap": "6px"}
    values |= {"block_title_text_weight": "500", "button_border_width": "1px"}
    values |= {f"button_{size}_text_weight": "500" for size in ("small", "medium", "large")}
    return gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size="sm",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    ).set(**values)


def heading(title: str, words: str) -> None:
    """A page's title and the one sentence under it."""
    gr.Markdown(f"# {title}\n{words}", elem_classes="page-title")


def section(title: str, words: str = "") -> None:
    """The head of a part of a page."""
    gr.Markdown(f"## {title}\n{words}", elem_classes="section")


def say(words: str) -> None:
    """Say something to the person beside the page, in an event that `MAY_SAY` it."""
    gr.Info(in_html(words))


def launch(demo: gr.Blocks, port: int | None) -> None:
    """Serve on loopback alone, with nothing sent anywhere and nothing kept in the browser.

    Ctrl-C and SIGTERM end it; work that a page began keeps what it has (`apps.work`).
    """
    demo.queue(default_concurrency_limit=8).launch(
        server_name="127.0.0.1",
        server_port=port,
        ssr_mode=False,
        share=False,
        quiet=True,
        show_error=True,
        theme=theme(),
        css_paths=STYLE,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        prevent_thread_lock=True,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        demo.close(verbose=False)


def read_port() -> int | None:
    """The `--port` of a page's command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=None, help="default: the first free one")
    port: int | None = parser.parse_args().port
    return port


def launch_alone(build: Build, title: str) -> None:
    """Serve one page by itself."""
    with gr.Blocks(title=f"tinyllm: {title}") as demo:
        build()
    launch(demo, read_port())
