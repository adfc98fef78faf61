"""What every part of a transaction stands on: statements, the studies' heads, and events, gathered until the end.

Whatever changes anything of a study locks its row first (`_head`), so on PostgreSQL that row is the lock of all that
belongs to the study, and managers that meet take their turns without deadlock. On SQLite there is one writer anyway.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Select, Table, bindparam, select
from sqlalchemy.exc import DBAPIError

from tunesmith.manager.storage import _head as heads
from tunesmith.manager.storage._bulk import insert_rows, write_rows
from tunesmith.manager.storage._dialect import update_some
from tunesmith.manager.storage._gathered import Gathered
from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._jobs import JobCache, from_text
from tunesmith.manager.storage._keys import signed, study_of
from tunesmith.manager.storage._live import Live
from tunesmith.manager.storage._tables import documents, studies
from tunesmith.manager.storage._text import clean, clean_message
from tunesmith.services.errors import NotFound
from tunesmith.study import StudyJob

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_BY_UID = heads.SELECT.where(studies.c.uid == bindparam("uid"))
_BY_ID = heads.SELECT.where(studies.c.id == bindparam("id"))
_BY_NAME = heads.SELECT.where(studies.c.namespace == bindparam("namespace"), studies.c.name == bindparam("name"))
_DOCUMENT = select(documents.c.document).where(
    documents.c.study_id == bindparam("id"), documents.c.generation == bindparam("generation")
)

# The same with a row lock, for transactions that write. SQLite knows no such lock, and leaves the words out.
_LOCKED = {statement: statement.with_for_update() for statement in (_BY_UID, _BY_ID, _BY_NAME)}


class Base:
    """A connection with an open transaction, and what has been read and not yet written in it."""

    def __init__(self, connection: Connection, jobs: JobCache, live: Live, *, writable: bool) -> None:
        """A transaction that somebody else begins and ends; `live` is what is known at its beginning."""
        self._connection = connection
        self._dialect = connection.dialect.name
        self._writable = writable
        self._broken = False
        self._jobs = jobs
        self._new_jobs: dict[tuple[str, int], StudyJob] = {}
        self._live = live
        self._gathered: Gathered | None = None

    def _run(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        with self._sound():
            return self._connection.execute(statement, parameters)

    def _insert_rows(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._sound():
            insert_rows(self._connection, table, rows)

    def _write(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._sound():
            write_rows(self._connection, statement, rows)

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """After an error SQLite may have rolled back by itself, and would run what follows outside of a transaction."""
        if self._broken:
            raise RuntimeError("nothing may be done in a transaction after one of its statements has failed")
        try:
            yield
        except DBAPIError:
            self._broken = True
            raise

    def _all(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[tuple[Any, ...]]:
        self._flush()
        rows: Sequence[Any] = self._run(statement, parameters).all()
        return rows

    def _one(self, statement: Executable, parameters: Parameters) -> tuple[Any, ...] | None:
        self._flush()
        row: Any = self._run(statement, parameters).one_or_none()
        return row  # type: ignore[no-any-return]

    def _scalar(self, statement: Executable, parameters: Parameters) -> Any:
        self._flush()
        return self._run(statement, parameters).scalar_one_or_none()

    def _check_writable(self) -> None:
        if not self._writable:
            raise RuntimeError("a transaction of Store.read must only read")

    def _find(self, statement: Select[Any], missing: str, **parameters: Any) -> Head:
        row = self._one(_LOCKED[statement] if self._writable else statement, parameters)
        if row is None:
            raise NotFound(missing)
        return self._live.put_head(Head.of(row))

    def _head(self, uid: str) -> Head:
        if (head := self._live.head_of(uid)) is not None:
            return head
        return self._find(_BY_UID, f"there is no study with uid {uid!r}", uid=uid)

    def _head_by_name(self, namespace: str, name: str) -> Head:
        missing = f"there is no study {name!r} in namespace {namespace!r}"
        return self._find(_BY_NAME, missing, namespace=clean(namespace), name=clean(name))

    def _head_of_trial(self, trial_id: int) -> Head:
        study_id = study_of(trial_id)
        if (head := self._live.heads.get(study_id)) is not None:
            return head
        return self._find(_BY_ID, f"there is no trial with id {trial_id}", id=study_id)

    def _job(self, head: Head) -> StudyJob:
        key = (head.uid, head.generation)
        job = self._new_jobs.get(key) or self._jobs.get(*key)
        if job is None:
            text = self._scalar(_DOCUMENT, {"id": head.id, "generation": head.generation})
            job = self._new_jobs[key] = from_text(text)
        return job

    def _note(
        self,
        head: Head,
        trial_number: int | None,
        state: str,
        reason: str,
        message: str,
        now: float,
        *,
        revised: bool = False,
    ) -> None:
        """Add an event; `revised`: it is the one of the head's present revision."""
        self._check_writable()
        self._later.events.append(
            {
                "study_id": head.id,
                "trial_number": trial_number,
                "state": state,
                "reason": clean_message(reason),
                "message": clean_message(message),
                "time": now,
                "revision": head.revision if revised else None,
                "digest": signed(head.digest) if revised else None,
            }
        )

    def finish(self) -> None:
        """Write what has been gathered; the transaction can be committed then."""
        self._flush()

    def publish(self) -> None:
        """Hand the documents that were read or written to the cache; only once they are committed."""
        for (uid, generation), job in self._new_jobs.items():
            self._jobs.put(uid, generation, job)

    @property
    def _later(self) -> Gathered:
        """What is written at the end, or before the next read."""
        if self._gathered is None:
            self._gathered = Gathered()
        return self._gathered

    def _flush(self) -> None:
        """Write what has been gathered, so that what is read next holds it."""
        if not self._writable:
            return
        for head in self._live.heads.values():
            if changes := head.take_changes():
                values = {f"new_{name}": value for name, value in changes.items()}
                self._write(update_some(studies, tuple(changes)), [{"key": head.id, **values}])
        gathered, self._gathered = self._gathered, None
        for statement, rows in gathered.writes(self._dialect) if gathered else ():
            if rows:
                self._write(statement, rows)
