"""Cause and effect: what two variants of the data do to one model, beside a control."""

import json
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from training_fakes import a_plan, shrink

from tinyllm import cli
from tinyllm.corpus import read_text
from tinyllm.effects import (
    COPIES,
    FILTERS,
    NOTHING,
    PAGES,
    PAIRS,
    Compared,
    Comparison,
    Variant,
    compare_data,
    difference_of,
    measuring,
)
from tinyllm.effects import compare as compare_module
from tinyllm.effects.results import bits_per_byte, control_of
from tinyllm.events import Evaluation, Progress, Step
from tinyllm.figures import comparison_chart
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.runs import Run
from tinyllm.turns import is_training

ALL = Variant(name="all voices", vocabulary=320)
FACTS = Variant(name="facts only", kind="fact", vocabulary=320)
PAGES_ON = Variant(name="filters on", kind=PAGES, vocabulary=320)
PLAN = a_plan(steps=100, rows=4, context=64)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    shrink(monkeypatch)
    monkeypatch.setattr(measuring, "SAMPLE_TOKENS", 8)


@pytest.fixture
def compare(tmp_path):
    """A comparison of seconds in `tmp_path/NAME`."""

    def start(first, second, name="comparison", **changes):
        values = {"plan": PLAN, "characters": 40_000, "documents": 20, **changes}
        return compare_data(first, second, folder=tmp_path / name, **values)

    return start


def result(events):
    *_, last = events
    assert isinstance(last, Compared)
    return last.comparison


def test_a_variant_against_itself_has_no_detectable_change(compare):
    found = result(compare(ALL, ALL, plan=a_plan(steps=6)))
    first, second, control = (run.bits_per_byte.value for run in found.runs)
    assert first == second
    assert control != first
    assert found.verdict == NOTHING
    assert found.sentence.startswith("No detectable change: ")


def test_one_voice_is_worse_where_all_are_spoken_and_the_result_can_be_read_again(
    compare, tmp_path
):
    events = list(compare(ALL, FACTS, controls=2))
    found = result(events)
    assert found.verdict == "worse", found.sentence
    assert found.sentence.startswith("facts only makes the model worse: ")
    assert found.difference.value > 5 * max(abs(control.value) for control in found.controls)
    assert [run.seed for run in found.runs] == [0, 0, 1, 1]
    assert {run.vocabulary for run in found.runs} == {320}
    assert Comparison.load(tmp_path / "comparison") == found
    kept = json.loads((tmp_path / "comparison" / "comparison.json").read_text(encoding="utf-8"))
    assert kept["verdict"] == "worse"
    assert kept["sentence"] in comparison_chart(kept).text
    assert [prompt for prompt, _ in found.runs[0].samples] == ["", "Once upon a time", "The sky is"]
    assert [prompt for prompt, _, _ in found.samples()][:2] == ["(nothing)", "Once upon a time"]
    told = [e for e in events if isinstance(e, Progress) and e.stage == "compare"]
    assert [e.done for e in told] == sorted(e.done for e in told)
    assert told[-1].eta_seconds < 10
    looks = [e for e in events if isinstance(e, Evaluation) and e.stage == "compare"]
    assert [e.metrics["first-0"] for e in looks if "first-0" in e.metrics] == [
        bits for _, bits in found.runs[0].curve
    ]


def test_both_are_measured_on_the_same_documents_that_neither_has_read(compare, tmp_path):
    off = Variant(name="off", kind=PAGES, vocabulary=320, without=(*FILTERS, *COPIES))
    found = result(compare(PAGES_ON, off, plan=a_plan(steps=3)))
    first, second = (
        [d.text for d in read_text(tmp_path / "comparison" / side / "corpus", "validation")]
        for side in ("first", "second")
    )
    assert first == second
    assert len(first) == found.documents == 20
    assert found.bytes == sum(len(text.encode()) for text in first)
    for side in ("first", "second"):
        read = {d.text for d in read_text(tmp_path / "comparison" / side / "corpus", "train")}
        assert not read & set(first)
    sizes = {run.side: run.train_bytes for run in found.runs}
    assert sizes["second"] > 1.1 * sizes["first"]
    assert found.verdict == NOTHING


