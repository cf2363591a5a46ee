"""Taste-N: which trainings it is made of, that it goes on where it stopped, and its table."""

import json
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aligning import CONFIG, TOKENIZER, noise_into

from tinyllm import taste
from tinyllm.alignment.people import meet
from tinyllm.files import UsageError
from tinyllm.model import Transformer, save_model
from tinyllm.report import load_bench
from tinyllm.taste import CONDITIONS, VOTES, Cell, Place, cells, measure, votes_of

TEXTS = ["Tom has a hen.", "It rains on the roof.", "Ida cried in the dark."]


def row(condition, votes, person, seed, win, taste_name="animal"):
    return {
        "condition": condition, "votes": votes, "person": person, "seed": seed, "win": win,
        "taste": taste_name, "promoted": True, "kl": 1.0, "distinct": 0.95, "length": 1.0,
        "seconds": 40.0, "falls": {"helpful seen": 0.01},
    }  # fmt: skip


def test_the_whole_of_it_is_twenty_people_on_two_days_and_every_control():
    planned = cells(20, 2, 30, VOTES)
    assert len(set(planned)) == len(planned)
    counted = Counter((cell.condition, cell.votes) for cell in planned)
    assert {n: counted["thumbs", n] for n in VOTES} == dict.fromkeys(VOTES, 40)
    assert counted["length only", 50] == counted["length only", 200] == 40
    assert counted["shuffled", 100] == 30
    assert counted["oracle", 100] == counted["inverted", 100] == 20
    assert counted["beyond", 100] == 4
    assert {cell.condition for cell in planned} == set(CONDITIONS)


def test_controls_see_the_same_answers_and_other_thumbs(monkeypatch, tmp_path):
    asked = [f"Tell me a story about {n}." for n in range(60)]
    texts = [TEXTS[n % 3] for n in range(60)]
    monkeypatch.setattr(taste, "pool", lambda chat, seed: (asked, texts, [True] * 60))
    place = Place(tmp_path, None)
    seen = {}
    for condition in ("thumbs", "inverted", "shuffled"):
        records = votes_of(meet(0, texts), place, Cell(condition, 40, 0, 0))
        assert len({record.prompt for record in records}) == 40
        seen[condition] = records
    values = {name: [record.value for record in records] for name, records in seen.items()}
    assert values["inverted"] == [-value for value in values["thumbs"]]
    assert sorted(values["shuffled"]) == sorted(values["thumbs"])
    assert values["shuffled"] != values["thumbs"]
    assert [r.prompt for r in seen["inverted"]] == [r.prompt for r in seen["thumbs"]]


def test_one_cell_is_an_alignment_and_a_verdict(monkeypatch, tmp_path):
    model = noise_into(Transformer(replace(CONFIG, max_position_embeddings=512)), 1)
    save_model(model, TOKENIZER, tmp_path / "chat", eos=TOKENIZER.end, stage="chat")
    small = replace(taste.CONFIG, steps=2, evaluate_every=2, practice=6, max_new_tokens=8)
    for name, value in {"POOL": 12, "ASKED": 2, "SAMPLES": 2, "GRADED": 2, "CONFIG": small}.items():
        monkeypatch.setattr(taste, name, value)
    found = measure(Cell("thumbs", 5, 6, 0), Place(tmp_path / "chat", None))
    assert found["taste"] == "weather + ten words"
    assert 0 <= found["win"] <= 1
    assert found["kl"] >= 0
    assert len(found["falls"]) == 6
    assert len(found["said"]) >= 3
    json.dumps(found)


def test_the_bench_measures_what_is_missing_and_no_more(monkeypatch, tmp_path):
    bench = load_bench("taste")
    place = SimpleNamespace(chat=tmp_path, reward=tmp_path)
    monkeypatch.setattr(taste, "find", lambda run, stage: place)
    calls = []

    class Now:
        def submit(self, _, cell, place):
            calls.append(cell)
            done = Future()
            done.set_result(row(cell.condition, cell.votes, cell.person, cell.seed, 0.7))
            return done

    monkeypatch.setattr("tinyllm.cells.get_reusable_executor", lambda max_workers: Now())
    asked = {"people": 2, "seeds": 1, "shuffles": 1, "votes": [50]}
    run = SimpleNamespace(name="default")
    bench.run(tmp_path / "t", run, **asked, conditions=["thumbs"])
    assert len(calls) == 2
    found = bench.run(tmp_path / "t", run, **asked)
    assert len(calls) == len(set(calls)) == len(cells(2, 1, 1, [50]))
    assert found["cells"] == len(calls)
    assert found["thumbs"]["50"]["win"]["value"] == pytest.approx(0.7)
    with pytest.raises(UsageError, match="There is no condition luck"):
        bench.run(tmp_path / "t", run, **asked, conditions=["luck"])


def test_the_table_pairs_each_person_with_themselves():
    rows = [row("thumbs", 50, person, seed, 0.6 + person / 10) for person in (0, 1, 2)
            for seed in (0, 1)]  # fmt: skip
    rows += [row("length only", 50, person, seed, 0.5 + person / 10) for person in (0, 1, 2)
             for seed in (0, 1)]  # fmt: skip
    rows.append(row("thumbs", 50, 3, 0, 0.3, "speech"))
    found = load_bench("taste").summarise(rows)
    above = found["thumbs"]["50"]["above length only"]
    assert above["value"] == pytest.approx(0.1)
    assert above["low"] == pytest.approx(0.1)
    assert above["n"] == 3
    assert found["thumbs"]["50"]["worst"] == ("speech", 0.3)
    assert found["thumbs"]["50"]["content"]["value"] == pytest.approx(0.7)
