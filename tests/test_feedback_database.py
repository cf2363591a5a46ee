"""What the store lies in: journals, schemas, network drives, PostgreSQL, many votes at once."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import sqlalchemy as sa

from tinyllm.alignment import database
from tinyllm.alignment.database import SCHEMA, on_network
from tinyllm.alignment.records import Answer, Record, capped
from tinyllm.alignment.store import FeedbackStore
from tinyllm.files import TinyLLMError


def journal(store):
    with store._engine.connect() as connection:
        return connection.exec_driver_sql("PRAGMA journal_mode").scalar()


def test_the_journal_is_a_write_ahead_log_and_every_commit_reaches_the_disk(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    assert journal(store) == "wal"
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    store.close()


def drive(mountpoint, fstype, opts="rw"):
    return SimpleNamespace(mountpoint=str(mountpoint), fstype=fstype, opts=opts, device="there")


@pytest.mark.parametrize(
    ("fstype", "opts"), [("nfs4", "rw"), ("CIFS", "rw"), ("NTFS", "rw,remote")]
)
def test_on_a_network_drive_the_journal_is_one_that_is_rolled_back(
    monkeypatch, tmp_path, fstype, opts
):
    mounts = [drive("/", "ext4"), drive(tmp_path, fstype, opts)]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add_thumb("Hello", "Hi.", 1)
    assert journal(store) == "delete"
    store.close()
    assert not (tmp_path / "feedback.db-wal").exists()


def test_the_drive_of_a_file_is_that_of_the_deepest_mount(monkeypatch, tmp_path):
    mounts = [drive("/", "nfs"), drive(tmp_path, "ext4"), drive(tmp_path / "far", "nfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert not on_network(str(tmp_path / "feedback.db"))
    assert on_network(str(tmp_path / "far" / "feedback.db"))
    assert not on_network(str(tmp_path / "farther" / "feedback.db"))


def test_where_sqlite_refuses_a_write_ahead_log_votes_are_kept_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(database, "_logs_ahead", lambda connection: False)
    store = FeedbackStore(tmp_path / "feedback.db")
    store.add_thumb("Hello", "Hi.", 1)
    assert journal(store) == "delete"
    assert store.stats()["up"] == 1
    store.close()


def write_schema(store, number):
    with store._engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE about SET value = '{number}' WHERE key = 'schema'"))


def test_a_store_of_a_newer_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "feedback.db"
    store = FeedbackStore(path)
    store.add_thumb("Hello", "Hi.", 1)
    write_schema(store, 99)
    store.close()
    with pytest.raises(
        TinyLLMError, match=f"newer version of tinyllm .schema 99, this one reads {SCHEMA}"
    ):
        FeedbackStore(path)


def test_a_store_of_an_older_schema_is_brought_to_this_one_with_its_votes(tmp_path):
    path = tmp_path / "feedback.db"
    store = FeedbackStore(path)
    store.add_thumb("Hello", "Hi.", 1)
    with store._engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_feedback_session"))
    write_schema(store, 1)
    store.close()
    store = FeedbackStore(path)
    names = {index["name"] for index in sa.inspect(store._engine).get_indexes("feedback")}
    assert "ix_feedback_session" in names
    assert store.stats()["up"] == 1
    store.close()
    FeedbackStore(path).close()


def test_a_session_that_votes_faster_than_anybody_reads_is_asked_to_breathe(tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db", rate=3)
    for number in range(3):
        store.add_thumb("Hello", f"Hi {number}.", 1)
    with pytest.raises(TinyLLMError, match="more than 3 votes within a minute"):
        store.add_thumb("Hello", "Hi again.", 1)
    assert store.stats()["records"] == 3
    store.add_thumb("Hello", "Hi from the next desk.", 1, session="another")
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE feedback SET time = '2020-01-01T00:00:00+00:00'"))
    store.add_thumb("Hello", "Hi, a minute later.", 1)
    store.close()


def test_no_session_has_more_of_a_say_than_the_cap_but_a_file_of_ones_own_has():
    def vote(number, session):
        return Record(id=f"{session}{number}", time="", session=session, turn=str(number),
                      kind="thumb", prompt="Hello", answer=Answer(text="Hi."), value=1)  # fmt: skip

    votes = [vote(number, session) for number in range(5) for session in ("a", "b", "import")]
    kept = [record.id for record in capped(votes[:-2], most=4)]
    assert [id for id in kept if id[0] == "a"] == ["a1", "a2", "a3", "a4"]
    assert [id for id in kept if id[0] == "b"] == ["b0", "b1", "b2", "b3"]
    assert len([id for id in kept if id.startswith("import")]) == 4
    assert kept == [record.id for record in votes[:-2] if record.id in kept]


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server of our own, or no test."""
    if os.name != "posix" or not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("there is no PostgreSQL on this machine")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="pg"))
    who = {"user": "nobody"} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root
    if who:
        shutil.chown(folder, "nobody")
    data = folder / "data"

    def call(*command):
        subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=folder, **who)

    call("initdb", "-D", str(data), "-U", "tester", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    call("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    yield f"postgresql://tester@/postgres?host={folder}"
    call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_postgresql_keeps_what_sqlite_keeps(postgres):
    store = FeedbackStore(postgres, rate=1000)
    first = store.add_thumb("Hällo 🦊", Answer(text="Hi.", ids=(1, 2), finish_reason="stop"), 1)
    store.add_thumb("Hällo 🦊", "Hi.", -1, turn=first.turn)
    pair = store.add_pair("Sing", "la", "no", "b", shown="ba", tags=("too_long",), predicted=0.25)
    assert store.get(first.id).answer.ids == (1, 2)
    assert store.get(pair.id).comparison[0].text == "no"
    assert [record.value for record in store.valid()] == [-1, None]
    assert store.delete([first.id]) == 2
    store.retract(pair.id)
    assert store.valid() == []
    store.close()
    again = FeedbackStore(postgres)
    assert len(again.list()) == 2
    again.close()


def test_a_database_that_does_not_answer_is_one_sentence():
    began = time.monotonic()
    with pytest.raises(TinyLLMError, match=r"cannot be used: .*check the path, the free space or"):
        FeedbackStore("postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")
    assert time.monotonic() - began < 60
