"""The bench of the store: it really kills and really writes at once, and would see a lost vote."""

import json
import sys

import pytest

from tinyllm import cli
from tinyllm.alignment.records import Answer, Record
from tinyllm.files import TinyLLMError, UsageError
from tinyllm.report import load_bench


@pytest.fixture(scope="module")
def bench():
    return load_bench("store")


def test_every_trial_runs_on_both_journals_and_finds_every_vote(bench, monkeypatch):
    monkeypatch.setattr(bench, "LONGEST_LIFE", 0.05)
    monkeypatch.setattr(bench, "SHARES", {"wal": 1, "delete": 2})
    found = bench.run(kills=2, writers=3, votes=60)
    json.dumps(found)
    for journal, share in (("wal", 1), ("delete", 2)):
        kills, writers, revotes = (found[journal][k] for k in ("kills", "writers", "revotes"))
        assert kills["kills"] == 2 // share
        assert kills["acknowledged"] >= kills["kills"]
        assert (kills["lost"], kills["damaged"], kills["losing_kills"]["value"]) == (0, 0, 0)
        assert 0 < kills["losing_kills"]["high"] < 1
        assert writers["votes"] == writers["valid"] == revotes["votes"] == 60 // share
        assert writers["lost"] == writers["doubled"] == revotes["lost"] == revotes["doubled"] == 0
        assert revotes["valid"] == revotes["turns"] <= 3
        assert revotes["not_the_last"] == 0
        assert 0 < writers["p50_ms"] <= writers["p95_ms"] <= writers["max_ms"]


def test_the_journals_are_those_that_are_named(bench, tmp_path, monkeypatch):
    for journal, files in (("wal", {"wal.db", "wal.db-wal", "wal.db-shm"}), ("delete", set())):
        seen = []

        def look(place, seen=seen):
            seen.extend(path.name for path in tmp_path.iterdir())
            return "ok", set()

        monkeypatch.setattr(bench, "look_into", look)
        monkeypatch.setattr(bench, "FeedbackStore", lambda place: bench.ExitStack())
        bench.killed(tmp_path / f"{journal}.db", journal, 1, 0)
        assert files <= set(seen)
        assert (f"{journal}.db-wal" in seen) == (journal == "wal")


def test_a_store_that_forgot_a_vote_is_caught(bench, monkeypatch, tmp_path):
    kept = iter([("ok", set()), ("*** in database main ***", set())])
    monkeypatch.setattr(bench, "look_into", lambda place: next(kept))
    found = bench.killed(tmp_path / "feedback.db", "wal", 2, 0)
    assert found["lost"] == found["acknowledged"] > 1
    assert found["damaged"] == 1
    assert found["losing_kills"]["value"] == 1


def record(id, turn, value):
    return Record(id=id, time="", session="s", turn=turn, kind="thumb", prompt="Hello",
                  answer=Answer(text="Hi."), value=value)  # fmt: skip


def test_what_was_lost_doubled_or_changed_is_counted(bench):
    votes = [bench.Vote("a", "1", 1, 0, 1), bench.Vote("b", "2", 1, 0, 1)]
    there = [record("a", "1", 1), record("b", "2", 1)]
    assert bench.compared(votes, there) == {"lost": 0, "doubled": 0}
    assert bench.compared(votes, there[:1]) == {"lost": 1, "doubled": 0}
    assert bench.compared(votes, [*there, there[0]]) == {"lost": 0, "doubled": 1}
    assert bench.compared(votes, [there[0], record("b", "2", -1)]) == {"lost": 1, "doubled": 1}


def test_the_last_vote_of_a_turn_is_the_one_after_which_none_began(bench):
    first, second = bench.Vote("a", "1", 1, 0, 10), bench.Vote("b", "1", -1, 11, 20)
    beside = bench.Vote("c", "1", 1, 12, 15)
    assert bench.last_votes([first, second]) == {"1": {("b", -1)}}
    assert bench.last_votes([second, first, beside]) == {"1": {("b", -1), ("c", 1)}}


def test_a_writer_that_fails_ends_the_bench_with_a_sentence(bench, tmp_path, capfd):
    (tmp_path / "feedback.db").write_text("a shopping list " * 100, encoding="utf-8")
    with pytest.raises(TinyLLMError, match="Expected 4 acknowledged votes, got 0"):
        bench.vote_together(tmp_path / "feedback.db", "wal", 2, 2, 0)
    assert "cannot be used: file is not a database" in capfd.readouterr().err


@pytest.mark.parametrize("sizes", [{"kills": 0}, {"writers": 0}, {"writers": 9, "votes": 8}])
def test_sizes_that_make_no_sense_are_refused(bench, sizes):
    with pytest.raises(UsageError, match="must be at least 1"):
        bench.run(**sizes)
    options = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    assert cli.run_command(["bench", "store", *options]) == 2


def test_a_writer_leaves_pytorch_where_it_is(bench, tmp_path):
    code = (
        "import runpy, sys; open_store = runpy.run_path(sys.argv[1])['open_store']; "
        "open_store(sys.argv[2], 'wal', 's').close(); assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(bench.WRITER), str(tmp_path / "feedback.db")]
    assert bench.subprocess.run(command, check=True).returncode == 0
