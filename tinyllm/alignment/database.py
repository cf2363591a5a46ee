"""The table that feedback lies in, opened so that a crash or a second writer does no harm.

SQLite keeps a write-ahead log beside the file, which is fast and safe, but not on a network drive:
it needs memory that all readers share. There, and wherever SQLite itself says no, a rollback
journal takes its place, which is slower and as safe.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from tinyllm.alignment.records import Answer, Origin, Record
from tinyllm.files import TinyLLMError

SCHEMA = 2
"""The version of the table; an older store is brought to it, a newer one refused by name."""
BUSY_SECONDS = 30
QUEUE_SECONDS, LOOK_AGAIN = 90, (0.005, 0.04)
"""How long a writer waits for others to have written, and seconds between two looks."""
CHANCE = random.SystemRandom()
NETWORK = {"9p", "afpfs", "cifs", "davfs", "fuse.rclone", "fuse.sshfs", "ncpfs", "nfs", "nfs4",
           "smb2", "smb3", "smbfs", "webdav"}  # fmt: skip
"""File systems whose files may be open on other machines."""

METADATA = sa.MetaData()
ABOUT = sa.Table(
    "about",
    METADATA,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    *(sa.Column(name, sa.String(200), nullable=False) for name in ("time", "session", "kind")),
    sa.Column("turn", sa.String(200), nullable=False, index=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("prompt", "completion")),
    sa.Column("other", sa.Text),
    *(sa.Column(name, sa.JSON) for name in ("prompt_ids", "completion_ids", "other_ids")),
    *(sa.Column(name, sa.String(40)) for name in ("finish_reason", "other_finish_reason")),
    sa.Column("value", sa.Integer),
    *(sa.Column(name, sa.String(40)) for name in ("choice", "shown", "chosen_by", "split")),
    sa.Column("tags", sa.JSON),
    sa.Column("predicted", sa.Float),
    *(sa.Column(n, sa.String(200)) for n in ("policy_hash", "tokenizer_hash", "reward_version")),
    sa.Column("sampler", sa.JSON),
    sa.Column("target", sa.String(40)),
    sqlite_autoincrement=True,
)
BY_SESSION = sa.Index("ix_feedback_session", FEEDBACK.c.session, FEEDBACK.c.time)
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {2: BY_SESSION.create}
"""What makes a store of the schema before into one of this number."""


def open_database(place: Path | str) -> sa.Engine:
    """An engine for a path (SQLite) or a URL, its tables made where they are missing.

    A store of another schema, or one that cannot be opened, is a `TinyLLMError`.

    >>> import tempfile
    >>> open_database(Path(tempfile.mkdtemp()) / "feedback.db").dialect.name
    'sqlite'
    """
    url: sa.URL | str = str(place)
    with explained(place):
        if "://" not in str(place):
            path = Path(place).expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            url = sa.URL.create("sqlite", database=str(path))
        engine = sa.create_engine(_with_driver(sa.make_url(url)))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        with engine.connect() as connection, connection.execution_options(writes=True).begin():
            schema = _schema_of(connection)
            if schema not in map(str, range(1, SCHEMA + 1)):
                engine.dispose()
                raise TinyLLMError(
                    f"{place} was written by a newer version of tinyllm (schema {schema}, this one "
                    f"reads {SCHEMA}), and is left as it is. Open it with that version and export, "
                    "or choose another home."
                )
            METADATA.create_all(connection)
            for number in range(int(schema) + 1, SCHEMA + 1):
                MIGRATIONS[number](connection)
                connection.execute(ABOUT.update().values(value=str(number)))
    return engine


def _schema_of(connection: sa.Connection) -> str:
    """The schema that the store says it has; ours, if it says nothing because it is new."""
    ABOUT.create(connection, checkfirst=True)
    said = connection.execute(sa.select(ABOUT.c.value).where(ABOUT.c.key == "schema")).scalar()
    if said is None:
        connection.execute(ABOUT.insert().values(key="schema", value=str(SCHEMA)))
        return str(SCHEMA)
    return str(said)


def _with_driver(url: sa.URL) -> sa.URL:
    """The URL with the driver of PostgreSQL that `tinyllm[postgres]` installs."""
    plain = url.drivername in ("postgres", "postgresql")
    return url.set(drivername="postgresql+psycopg") if plain else url


def to_row(record: Record) -> dict[str, Any]:
    """The columns of one record.

    >>> record = Record(id="1", time="", session="s", turn="t", kind="thumb", prompt="Hello",
    ...                 answer=Answer(text="Hello!"), value=1)
    >>> from_row({"seq": 1, **to_row(record)}) == record
    True
    """
    other = record.other
    names = ("id", "time", "session", "turn", "kind", "target", "prompt", "value", "choice",
             "shown", "chosen_by", "predicted", "split")  # fmt: skip
    return {name: getattr(record, name) for name in names} | {
        "prompt_ids": list(record.prompt_ids),
        "completion": record.answer.text,
        "completion_ids": list(record.answer.ids),
        "finish_reason": record.answer.finish_reason,
        "other": other.text if other else None,
        "other_ids": list(other.ids) if other else None,
        "other_finish_reason": other.finish_reason if other else None,
        "tags": list(record.tags),
        "policy_hash": record.origin.policy_hash,
        "tokenizer_hash": record.origin.tokenizer_hash,
        "reward_version": record.origin.reward_version,
        "sampler": dict(record.origin.sampler),
    }


def from_row(row: Mapping[str, Any]) -> Record:
    """The inverse of `to_row`."""

    def answer(text: str, ids: list[int] | None, finish_reason: str | None) -> Answer:
        return Answer(text=text, ids=tuple(ids or ()), finish_reason=finish_reason)

    row = dict(row)
    row.pop("seq")
    completion = row.pop("completion"), row.pop("completion_ids"), row.pop("finish_reason")
    other = row.pop("other"), row.pop("other_ids"), row.pop("other_finish_reason")
    origin = {n: row.pop(n) for n in ("policy_hash", "tokenizer_hash", "reward_version", "sampler")}
    row["prompt_ids"], row["tags"] = tuple(row["prompt_ids"] or ()), tuple(row["tags"] or ())
    judged = answer(*other) if other[0] is not None else None
    return Record(answer=answer(*completion), other=judged, origin=Origin(**origin), **row)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Settings of every new SQLite connection. We say BEGIN ourselves (`_begin_sqlite`)."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    if on_network(path) or not _logs_ahead(connection):
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")


def on_network(path: str) -> bool:
    """Whether a file lies on a drive that other machines may use at the same time."""
    mounts = [
        (len(mount.mountpoint), mount)
        for mount in psutil.disk_partitions(all=True)
        if Path(path).is_relative_to(mount.mountpoint)
    ]
    if not mounts:
        return False
    mount = max(mounts, key=lambda each: each[0])[1]
    return mount.fstype.lower() in NETWORK or "remote" in mount.opts.split(",")


def _logs_ahead(connection: Any, times: int = 200) -> bool:
    """Ask for a write-ahead log; whether there is one now. Changing the journal needs the file
    alone, and SQLite does not wait for that by itself."""
    for left in reversed(range(times)):
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locking protocol" in str(error) or "disk I/O" in str(error):
                return False
            if not left:
                raise
            time.sleep(0.05)
        else:
            return str(mode).lower() == "wal"
    return False


def _begin_sqlite(connection: sa.Connection) -> None:
    """Writers queue at BEGIN, where waiting is safe, instead of failing in the middle.

    Left to itself, SQLite looks ever more rarely whether the store is free, so whoever has just
    written is mostly first again, and one of many may wait for minutes. Here all look equally
    often, at random moments.
    """
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    plain: Any = connection.connection.driver_connection
    plain.execute("PRAGMA busy_timeout = 0")
    try:
        ends = time.monotonic() + QUEUE_SECONDS
        while time.monotonic() < ends:
            try:
                plain.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    break
            time.sleep(CHANCE.uniform(*LOOK_AGAIN))
    finally:
        plain.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # which gives the error its name


@contextmanager
def explained(place: Path | str) -> Iterator[None]:
    """Turn an error of the database into one sentence.

    >>> with explained("feedback.db"):
    ...     raise sa.exc.OperationalError("INSERT", {}, Exception("disk is full"))
    Traceback (most recent call last):
    tinyllm.files.TinyLLMError: The feedback store at feedback.db cannot be used: disk is full. ...
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError, ModuleNotFoundError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        advice = "check the path, the free space or the URL in TINYLLM_DATABASE_URL."
        if "is full" in reason or "No space left" in reason:
            advice = "what was kept before is safe. Free some space, then do it again."
        elif "locked" in reason:
            advice = "somebody else was writing all the time. Do it again."
        raise TinyLLMError(
            f"The feedback store at {place} cannot be used: {reason}. Nothing was changed; {advice}"
        ) from error
