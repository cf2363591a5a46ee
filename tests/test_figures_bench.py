"""The page of figures: what there are data for is drawn, what is missing is named."""

import json

import pytest
import torch
from aligning import CONFIG, TOKENIZER, noise_into
from plotly.offline import get_plotlyjs

from tinyllm import taste
from tinyllm.alignment import FeedbackStore, Origin
from tinyllm.answering import policy_hash
from tinyllm.figures.chart import new_figure
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.model import Transformer, save_model
from tinyllm.report import load_bench
from tinyllm.runs import Run

CELL = {
    "condition": "thumbs", "votes": 50, "person": 0, "seed": 0, "win": 0.7, "taste": "animal",
    "promoted": True, "kl": 1.0, "distinct": 0.95, "length": 1.0, "seconds": 40.0,
    "falls": {"helpful seen": 0.01},
}  # fmt: skip
WAY = {
    "on the way": [{"kl": kl, "proxy": kl, "gold": 0.5} for kl in (1.0, 4.0, 9.0, 16.0)],
    "law": {"animal": {"alpha": {"value": 1.0}, "beta": {"value": 0.25}, "r2": 0.9}},
}


@pytest.fixture(name="bench")
def bench_without_a_browser(monkeypatch):
    bench, load = load_bench("figures"), load_bench
    drawing = load("drawing")
    monkeypatch.setattr(drawing, "as_svgs", lambda figures: [f"<svg>{f}</svg>" for f in figures])
    others = {"drawing": drawing}
    monkeypatch.setattr(bench, "load_bench", lambda name: others.get(name) or load(name))
    return bench


def test_the_bandit_needs_no_data_and_the_rest_is_named_with_its_command(bench, tmp_path):
    found = bench.run(tmp_path)
    assert set(found["missing"]) == {"taste", "overoptimisation", "person", "votes"}
    assert found["simplex"].startswith("Three ways to pay")
    page = (tmp_path / "figures.html").read_text(encoding="utf-8")
    assert page.count('role="img"') == 2
    assert page.count(get_plotlyjs()) == 1
    assert "tinyllm bench taste --folder CELLS" in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {"simplex.svg", "arms.svg"}


def test_cells_and_laws_are_drawn(bench, tmp_path):
    (tmp_path / "cells.jsonl").write_text(json.dumps(CELL) + "\n", encoding="utf-8")
    kinds = {"thumbs": {"chat": {}, "best-of-n": WAY, "rl": WAY, "read": []}}
    file = tmp_path / "laws.json"
    file.write_text(json.dumps({"bench": "overoptimisation", "cells": 1, **kinds}))
    found = bench.run(tmp_path / "out", taste=tmp_path, overoptimisation=file)
    assert "After 50 thumbs: the thumbs 70%" in found["taste"]
    told = found["overoptimisation-thumbs"]
    assert "best of n, 4 points." in told
    assert "RLOO, 4 points." in told
    assert "alpha 1.00, beta 0.25, which explains 90% of its variance." in told
    assert "That curve is highest at 4.0 nats" in told
    assert set(found["missing"]) == {"person", "votes"}


def test_a_law_over_all_people_goes_before_those_of_each(bench):
    laws = {"animal": {"alpha": {"value": 1.0}, "beta": {"value": 0.25}, "r2": 0.9}}
    both = {**laws, "food": laws["animal"]}
    assert "fit" not in bench.series({**WAY, "law": both}, "rl")
    every = {**both, "all": {"alpha": {"value": 2.0}, "beta": {"value": 0.5}, "r2": 0.9}}
    assert bench.series({**WAY, "law": every}, "rl")["fit"] == {"gold": (2.0, 0.5)}


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"thumbs": {"rl": {}}}'])
def test_a_file_that_cannot_be_drawn_is_refused_with_the_command_that_makes_one(
    bench, tmp_path, text
):
    if text is not None:
        (tmp_path / "file").write_text(text)
    with pytest.raises(UsageError, match="tinyllm bench overoptimisation"):
        bench.run(tmp_path / "out", overoptimisation=tmp_path / "file")
    with pytest.raises(UsageError, match="tinyllm bench taste"):
        bench.run(tmp_path / "out", taste=tmp_path / "nothing")


def test_a_run_without_a_chat_model_is_refused(bench, tmp_path):
    with pytest.raises(TinyLLMError, match="has no chat model"):
        bench.run(tmp_path, run=Run(tmp_path / "runs" / "new"))


def test_without_a_browser_the_page_is_made_all_the_same(bench, monkeypatch, tmp_path):
    def none(figures):
        raise TinyLLMError("no browser")

    monkeypatch.setattr(bench.load_bench("drawing"), "as_svgs", none)
    found = bench.run(tmp_path)
    assert "pictures" in found["missing"]
    assert (tmp_path / "figures.html").exists()
    assert not list(tmp_path.glob("*.svg"))


def test_votes_are_foreseen_and_explained_from_a_simulated_person_and_from_the_run_itself(
    bench, monkeypatch, tmp_path
):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path))
    run = Run.named("small")
    save_model(noise_into(Transformer(CONFIG), 1), TOKENIZER, run.chat, eos=TOKENIZER.end,
               stage="chat")  # fmt: skip
    texts = ["Tom has a hen.", "It rains.", "Ida cried in the dark.", "A fox sang."] * 10
    asked = [f"A story {n}" for n in range(40)]
    monkeypatch.setattr(bench, "pool", lambda chat, seed: (asked, texts, [True] * 40))
    monkeypatch.setattr(taste, "pool", lambda chat, seed: (asked, texts, [True] * 40))
    small = {"max_new_tokens": 8, "reference_samples": 2}
    monkeypatch.setattr(bench, "CONFIG", type("Small", (), small))
    store = FeedbackStore(tmp_path / "feedback.db")
    for n in range(3):
        store.add_thumb(f"Sing {n}", "La.", 1, origin=Origin(policy_hash=policy_hash(run.chat)))
    store.close()
    found = bench.run(tmp_path / "out", run=run, person=1, votes=24)
    assert found["hidden-taste"].startswith("A hidden taste, and what was found. Hidden: animal")
    assert "after 24 votes" in found["hidden-taste"]
    assert ", 16 prompts)" in found["hidden-taste"]
    assert "24 votes, each foreseen before" in found["reliability-simulated"]
    assert "of 24 votes" in found["foreseen-simulated"]
    assert "after 3 votes" in found["your-votes"]
    assert found["reliability-yours"].endswith("3 votes are too few to say.")
    assert set(found["missing"]) == {"taste", "overoptimisation"}


def test_agreement_is_that_within_prompts_and_its_interval_holds_it(bench):
    generator = torch.Generator().manual_seed(3)
    gold = torch.randn(50, 6, generator=generator, dtype=torch.float64)
    level = torch.randn(50, 1, generator=generator, dtype=torch.float64)
    found = bench.agreement(2 * gold + 9 * level, gold)
    assert found.value == pytest.approx(1.0)
    noise = torch.randn(50, 6, generator=generator, dtype=torch.float64)
    found = bench.agreement(gold + noise, gold)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(0.5**0.5, abs=0.1)
    assert found.n == 50


def test_figures_become_svg_of_the_size_they_ask_for(chromium):
    figures = [new_figure("one", width=500, height=300).add_scatter(y=[1, 2]), new_figure("two")]
    first, second = load_bench("drawing").drawn_by(chromium, figures)
    assert first.startswith('<svg class="main-svg"')
    assert 'width="500" height="300"' in first
    assert ">one<" in first
    assert 'width="860"' in second
