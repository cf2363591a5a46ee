"""Feedback: append-only, superseded and retracted rightly, safe from crashes and second writers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.alignment.exchange import parse_lines, to_trl
from tinyllm.alignment.records import Answer, Origin, Record, valid_records
from tinyllm.alignment.store import FeedbackStore
from tinyllm.files import TinyLLMError, UsageError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def store(tmp_path):
    store = FeedbackStore(tmp_path / "home" / "feedback.db")
    yield store
    store.close()


def values(records):
    return [record.value for record in records]


def test_every_field_of_a_record_comes_back_as_it_was_stored(store):
    answer = Answer(text="Hello, Nell! ☂", ids=(5, 6, 4), finish_reason="stop")
    origin = Origin(
        policy_hash="p",
        tokenizer_hash="t",
        reward_version="v001",
        sampler={"temperature": 1.0, "top_k": None, "seed": 3, "max_new_tokens": 64},
    )
    stored = store.add_thumb(
        "Hello",
        answer,
        1,
        turn="screen-1",
        origin=origin,
        prompt_ids=(2, 9, 4, 3),
        tags=("helpful", "too_long"),
        chosen_by="active",
        predicted=0.25,
        split="audit",
    )
    assert store.list() == [stored]
    assert store.get(stored.id).answer == answer
    assert stored.session == store.session


def test_a_second_vote_on_a_turn_supersedes_the_first_and_both_stay_on_record(store):
    store.add_thumb("Hello", "Hi.", 1, turn="one")
    store.add_thumb("Hello", "Hi.", 1, turn="two")
    store.add_thumb("Hello", "Hi.", -1, turn="one")
    assert values(store.list()) == [1, 1, -1]
    assert values(store.valid()) == [1, -1]


def test_an_edit_stands_beside_the_thumb_on_the_same_turn(store):
    store.add_thumb("Hello", "Hm.", -1, turn="one")
    store.add_edit("Hello", "Hm.", "Hello, Nell!", turn="one")
    thumb, edit = store.valid()
    assert (thumb.kind, edit.kind) == ("thumb", "edit")
    assert [answer.text for answer in edit.comparison] == ["Hello, Nell!", "Hm."]


def test_a_retraction_silences_the_turn_until_a_new_vote(store):
    first = store.add_thumb("Hello", "Hi.", 1, turn="one")
    second = store.add_thumb("Hello", "Hi.", -1, turn="one")
    store.retract(second.id)
    assert store.valid() == []
    assert store.get(first.id).value == 1
    third = store.add_thumb("Hello", "Hi.", 1, turn="one")
    assert store.valid() == [third]


def test_deleting_leaves_nothing_of_the_vote(store):
    kept = store.add_thumb("Hello", "Hi.", 1)
    store.add_thumb("A secret", "Yes.", 1, turn="one")
    last = store.add_thumb("A secret", "Yes.", -1, turn="one")
    store.retract(last.id)
    assert store.delete([last.id]) == 3
    assert store.list() == [kept]


def test_deleting_an_unknown_id_removes_nothing(store):
    kept = store.add_thumb("Hello", "Hi.", 1)
    with pytest.raises(TinyLLMError, match="no feedback with the id nowhere"):
        store.delete([kept.id, "nowhere"])
    assert store.list() == [kept]


def test_votes_on_another_models_answers_do_not_count(store):
    ours = store.add_thumb("Hello", "Hi.", 1, origin=Origin(policy_hash="ours"))
    store.add_thumb("Hello", "Hm.", 1, origin=Origin(policy_hash="theirs"))
    imported = store.add_thumb("Hello", "Good day.", 1)
    assert store.valid("ours") == [ours, imported]
    assert len(store.valid({"ours", "theirs"})) == len(store.valid()) == 3


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("a", ["x", "y"]), ("b", ["y", "x"]), ("tie", None), ("both_bad", None)],
)
def test_a_choice_orders_the_two_answers_whatever_the_screen_showed(store, choice, expected):
    record = store.add_pair("Hello", "x", "y", choice, shown="ba")
    comparison = record.comparison
    assert (comparison and [answer.text for answer in comparison]) == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": 0}, r"expected a thumb of \+1 \(up\) or -1 \(down\), got 0"),
        ({"value": 1, "predicted": 1.5}, "expected a predicted probability"),
        ({"value": 1, "split": "test"}, "expected a split"),
        ({"value": 1, "completion": "\ud800"}, "lone surrogate at character 0"),
    ],
)
def test_a_bad_field_is_refused_by_name(store, fields, message):
    with pytest.raises(ValueError, match=message):
        store.add_thumb("Hello", **{"completion": "Hi.", **fields})
    assert store.list() == []


def test_stats_count_what_is_valid(store):
    up = store.add_thumb("Hello", "Hi.", 1)
    store.add_thumb("Hello", "Hm.", -1)
    store.add_pair("Hello", "Hi.", "Hm.", "a")
    store.add_edit("Hello", "Hm.", "Hello!")
    store.retract(up.id)
    assert store.stats() == {
        "records": 5, "valid": 3, "other_models": 0, "up": 0, "down": 1, "pairs": 1, "edits": 1,
        "retractions": 1, "sessions": 1,
    }  # fmt: skip


def test_export_is_trls_two_formats_and_leaves_ties_out(store):
    store.add_thumb("Hello", "Hi.", -1)
    store.add_pair("Hello", "Hi.", "Hello!", "b")
    store.add_pair("Hello", "Hi.", "Hi!", "tie")
    assert [json.loads(line) for line in store.export()] == [
        {"prompt": "Hello", "completion": "Hi.", "label": False},
        {"prompt": "Hello", "chosen": "Hello!", "rejected": "Hi."},
    ]
    with pytest.raises(UsageError, match='"trl"'):
        store.export("csv")


def test_importing_a_file_twice_counts_each_vote_once(store, tmp_path):
    path = tmp_path / "votes.jsonl"
    path.write_text(
        '{"prompt": "Hello", "completion": "Hi.", "label": true}\n\n'
        '{"prompt": "Hello", "chosen": "Hello!", "rejected": "Hm."}\n',
        encoding="utf-8",
    )
    assert store.import_file(path) == store.import_file(path) == 2
    assert [record.kind for record in store.valid("any model")] == ["thumb", "pair"]
    assert all(record.origin.imported for record in store.valid())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Line 2 is not JSON"),
        ("[1]", "Line 2 is list"),
        ('{"prompt": "a", "completion": "b"}', "Line 2 has label None"),
        ('{"prompt": "a", "completion": "b", "label": "maybe"}', "Line 2 has label 'maybe'"),
        ('{"prompt": 3, "completion": "b", "label": true}', 'Line 2 needs text under "prompt"'),
        ('{"prompt": "a", "chosen": "b", "rejected": "b"}', "Line 2 has the same text"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(store, tmp_path, line, message):
    path = tmp_path / "votes.jsonl"
    path.write_text(f'{{"prompt": "a", "completion": "b", "label": 1}}\n{line}\n', encoding="utf-8")
    with pytest.raises(TinyLLMError, match=message):
        store.import_file(path)
    assert store.list() == []


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts, st.sampled_from(["up", "down", "pair"]))))
def test_what_is_exported_imports_as_the_same_votes(rows):
    records = []
    for prompt, completion, other, kind in rows:
        if kind == "pair" and completion != other:
            fields = {"kind": "pair", "choice": "b", "shown": "ab", "other": Answer(text=other)}
        else:
            fields = {"kind": "thumb", "value": 1 if kind == "up" else -1}
        records.append(
            Record(
                id=str(len(records)), time="", session="s", turn=str(len(records)),
                prompt=prompt, answer=Answer(text=completion), **fields,
            )
        )  # fmt: skip
    lines = parse_lines(to_trl(valid_records(records)))
    for record, line in zip(records, lines, strict=True):
        if record.kind == "thumb":
            assert (line.completion, line.label) == (record.answer.text, record.value)
        else:
            assert (line.completion, line.rejected) == (record.other.text, record.answer.text)


def run_python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


WRITER = """
import sys
from tinyllm.alignment.store import FeedbackStore
store = FeedbackStore(sys.argv[1])
for number in range(int(sys.argv[3])):
    print(store.add_thumb("Hello", f"{sys.argv[2]}{number}", 1).id, flush=True)
"""


def test_an_acknowledged_vote_survives_the_death_of_the_process(tmp_path):
    path = tmp_path / "feedback.db"
    process = run_python(WRITER, path, "a", 100_000)
    acknowledged = [process.stdout.readline().strip() for _ in range(30)]
    process.kill()
    acknowledged += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    store = FeedbackStore(path)
    assert set(acknowledged) <= {record.id for record in store.list()}
    store.close()


def test_two_processes_write_at_once_and_lose_nothing(tmp_path):
    path = tmp_path / "feedback.db"
    processes = [run_python(WRITER, path, name, 100) for name in ("a", "b")]
    acknowledged = [id for process in processes for id in process.communicate()[0].split()]
    store = FeedbackStore(path)
    assert sorted(acknowledged) == sorted(record.id for record in store.valid())
    assert len(acknowledged) == 200
    store.close()


def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path):
    path = tmp_path / "feedback.db"
    path.write_text("this is a shopping list, not a database " * 100, encoding="utf-8")
    with pytest.raises(TinyLLMError, match="cannot be used: file is not a database"):
        FeedbackStore(path)