def test_other_peoples_text_is_held_out_of_both_variants(compare, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for n in range(60):
        (mine / f"{n}.txt").write_text(f"Letter {n}. " + f"Dear {n}, it rains. " * 30)
    (mine / "copy.txt").write_text((mine / "7.txt").read_text())
    one = Variant(name="dropped", sources=(str(mine),), vocabulary=320)
    other = Variant(name="kept", sources=(str(mine),), vocabulary=320, without=COPIES)
    result(compare(one, other, plan=a_plan(steps=2)))
    corpora = [tmp_path / "comparison" / side / "corpus" for side in ("first", "second")]
    held_out = {d.id for d in read_text(corpora[0], "validation")}
    assert len(held_out) == 3
    counts = []
    for corpus in corpora:
        ids = [d.id for d in read_text(corpus, "train")]
        assert not held_out & set(ids)
        counts.append(len(ids))
    assert counts == [57, 58]


def stopped_after(events, kind, number):
    with closing(events):
        seen = 0
        for event in events:
            seen += isinstance(event, kind)
            if seen == number:
                return


@pytest.mark.parametrize("steps", [5, 12 + 7, 2 * 12 + 1])
def test_a_stopped_comparison_goes_on_to_the_same_figures(compare, tmp_path, steps):
    plan = a_plan(steps=12)
    whole = result(compare(ALL, FACTS, "whole", plan=plan))
    stopped_after(compare(ALL, FACTS, "parts", plan=plan), Step, steps)
    assert not is_training(Run(tmp_path / "parts"))
    rest = list(compare(ALL, FACTS, "parts", plan=plan))
    taken = sum(isinstance(event, Step) for event in rest)
    assert taken == 3 * 12 - steps
    found = result(rest)
    assert found.difference == whole.difference
    assert found.controls == whole.controls
    assert [r.samples for r in found.runs] == [r.samples for r in whole.runs]
    again = list(compare(ALL, FACTS, "parts", plan=plan))
    assert not any(isinstance(event, Step) for event in again)
    assert result(again) == found


def test_more_controls_are_added_to_what_is_there(compare):
    plan = a_plan(steps=4)
    few = result(compare(ALL, FACTS, plan=plan))
    events = list(compare(ALL, FACTS, plan=plan, controls=3))
    assert sum(isinstance(event, Step) for event in events) == 2 * 4
    many = result(events)
    assert [run.name for run in many.runs[3:]] == ["second-1", "first-2"]
    assert many.runs[:3] == few.runs
    assert len(many.controls) == 3


def test_a_folder_of_another_comparison_is_refused(compare):
    stopped_after(compare(ALL, FACTS), Progress, 1)
    with pytest.raises(TinyLLMError, match="belongs to another comparison: its seed was 0 and is"):
        next(compare(ALL, FACTS, seed=1))
    with pytest.raises(TinyLLMError, match="its second was"):
        next(compare(ALL, ALL))
    with pytest.raises(TinyLLMError, match="its plan was"):
        next(compare(ALL, FACTS, plan=a_plan(steps=3)))


def test_a_plan_made_for_the_seconds_is_kept(compare, tmp_path, monkeypatch):
    monkeypatch.setattr(
        compare_module, "plan_for", partial(compare_module.plan_for, trial_seconds=0.01)
    )
    seconds = {"plan": None, "seconds": 0.05}
    stopped_after(compare(ALL, FACTS, **seconds), Step, 1)
    request = tmp_path / "comparison" / "request.json"
    steps = json.loads(request.read_text(encoding="utf-8"))["plan"]["steps"]
    found = result(compare(ALL, FACTS, **seconds))
    assert found.steps == steps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": " "}, "1 to 40 characters, got ' '"),
        ({"share": 0.0}, "above 0 and at most 1, got 0.0"),
        ({"vocabulary": 100}, "more than those and at most 65,536, got 100"),
        ({"kind": "poetry"}, "one of story, .*; got 'poetry'"),
        ({"dial": "medium"}, "low, default, high; got 'medium'"),
        ({"without": ("spam",)}, "goes through no step. Use kind='dirty-page'"),
        ({"without": ("ham",), "kind": PAGES}, "There is no filter 'ham'"),
        ({"kind": PAGES, "dial": "low"}, "web pages know no dial"),
        ({"kind": "story", "sources": ("mine",)}, "reads mine"),
        ({"sources": ()}, "got none"),
    ],
    ids=str,
)
def test_a_variant_that_cannot_be_is_refused_with_what_to_do(values, message):
    with pytest.raises(UsageError, match=message):
        Variant(**{"name": "odd", **values})


