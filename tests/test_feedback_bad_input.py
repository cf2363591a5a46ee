"""What a store is given that it should not be given: said in a sentence, and nothing is lost."""

import hashlib
import sqlite3
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from apps import chat
from tinyllm import cli
from tinyllm.alignment import database
from tinyllm.alignment.store import FeedbackStore
from tinyllm.files import TinyLLMError
from tinyllm.runs import home

ADD = ("feedback", "add", "--prompt", "Hello", "--completion", "Hi.", "--thumb", "up")


def tinyllm(capsys, *arguments):
    code = cli.run_command(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_vote_that_is_not_there_can_neither_be_deleted_nor_taken_back(capsys):
    assert tinyllm(capsys, *ADD)[0] == 0
    code, out, err = tinyllm(capsys, "feedback", "delete", "nowhere")
    assert (code, out) == (1, "")
    assert "no feedback with the id nowhere" in err
    assert "`tinyllm feedback list` shows those there are" in err
    store = FeedbackStore(home() / "feedback.db")
    with pytest.raises(TinyLLMError, match="no feedback with the id nowhere"):
        store.retract("nowhere")
    assert len(store.list()) == len(store.valid()) == 1
    store.close()


@pytest.mark.parametrize("index", [0, 2, [7, 0], -1])
def test_a_thumb_on_an_answer_that_has_left_the_page_is_said_and_not_kept(monkeypatch, index):
    said = []
    monkeypatch.setattr(chat, "say", said.append)
    turns = []
    event = SimpleNamespace(index=index, liked="Like")
    _, kept, words = chat.vote(turns, event)
    assert kept is turns
    assert said == ["That answer is no longer here. Judge one that is."]
    assert words.startswith("0 thumbs up and 0 down")
    chat.store().close()


@pytest.fixture
def newer():
    """A store of a version to come: another schema, and another table in place of `feedback`."""
    path = home() / "feedback.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE about (key VARCHAR(40) PRIMARY KEY, value VARCHAR(200) NOT NULL);"
        "INSERT INTO about VALUES ('schema', '3.1');"
        "CREATE TABLE votes (id TEXT, stars INTEGER); INSERT INTO votes VALUES ('a', 5);"
        "PRAGMA journal_mode = WAL;"
    )
    connection.close()
    return path


@pytest.mark.parametrize("command", [ADD, ("feedback", "list"), ("feedback", "delete", "a")])
def test_a_store_of_a_newer_version_is_refused_and_not_a_byte_of_it_changes(capsys, newer, command):
    before = hashlib.sha256(newer.read_bytes()).hexdigest()
    code, out, err = tinyllm(capsys, *command)
    assert (code, out) == (1, "")
    assert "written by a newer version of tinyllm (schema 3.1, this one reads 2)" in err
    assert "Open it with that version and export, or choose another home." in err
    assert hashlib.sha256(newer.read_bytes()).hexdigest() == before


@pytest.fixture(params=["wal", "delete"])
def disk(request, monkeypatch):
    """A disk that has room for so many pages of a store as `pages` says, on both journals."""
    disk = SimpleNamespace(pages=2**30)
    prepare = database._prepare_sqlite

    def prepared(connection, record):
        prepare(connection, record)
        connection.execute(f"PRAGMA max_page_count = {disk.pages}")

    monkeypatch.setattr(database, "_prepare_sqlite", prepared)
    monkeypatch.setattr(database, "on_network", lambda path: request.param == "delete")
    return disk


def test_votes_go_on_once_a_full_disk_has_room_again_and_none_is_lost(capsys, disk):
    assert tinyllm(capsys, *ADD)[0] == 0
    path = home() / "feedback.db"
    disk.pages = 20
    store = FeedbackStore(path)
    kept = []

    def fill():
        for number in range(1000):
            kept.append(store.add_thumb("Hello", f"Hi {number}. " * 20, 1).id)

    with pytest.raises(TinyLLMError) as raised:
        fill()
    assert "database or disk is full. Nothing was changed" in str(raised.value)
    assert "what was kept before is safe. Free some space, then do it again." in str(raised.value)
    with pytest.raises(TinyLLMError, match="disk is full"):
        store.add_thumb("Hello", "long " * 5000, 1)
    assert kept
    assert [record.id for record in store.list()][1:] == kept
    store.close()
    code, _, err = tinyllm(capsys, *ADD[:5], "long " * 5000, *ADD[6:])
    assert code == 1
    assert "Free some space" in err
    disk.pages = 2**30
    assert tinyllm(capsys, *ADD)[0] == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    store = FeedbackStore(path)
    assert {record.id for record in store.list()} > set(kept)
    store.close()


def test_a_file_that_finds_no_room_is_imported_not_at_all(disk, tmp_path):
    path = tmp_path / "votes.jsonl"
    line = '{{"prompt": "Hello", "completion": "{}", "label": true}}\n'
    path.write_text("".join(line.format("Hi. " * 99 + str(n)) for n in range(200)))
    store = FeedbackStore(home() / "feedback.db")
    store.add_thumb("Hello", "Hi.", 1)
    store.close()
    disk.pages = 20
    with pytest.raises(TinyLLMError, match="disk is full"):
        store.import_file(path)
    assert len(store.list()) == 1
    disk.pages = 2**30
    store.close()
    assert store.import_file(path) == 200
    store.close()


def test_a_million_characters_come_back_as_they_were_given(capsys, tmp_path):
    text = "Nell has a hen. " * 62_500
    path = tmp_path / "votes.jsonl"
    path.write_text(f'{{"prompt": "Hello", "completion": "{text}", "label": true}}\n')
    assert tinyllm(capsys, "feedback", "import", str(path))[0] == 0
    store = FeedbackStore(home() / "feedback.db")
    (record,) = store.valid()
    assert record.answer.text == text
    store.close()
    code, out, _ = tinyllm(capsys, "feedback", "list")
    assert code == 0
    assert len(out) < 100


def test_an_error_of_another_kind_keeps_its_advice():
    with (
        pytest.raises(TinyLLMError, match=r"is locked. Nothing was changed; somebody else"),
        database.explained("feedback.db"),
    ):
        raise sa.exc.OperationalError("INSERT", {}, Exception("database is locked"))
