"""The parts of a page that move: they ask the server what is new and redraw only that.

Gradio's timer sends each answer through its queue, its plot is built anew with each figure, and
leaving the page in between writes errors to the browser's console. So these parts ask by
themselves, once a second while the page is looked at: text changes where it stands, a chart takes
its new data in place, and nothing flickers, jumps, or takes the focus away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gradio as gr
import plotly
import plotly.io as pio

from apps.words import in_html, runs_in_words
from tinyllm.figures import Chart
from tinyllm.figures.chart import INK, TEMPLATE
from tinyllm.runs import DEFAULT, MINE

PLOTLY: Final = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
ASK: Final = """
const place = (name) => element.querySelector(`[data-part="${name}"]`);
let mark = "", fact = null;
async function draw(picture) {
  const chart = place('chart');
  const quiet = getComputedStyle(place('caption')).color;
  picture = JSON.parse(JSON.stringify(picture).replaceAll(props.ink, quiet));
  if (chart.clientWidth < 480) {
    picture.layout.font = {...picture.layout.font, size: 11};
    picture.layout.margin = {...picture.layout.margin, l: 44};
  }
  chart.setAttribute('aria-label', picture.text);
  place('caption').textContent = picture.text;
  chart.style.minHeight = picture.height + 'px';
  const was = chart.layout;
  await window.Plotly.react(chart, picture.data, picture.layout, picture.config);
  if (chart.clientWidth < 480 && picture.layout.meta?.narrow)
    await window.Plotly.relayout(chart, picture.layout.meta.narrow);
  if (was) await turn(chart, was);
}
// The prompt that was chosen stays chosen, and so does a step, but for the last one.
async function turn(chart, was) {
  for (const [kind, parts] of [['updatemenus', 'buttons'], ['sliders', 'steps']]) {
    const [old, now] = [was[kind]?.[0], chart.layout[kind]?.[0]];
    if (!old || !now || old.active === (kind === 'sliders' ? old.steps.length - 1 : now.active))
      continue;
    const place = now[parts].findIndex((part) => part.label === old[parts][old.active].label);
    if (place < 0) continue;
    const [traces, layout] = now[parts][place].args;
    await window.Plotly.update(chart, traces, {...layout, [`${kind}[0].active`]: place});
  }
}
async function beat() {
  if (!element.isConnected) return;
  if (!document.hidden) {
    const news = await server.look(mark);
    element.toggleAttribute('data-away', news === undefined);
    if (news) {
      mark = news.mark;
      for (const [name, words] of Object.entries(news.parts))
        if (place(name).dataset.was !== words) {
          place(name).innerHTML = words;
          place(name).dataset.was = words;
        }
      if (place('chart')) place('chart').hidden = place('caption').hidden = !news.drawn;
      if (news.picture) await draw(news.picture);
      if (fact === null) trigger('opened');
      if (news.fact !== fact) {
        fact = news.fact;
        trigger('change');
      }
    }
  }
  setTimeout(beat, props.pause);
}
beat();
"""


@dataclass(frozen=True, kw_only=True)
class News:
    """What a live part shows now: HTML by the name of its place, and a picture, perhaps.

    When `fact` changes, and when the page opens, the part's `change` event fires, for what only
    Gradio can redraw; when the page opens, its `opened` event does so before.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    picture: Mapping[str, Any] | None = None
    fact: str = ""


def picture(chart: Chart) -> dict[str, Any]:
    """What the page needs to draw `chart`; where a person zoomed in or turned to, it stays so."""
    drawn: dict[str, Any] = json.loads(pio.to_json(chart.figure))
    layout = {**drawn["layout"], "uirevision": "kept"}
    height = chart.figure.layout.height or TEMPLATE.layout.height
    key = hashlib.sha256(json.dumps(drawn).encode()).hexdigest()[:16]
    config = dict(chart.config)
    return {"data": drawn["data"], "layout": layout, "config": config, "text": chart.text,
            "height": height, "key": key}  # fmt: skip


def live(
    look: Callable[[], News],
    *places: str,
    chart: bool = False,
    every: float = 1.0,
    elem_id: str | None = None,
    elem_classes: str | None = None,
) -> gr.HTML:
    """A part of the page that shows the `News` of `look`, place below place.

    With `chart`, the first place is followed by a chart and by its text. It asks again `every` so
    many seconds.
    """
    boxes = [f'<div data-part="{name}" class="{name}"></div>' for name in places]
    if chart:
        boxes[1:1] = [
            '<div data-part="chart" class="chart" role="img" hidden></div>',
            '<p data-part="caption" class="caption" hidden></p>',
        ]

    def news(mark: str) -> dict[str, Any] | None:
        return _reply(look(), mark)

    news.__name__ = "look"
    return gr.HTML(
        html_template="".join(boxes),
        js_on_load=ASK,
        head=f'<script src="{_address(PLOTLY)}"></script>' if chart else None,
        server_functions=[news],
        elem_id=elem_id,
        elem_classes=["live", *([elem_classes] if elem_classes else [])],
        apply_default_css=False,
        pause=round(1000 * every),
        ink=INK,
    )


def _address(path: Path) -> str:
    gr.set_static_paths([path])
    return "gradio_api/file=" + path.as_posix().replace(" ", "%20")


def _reply(now: News, mark: str) -> dict[str, Any] | None:
    """What has changed for a page that last saw `mark`; None where nothing has."""
    words = hashlib.sha256(json.dumps([dict(now.parts), now.fact]).encode()).hexdigest()[:16]
    drawn = now.picture["key"] if now.picture is not None else ""
    if mark == f"{words}/{drawn}":
        return None
    reply: dict[str, Any] = {"mark": f"{words}/{drawn}", "parts": dict(now.parts), "fact": now.fact,
             "drawn": bool(drawn)}  # fmt: skip
    if now.picture is not None and mark.partition("/")[2] != drawn:
        reply["picture"] = dict(now.picture)
    return reply


def status_line(*names: str) -> gr.HTML:
    """The line at the foot of a page that follows the runs `names`: `default` and `mine`."""

    def look() -> News:
        return News(parts={"status": in_html(runs_in_words(*(names or (DEFAULT, MINE))))})

    return live(look, "status", every=2.0, elem_classes="foot")
