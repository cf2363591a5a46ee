"""Labels saved: what is measured, that it goes on where it stopped, and its table and chart."""

import json
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from aligning import CONFIG, TOKENIZER, noise_into

from tinyllm import savings
from tinyllm.alignment.people import Person, usual_of
from tinyllm.figures import labels_chart
from tinyllm.model import Transformer, save_model
from tinyllm.report import load_bench
from tinyllm.savings import CHANCE, CURVE, LEVELS, WAYS, Cell, Scene, Way, ask, cells, win_of
from tinyllm.taste import Place

TEXTS = ["Tom has a hen.", "It rains on the roof.", "A hat.", "Ida saw two geese and a fox."]


def scene(questions=40, features=5):
    """Two answers to each question, of which the first feature says whether an animal is named."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(questions, 2, features, generator=generator, dtype=torch.float64)
    texts = [(TEXTS[n % 4], TEXTS[n // 4 % 4]) for n in range(questions)]
    for n, both in enumerate(texts):
        for side, text in enumerate(both):
            rows[n, side, 0] = 1.0 if text in (TEXTS[0], TEXTS[3]) else -1.0
    zero = torch.zeros(features, dtype=torch.float64)
    judged = torch.randn(8, features, generator=generator, dtype=torch.float64)
    return Scene(texts=texts, rows=rows, others=[], judged=judged, prices=zero + 2, prior_mean=zero)


def person(**changes):
    return Person(taste={"animal": 1.0}, usual=usual_of(TEXTS), slips=0.0, **changes)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_a_person_likes_is_found_whichever_way_they_are_asked(way):
    told, said = list(ask(person(), scene(), way, (5, 30), seed=0))[-1]
    assert len(said) == 30
    assert told.likely[0] > 0.9
    assert sum(how == "random" for how, _, _ in said) >= way.at_random * 30


def test_one_question_has_one_answer_whichever_way_leads_to_it():
    day, slippery = scene(), replace(person(), slips=0.4)
    asked = [list(ask(replace(slippery, rng=savings.random.Random(7)), day, Way(False, share),
                      (40,), seed=0))[-1][1] for share in (1.0, 0.25)]  # fmt: skip
    assert [how for how, _, _ in asked[0]] != [how for how, _, _ in asked[1]]
    assert sum(up for _, _, up in asked[0]) == sum(up for _, _, up in asked[1])  # all 40 of them


def test_a_reward_that_says_nothing_wins_half_and_the_score_itself_wins_most():
    gold = torch.randn(30, 8, generator=torch.Generator().manual_seed(3))
    assert win_of(torch.zeros(30, 8), gold) == pytest.approx(0.5, abs=1e-6)
    assert win_of(gold, -gold) == pytest.approx(1 - win_of(gold, gold))
    assert win_of(gold, gold) > 0.85 > 0.15 > win_of(-gold, gold)


def test_each_person_is_asked_in_every_way_on_every_day():
    planned = cells(3, 2, tuple(WAYS))
    assert len(set(planned)) == len(planned) == 3 * 2 * len(WAYS)


def test_one_cell_is_a_person_asked_and_what_was_understood(monkeypatch, tmp_path):
    model = noise_into(Transformer(replace(CONFIG, max_position_embeddings=512)), 1)
    save_model(model, TOKENIZER, tmp_path / "chat", eos=TOKENIZER.end, stage="chat")
    small = {"POOL": 12, "JUDGED": 4, "SAMPLES": 2, "LEVELS": (3, 6), "CURVE": (0, 3, 6),
             "CONFIG": replace(savings.CONFIG, max_new_tokens=8)}  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(savings, name, value)
    place = Place(tmp_path / "chat", None)
    for way, levels in ((CHANCE, {"0", "3", "6"}), ("pairs, active", {"3", "6"})):
        found = savings.measure(Cell(way, 6, 0), place)
        assert found["taste"] == "weather + ten words"
        assert set(found["curve"]) == levels
        assert all(0 <= each["win"] <= 1 for each in found["curve"].values())
        assert sum(votes for _, votes in found["foreseen"].values()) == 6
        json.dumps(found)


def row(way, person, seed, wins):
    curve = {str(n): {"win": win, "correlation": win / 2} for n, win in wins.items()}
    return {"way": way, "person": person, "seed": seed, "taste": "animal", "curve": curve,
            "foreseen": {"random": [3, 4], "active": [1, 2]}, "seconds": 1.0}  # fmt: skip


def rows():
    """Chance wins 0.001 a vote; those who choose win as much as twice the votes by chance."""
    for person in range(3):
        for seed in range(2):
            known = 0.5 + person / 100
            yield row(CHANCE, person, seed, {n: known + 0.001 * n for n in CURVE})
            yield row("thumbs, active", person, seed, {n: known + 0.002 * n for n in LEVELS})


def test_the_labels_that_were_saved_are_read_off_the_curve_of_chance():
    found = load_bench("asking").summarise(list(rows()))
    at = found["thumbs, active"]["50"]
    assert at["above chance"]["value"] == pytest.approx(0.05)
    assert at["above chance"]["low"] == pytest.approx(0.05)
    assert at["above chance"]["n"] == 3
    assert at["worth"] == {"value": 100.0, "low": 100.0, "high": 100.0, "saved": 50.0, "n": 3}
    assert found[CHANCE]["50"]["worth"]["saved"] == 0
    overall = found["thumbs, active"]["above chance"]
    assert overall["value"] == pytest.approx((0.025 + 0.05 + 0.1) / 3, abs=1e-6)
    assert found["thumbs, active"]["foreseen"]["random"] == {"right": 18, "votes": 24}


def test_a_person_is_compared_with_themselves_on_the_same_day_only():
    some = [each for each in rows() if each["way"] == CHANCE or each["seed"] == 0]
    for each in some:
        if each["seed"] == 1:
            each["curve"] = {n: {"win": 0.0, "correlation": 0.0} for n in each["curve"]}
    at = load_bench("asking").summarise(some)["thumbs, active"]["50"]
    assert at["above chance"]["value"] == pytest.approx(0.05)
    assert at["worth"]["value"] == 100


def test_what_loses_saves_less_than_nothing():
    bench = load_bench("asking")
    chance = {person: {0: 0.5, 50: 0.6, 100: 0.8} for person in range(4)}
    assert bench.worth({n: {100: 0.55} for n in range(4)}, chance, 100)["value"] == 25
    assert bench.worth({n: {100: 0.9} for n in range(4)}, chance, 100)["value"] == 100
    assert bench.worth({}, chance, 100) is None


def test_the_bench_measures_what_is_missing_and_draws_it(monkeypatch, tmp_path):
    bench = load_bench("asking")
    monkeypatch.setattr("tinyllm.taste.find", lambda *_: SimpleNamespace(chat=1, reward=2))
    calls = []

    class Now:
        def submit(self, _, cell, place):
            calls.append(cell)
            done = Future()
            levels = CURVE if cell.way == CHANCE else LEVELS
            done.set_result(row(cell.way, cell.person, cell.seed, dict.fromkeys(levels, 0.7)))
            return done

    monkeypatch.setattr("tinyllm.cells.get_reusable_executor", lambda max_workers: Now())
    run = SimpleNamespace(name="default")
    bench.run(run, folder=tmp_path, people=1, seeds=1)
    found = bench.run(run, folder=tmp_path, people=2, seeds=1, picture=tmp_path / "labels.html")
    assert len(calls) == len(set(calls)) == found["cells"] == 2 * len(WAYS)
    page = (tmp_path / "labels.html").read_text(encoding="utf-8")
    assert "after 100 pairs: by chance 0.70, chosen 0.70." in page
    json.dumps(found)


def test_the_chart_says_what_it_shows():
    found = load_bench("asking").summarise(list(rows()))
    chart = labels_chart(found)
    assert "Win rate after 50 thumbs: by chance 0.56, chosen 0.61." in chart.text
    assert "after 200 thumbs" not in chart.text
    lines = [trace for trace in chart.figure.data if trace.mode == "lines+markers"]
    bands = [trace for trace in chart.figure.data if trace.fill == "toself"]
    assert [list(line.x) for line in lines] == [list(CURVE), list(LEVELS)]
    assert len(bands) == len(lines)
    assert labels_chart({}).text.endswith("Nothing measured yet.")
