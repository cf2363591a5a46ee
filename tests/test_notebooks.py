"""Every notebook runs from its first cell to its last and leaves its artefact in run `mine`."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tinyllm.runs import MINE, Run

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
LEAVES = {
    "00_welcome": (),
    "01_corpus": ("corpus",),
    "02_tokens": ("tokenizer",),
    "03_pretraining": ("base",),
    "04_finetuning": ("chat",),
    "05_rlhf": ("reward", "aligned"),
}


def test_every_notebook_is_listed_here():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(LEAVES)


@pytest.mark.parametrize("name", LEAVES)
def test_the_notebook_runs_and_leaves_its_artefact(name, course_home, monkeypatch):
    monkeypatch.setenv("TINYLLM_HOME", str(course_home))
    monkeypatch.setenv("TINYLLM_PACE", "0.15")
    monkeypatch.setenv("TINYLLM_HEADLESS", "1")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        store_widget_state=False,
    )
    client.execute()
    assert any(cell.get("outputs") for cell in notebook.cells)
    assert set(LEAVES[name]) <= set(Run.named(MINE).stages_done())
