"""Events survive the way to JSON and back."""

import json

import pytest

from tinyllm.events import (
    Evaluation,
    Finished,
    Merge,
    Notice,
    Progress,
    Sample,
    Step,
    from_dict,
    to_dict,
)

EVENTS = [
    Progress(stage="corpus", done=3, total=None, unit="documents"),
    Step(
        stage="base",
        step=1,
        steps=10,
        loss=7.6,
        tokens=1024,
        seconds=0.1,
        eta_seconds=0.9,
        learning_rate=0.01,
        metrics={"norm": 1.5},
    ),
    Evaluation(stage="base", step=1, metrics={"loss": 7.6}),
    Sample(stage="base", step=1, prompt="", completion="é\n"),
    Merge(stage="tokenizer", rank=0, left=5, right=6, new=261, count=9, text=b"\xc3\x00"),
    Notice(stage="base", text="Paused."),
    Finished(stage="base", folder="/x", seconds=1.0, metrics={"loss": 0.5}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_every_event_survives_json(event):
    assert from_dict(json.loads(json.dumps(to_dict(event)))) == event


def test_an_unknown_event_is_refused_by_name():
    with pytest.raises(ValueError, match="'Surprise'"):
        from_dict({"event": "Surprise", "stage": "base"})
