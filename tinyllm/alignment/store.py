"""Where thumbs are kept: an append-only table in SQLite, or in any database by URL.

A vote is acknowledged when it lies on the disk (`database`): a crash right after loses nothing.
Several processes may write at once; each waits for the others.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tinyllm.alignment.database import FEEDBACK, explained, from_row, open_database, to_row
from tinyllm.alignment.exchange import parse_lines, to_trl
from tinyllm.alignment.records import IMPORTED, Answer, Origin, Record, valid_records
from tinyllm.files import TinyLLMError, UsageError

Records = list[Record]


class FeedbackStore:
    """The feedback of one home. `place` is a path (SQLite) or a database URL. With a `rate`, one
    session may give so many votes a minute: a page that goes wild, or a finger that does not leave
    the button, should not drown what people said.

    >>> import tempfile
    >>> store = FeedbackStore(Path(tempfile.mkdtemp()) / "feedback.db")
    >>> first = store.add_thumb("Hello", "Hello, Nell!", 1)
    >>> again = store.add_thumb("Hello", "Hello, Nell!", -1)  # the same answer, another mind
    >>> len(store.list()), [record.value for record in store.valid()]
    (2, [-1])
    >>> store.close()
    """

    def __init__(
        self, place: Path | str, *, session: str | None = None, rate: int | None = None
    ) -> None:
        self.session = session or new_session()
        self._place, self._rate = place, rate
        self._engine = open_database(place)

    def add_thumb(
        self,
        prompt: str,
        completion: str | Answer,
        value: int,
        *,
        turn: str | None = None,
        origin: Origin | None = None,
        **fields: Any,
    ) -> Record:
        """Store a thumb, +1 or -1.

        `turn` names the answer on the screen, so that a second vote on it supersedes the first;
        without it, an equal prompt and completion are the same answer. `fields` are those of
        `Record`: prompt_ids, tags, predicted, chosen_by, split, session.
        """
        return self._add_one("thumb", prompt, completion, None, turn, origin, value=value, **fields)

    def add_pair(
        self,
        prompt: str,
        a: str | Answer,
        b: str | Answer,
        choice: str,
        *,
        shown: str = "ab",
        turn: str | None = None,
        origin: Origin | None = None,
        **fields: Any,
    ) -> Record:
        """Store a comparison: `choice` is "a", "b", "tie" or "both_bad", `shown` the order on the
        screen ("ab" or "ba"). The other arguments are those of `add_thumb`."""
        fields |= {"choice": choice, "shown": shown}
        return self._add_one("pair", prompt, a, b, turn, origin, **fields)

    def add_edit(
        self,
        prompt: str,
        completion: str | Answer,
        edited: str,
        *,
        turn: str | None = None,
        origin: Origin | None = None,
        **fields: Any,
    ) -> Record:
        """Store the person's own better answer; it counts as preferred to the model's."""
        return self._add_one("edit", prompt, completion, edited, turn, origin, **fields)

    def retract(self, id: str) -> Record:
        """Take a vote back: the record stays, and a retraction joins it; neither counts."""
        record = self.get(id)
        return self._add_one(
            "retraction", record.prompt, record.answer, None, record.turn, record.origin, target=id
        )

    def get(self, id: str) -> Record:
        """The record of this id; `TinyLLMError` if there is none."""
        for record in self._select(FEEDBACK.c.id == id):
            return record
        raise TinyLLMError(
            f"There is no feedback with the id {id}; `tinyllm feedback list` shows those there are."
        )

    def list(self) -> Records:
        """Every record, retractions and superseded votes included, in the order they came."""
        return self._select(sa.true())

    def valid(self, policy_hash: str | Iterable[str] | None = None) -> Records:
        """The records that count: not superseded, not retracted, and imported or given on answers
        of the models named (`records.valid_records`)."""
        return valid_records(self.list(), policy_hash)

    def delete(self, ids: Iterable[str]) -> int:
        """Remove votes for good, with earlier votes of that kind on the same turn and with their
        retractions. Returns how many records went; an unknown id removes nothing and raises."""
        doomed = [self.get(id) for id in dict.fromkeys(ids)]
        turns = {(record.turn, record.kind) for record in doomed if record.kind != "retraction"}
        records = self.list()
        gone = {record.id for record in doomed}
        gone |= {record.id for record in records if (record.turn, record.kind) in turns}
        gone |= {record.id for record in records if record.target in gone}
        with self._writing() as connection:
            for id in sorted(gone):
                connection.execute(FEEDBACK.delete().where(FEEDBACK.c.id == id))
        return len(gone)

    def stats(self, policy_hash: str | Iterable[str] | None = None) -> dict[str, int]:
        """Counts: records in all, those valid, and among these thumbs up and down, pairs, edits;
        and `other_models`, those that would be valid on answers of the models named."""
        records = self.list()
        valid = valid_records(records, policy_hash)
        return {
            "records": len(records),
            "valid": len(valid),
            "other_models": len(valid_records(records)) - len(valid),
            "up": sum(record.value == 1 for record in valid),
            "down": sum(record.value == -1 for record in valid),
            "pairs": sum(record.kind == "pair" for record in valid),
            "edits": sum(record.kind == "edit" for record in valid),
            "retractions": sum(record.kind == "retraction" for record in records),
            "sessions": len({record.session for record in records}),
        }

    def export(self, format: str = "trl") -> Iterator[str]:
        """The valid records as JSON lines, in TRL's two formats (see `exchange`)."""
        if format != "trl":
            raise UsageError(f'The export format there is is "trl", not {format!r}.')
        return to_trl(self.valid())

    def import_file(self, path: Path) -> int:
        """Read JSON lines, {prompt, completion, label} or {prompt, chosen, rejected}: all or none.

        A line that was imported before is the same vote again, not a second one. Returns the
        number of lines read; a bad line raises `TinyLLMError` with its number.
        """
        try:
            lines = parse_lines(path.read_text(encoding="utf-8-sig").split("\n"))
        except UnicodeDecodeError as error:
            raise TinyLLMError(f"{path} is not UTF-8 text ({error}); save it as UTF-8.") from None
        except OSError as error:
            raise TinyLLMError(f"Could not read {path}: {error.strerror or error}.") from None
        records = []
        for line in lines:
            verdict = {"value": line.label} if line.label else {"choice": "a", "shown": "ab"}
            kind = "thumb" if line.label else "pair"
            answers = line.prompt, line.completion, line.rejected
            records.append(_record(kind, *answers, None, None, session=IMPORTED, **verdict))
        self._add(records)
        return len(records)

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        self._engine.dispose()

    def _add_one(self, kind: str, *arguments: Any, **fields: Any) -> Record:
        record = _record(kind, *arguments, **{"session": self.session, **fields})
        self._add([record])
        return record

    def _add(self, records: Records) -> None:
        if records:
            with self._writing() as connection:
                if self._rate is not None:
                    self._refuse_too_many(connection, records[0].session)
                connection.execute(FEEDBACK.insert(), [to_row(record) for record in records])

    def _refuse_too_many(self, connection: sa.Connection, session: str) -> None:
        since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
        given = sa.select(sa.func.count()).where(
            FEEDBACK.c.session == session, FEEDBACK.c.time > since
        )
        if connection.execute(given).scalar_one() >= (self._rate or 0):
            raise TinyLLMError(
                f"That is more than {self._rate} votes within a minute, and this one was not kept. "
                "Take a breath, read the answers, and go on."
            )

    def _select(self, condition: sa.ColumnElement[bool]) -> Records:
        query = FEEDBACK.select().where(condition).order_by(FEEDBACK.c.seq)
        with explained(self._place), self._engine.connect() as connection:
            return [from_row(row._asdict()) for row in connection.execute(query)]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with explained(self._place), self._engine.connect() as idle:
            connection = idle.execution_options(writes=True)
            with connection.begin():
                yield connection


def new_session() -> str:
    """A random name for one sitting, so that votes can be grouped and nobody be recognised.

    >>> len(new_session())
    16
    """
    return secrets.token_hex(8)


def _record(
    kind: str,
    prompt: str,
    completion: str | Answer,
    other: str | Answer | None,
    turn: str | None,
    origin: Origin | None,
    **fields: Any,
) -> Record:
    answer = Answer(text=completion) if isinstance(completion, str) else completion
    second = Answer(text=other) if isinstance(other, str) else other
    if turn is None:
        said = [prompt, answer.text, *([second.text] if second and kind == "pair" else [])]
        turn = hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:32]
    return Record(
        id=secrets.token_hex(6),
        time=datetime.now(UTC).isoformat(),
        kind=kind,
        prompt=prompt,
        answer=answer,
        other=second,
        turn=turn,
        origin=origin or Origin(),
        **fields,
    )
