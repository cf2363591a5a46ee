"""Figures as SVG files, drawn by plotly in the browser that the tests use."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tinyllm.files import TinyLLMError

TESTS = Path(__file__).resolve().parent.parent / "tests"
WIDTH = 860
"""Of a figure that does not say how wide it is, in pixels."""
DRAW = """
async (figure) => {
  const place = document.createElement('div');
  document.body.append(place);
  await Plotly.newPlot(place, figure.data, figure.layout);
  const uri = await Plotly.toImage(place, {format: 'svg'});
  place.remove();
  return uri;
}
"""


def as_svgs(figures: Iterable[go.Figure]) -> list[str]:
    """Each figure as SVG; `TinyLLMError` where there is no browser."""
    sys.path.insert(0, str(TESTS))
    from browser import launched

    def give_up(reason: str) -> None:
        raise TinyLLMError(f"Pictures need a browser: {reason}")

    with launched(give_up) as browser:
        return drawn_by(browser, figures)


def drawn_by(browser: Any, figures: Iterable[go.Figure]) -> list[str]:
    """Each figure as SVG, drawn by an open browser."""
    page = browser.new_page()
    page.add_script_tag(content=get_plotlyjs())
    uris = [page.evaluate(DRAW, _read(figure)) for figure in figures]
    page.close()
    return [unquote(uri.split(",", 1)[1]) for uri in uris]


def _read(figure: go.Figure) -> dict[str, Any]:
    """What plotly in the browser reads."""
    found: dict[str, Any] = json.loads(figure.to_json())
    found["layout"].setdefault("width", WIDTH)
    return found
