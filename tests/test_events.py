"""Events survive the way to JSON and back."""

import json

import pytest

from tinyllm.events import (
    Evaluation,
    Finished,
    Merge,
    Notice,
    Page,
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
    Page(
        stage="base",
        step=1,
        prompt="The sky",
        completion=" is",
        tokens=2048,
        next=((" is", 0.75), ("\ufffd", 0.25)),
        entropy=0.81,
        copied=" is",
        copied_tokens=1,
        copied_from=0,
        control_words=2.5,
    ),
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


def test_a_sample_that_was_recorded_before_there_was_an_album_is_read_as_it_was():
    line = '{"event": "Sample", "stage": "base", "step": 9, "prompt": "The", "completion": " hen"}'
    sample = from_dict(json.loads(line))
    assert sample == Sample(stage="base", step=9, prompt="The", completion=" hen")
    assert not isinstance(sample, Page)


def test_a_page_is_a_sample_so_that_every_viewer_of_samples_shows_it():
    assert issubclass(Page, Sample)
