"""What a run is worth, as one JSON object: of a whole small run."""

import json

import pytest
from evaluation_fakes import FEW

from tinyllm.evaluation.verdicts import NAMES
from tinyllm.report import evaluate_run, verdict_on, verdicts_in
from tinyllm.runs import Run


@pytest.fixture
def trained(trained_home, monkeypatch):
    monkeypatch.setenv("TINYLLM_HOME", str(trained_home))


@pytest.mark.parametrize("stage", ["base", "chat"])
def test_the_evaluation_of_a_run_says_what_its_curve_says(stage, trained):
    report = {}
    for _ in evaluate_run(Run.named(), stage, into=report, amounts=FEW):
        pass
    report = json.loads(json.dumps(report))
    verdict = report[stage]["verdict"]
    assert verdict["name"] in NAMES
    assert list(verdicts_in(report)) == [
        f"{stage}: {verdict['name']}. {verdict['sentence']} {verdict['advice']}"
    ]


def test_the_verdict_knows_the_entropy_of_the_village(trained):
    run = Run.named()
    high = {"floor_loss": 100.0, "baselines": {"uniform": 8.3}}
    assert verdict_on(run, "base", high).name == "sees the answer"
    assert verdict_on(run, "base", {}).name != "sees the answer"


def test_a_stage_of_which_nothing_was_recorded_has_no_verdict():
    assert verdict_on(Run.named("empty"), "base", {}) is None
    assert list(verdicts_in({"base": {"loss": 1.0}})) == []