def test_what_cannot_be_compared_is_refused_before_anything_is_made(compare, tmp_path):
    with pytest.raises(UsageError, match=r"must read the same sources; .* reads village \(dirty"):
        next(compare(ALL, PAGES_ON))
    missing = Variant(name="mine", sources=("no/such/folder",))
    for refused in (
        compare(missing, missing),
        compare(ALL, ALL, seconds=0),
        compare(ALL, ALL, controls=0),
        compare(ALL, ALL, documents=1),
    ):
        with pytest.raises(UsageError):
            next(refused)
    assert not (tmp_path / "comparison").exists()


def test_every_ready_pair_differs_in_one_thing():
    for pair in PAIRS.values():
        first, second = pair.first.to_dict(), pair.second.to_dict()
        assert sum(first[name] != second[name] for name in first) == 2  # that, and the name
        assert Variant.from_dict(json.loads(json.dumps(second))) == pair.second


def test_chance_alone_is_seldom_called_a_change():
    """Twins in thousands of worlds: in at most one of twenty the verdict may be wrong."""
    rng = np.random.default_rng(0)
    sizes = [100] * 20
    document = rng.normal(70, 5, size=20)
    for controls in (1, 2, 3):
        wrong = 0
        for _ in range(300):
            runs = [document + rng.normal(0, 3) + rng.normal(0, 0.3, 20) for _ in range(5)]
            again = 1 + (controls + 1) // 2
            gap = difference_of(runs[:again], runs[again : controls + 2], sizes)
            wrong += gap.low > 0 or gap.high < 0
        assert wrong / 300 <= 0.07


def test_more_controls_see_smaller_differences():
    sizes = [100] * 20
    document = np.full(20, 70.0)
    first, second = [document, document + 1, document - 1], [document + 8, document + 7]
    assert difference_of(first[:2], second[:1], sizes).low < 0
    assert difference_of(first[:2], second, sizes).low > 0
    assert control_of(first, sizes)[0].value == pytest.approx(20 / np.log(2) / 2000)
    assert bits_per_byte(document, sizes) == pytest.approx(1400 / np.log(2) / 2000)


def test_a_difference_without_a_control_is_refused():
    with pytest.raises(ValueError, match="a control is a second training"):
        difference_of([np.ones(3)], [np.ones(3)], [1, 1, 1])


def test_the_command_prints_one_json_object_and_what_it_cannot_do_is_a_sentence(
    capsys, monkeypatch
):
    monkeypatch.setattr(
        compare_module, "plan_for", partial(compare_module.plan_for, trial_seconds=0.01)
    )
    monkeypatch.setattr(compare_module, "LEAST_CHARACTERS", 250_000)
    assert cli.run_command(["compare", "tenth", "--minutes", "0.001", "--json"]) == 0
    out = capsys.readouterr().out
    values = json.loads(out)
    assert out.count("\n") == 1
    assert (values["pair"], len(values["runs"])) == ("tenth", 3)
    assert values["sentence"]
    assert values["difference"]["low"] <= values["difference"]["value"]
    assert cli.run_command(["compare", "tenth", "--minutes", "0.001"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a tenth of it" in captured.err
    assert "What they write" in captured.err
    for wrong in (["nonsense"], ["tenth", "--minutes", "0"], ["tenth", "--controls", "99"]):
        assert cli.run_command(["compare", *wrong]) == 2
        captured = capsys.readouterr()
        assert captured.err.splitlines()[-1].startswith("tinyllm: ")
        assert captured.out == ""
