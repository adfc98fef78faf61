"""Studies: made, found, listed, edited, moved, forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from tunesmith.manager.storage import _head as heads
from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._dialect import insert_new
from tunesmith.manager.storage._differences import changes, differences
from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._jobs import from_text, to_text
from tunesmith.manager.storage._rows import EditRow, StudyRow
from tunesmith.manager.storage._text import clean, clean_message
from tunesmith.services.errors import AlreadyExists, FixRequest
from tunesmith.study import Assignment, DocumentError, Limits, StudyJob, StudyState, check_study_move

_GENERATIONS = select(t.documents.c.generation, t.documents.c.document).where(
    t.documents.c.study_id == bindparam("id"), t.documents.c.generation.between(bindparam("first"), bindparam("last"))
)
# One for each generation but the first, in their order.
_EDITED = (
    select(t.events.c.time)
    .where(t.events.c.study_id == bindparam("id"), t.events.c.trial_number.is_(None), t.events.c.reason == "edited")
    .order_by(t.events.c.id)
)
_LIVE = select(t.studies.c.uid).where(t.LIVE_STUDIES).order_by(t.studies.c.id)
_ADD_DOCUMENT = insert(t.documents)
_ADD_LABELS = insert(t.study_labels)
_FORGET_LABELS = delete(t.study_labels).where(t.study_labels.c.study_id == bindparam("key"))

_OF_STUDY = select(t.trials.c.id).where(t.trials.c.study_id == bindparam("key"))
_FORGET = (
    *(
        delete(table).where(table.c.trial_id.in_(_OF_STUDY))
        for table in (t.observations, t.metric_summaries, t.offsets, t.attempts)
    ),
    *(
        delete(table).where(table.c.study_id == bindparam("key"))
        for table in (
            t.trials,
            t.study_summaries,
            t.events,
            t.decisions,
            t.worker_leases,
            t.study_labels,
            t.documents,
        )
    ),
    delete(t.studies).where(t.studies.c.id == bindparam("key")),
)
_FORGET_LEASE = delete(t.leases).where(t.leases.c.uid == bindparam("uid"))


class Studies(Base):
    """The part of a transaction that is about studies."""

    def insert_study(self, uid: str, job: StudyJob, now: float) -> StudyRow:
        """Add a study in state Created. Raises AlreadyExists when (namespace, name) is taken."""
        self._check_writable()
        values = _new_values(uid, job, now)
        # The name decides and not an error of the database, after which PostgreSQL would do nothing more.
        taken = insert_new(self._dialect, t.studies, "namespace", "name").returning(t.studies.c.id)
        study_id = self._scalar(taken, values)
        if study_id is None:
            raise AlreadyExists(f"a study's name must be new, but {job.name!r} exists in namespace {job.namespace!r}")
        self._put_document(study_id, uid, 1, job)
        self._put_labels(study_id, job.labels)
        head = self._head(uid)
        self._note(head, None, StudyState.CREATED.value, "created", "", now)
        return self._row(head)

    def study(self, uid: str) -> StudyRow:
        """The study. Raises NotFound."""
        return self._row(self._head(uid))

    def find_study(self, namespace: str, name: str) -> StudyRow:
        """The study of that name. Raises NotFound."""
        return self._row(self._head_by_name(namespace, name))

    def list_studies(
        self,
        namespace: str = "",
        states: Sequence[StudyState] = (),
        labels: Mapping[str, str] | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[StudyRow]:
        """Studies in the order in which they were made, after the one whose `str(row.id)` is `after`.

        Empty `namespace`, `states`: all; `labels`: studies that have all of these. A bad `after` raises FixRequest.
        """
        found = heads.SELECT.where(t.studies.c.id > _page(after)).order_by(t.studies.c.id).limit(limit)
        if namespace:
            found = found.where(t.studies.c.namespace == clean(namespace))
        if states:
            found = found.where(t.studies.c.state.in_([state.value for state in states]))
        for name, value in (labels or {}).items():
            label = t.study_labels.alias()
            same = (label.c.study_id == t.studies.c.id, label.c.name == clean(name), label.c.value == clean(value))
            found = found.where(select(label.c.study_id).where(*same).exists())
        return [self._row(Head.of(row)) for row in self._all(found)]

    def live_studies(self) -> list[str]:
        """Uids of the studies that are not final, in the order in which they were made."""
        return [uid for (uid,) in self._all(_LIVE)]

    def delete_study(self, uid: str) -> None:
        """Forget the study with all its rows, lease included. Raises NotFound."""
        self._check_writable()
        self._run(_FORGET_LEASE, {"uid": uid})  # before the study is locked: the order in which fenced writes lock
        head = self._head(uid)
        self._flush()
        for statement in _FORGET:
            self._run(statement, {"key": head.id})
        self._live.forget(head)

    def edit_study(
        self,
        uid: str,
        *,
        limits: Limits | None = None,
        labels: Mapping[str, str] | None = None,
        initial: Sequence[Assignment] | None = None,
        now: float,
    ) -> StudyRow:
        """Replace what is given, raise the generation, and add an event that names the differences. Raises NotFound.

        An edit that changes nothing is none: the generation stays.
        """
        self._check_writable()
        head = self._head(uid)
        old = self._job(head)
        new = _edited(old, limits, labels, initial)
        if new != old:
            head.generation += 1
            self._put_document(head.id, uid, head.generation, new)
            if new.labels != old.labels:
                self._run(_FORGET_LABELS, {"key": head.id})
                self._put_labels(head.id, new.labels)
            self._note(head, None, "", "edited", differences(old, new), now)
        return self._row(head)

    def edits(self, uid: str, before: int | None = None, limit: int = 100) -> list[EditRow]:
        """The edits that led to a generation below `before` (None: all), the latest first. Raises NotFound."""
        head = self._head(uid)
        top = head.generation if before is None else min(before - 1, head.generation)
        span = {"id": head.id, "first": max(top - limit, 1), "last": top}
        jobs = {generation: from_text(text) for generation, text in self._all(_GENERATIONS, span)}
        times = [time for (time,) in self._all(_EDITED, {"id": head.id})]
        return [
            EditRow(generation, times[generation - 2], tuple(changes(jobs[generation - 1], jobs[generation])))
            for generation in sorted(jobs, reverse=True)
            if generation - 1 in jobs
        ]

    def move_study(self, uid: str, state: StudyState, reason: str, message: str, now: float) -> StudyRow:
        """Move the study, keep its times, and add an event. Raises NotFound, TransitionError."""
        self._check_writable()
        head = self._head(uid)
        check_study_move(head.state, state)
        if head.running_since is not None:
            head.elapsed += max(0.0, now - head.running_since)
        running = state is StudyState.RUNNING
        head.running_since = now if running else None
        head.started = now if running and head.started is None else head.started
        head.finished = now if state.final else None
        head.state, head.reason, head.message = state, clean_message(reason), clean_message(message)
        self._note(head, None, state.value, reason, message, now)
        return self._row(head)

    def _row(self, head: Head) -> StudyRow:
        return head.row(self._job(head))

    def _put_document(self, study_id: int, uid: str, generation: int, job: StudyJob) -> None:
        text = to_text(job)
        try:
            # What cannot be read again would be lost with its study.
            self._new_jobs[uid, generation] = from_text(text)
        except DocumentError as error:
            raise FixRequest(f"{error}", error.mistakes) from error
        self._run(_ADD_DOCUMENT, {"study_id": study_id, "generation": generation, "document": text})

    def _put_labels(self, study_id: int, labels: Mapping[str, str]) -> None:
        rows = [{"study_id": study_id, "name": clean(name), "value": clean(value)} for name, value in labels.items()]
        if rows:
            self._run(_ADD_LABELS, rows)


def _new_values(uid: str, job: StudyJob, now: float) -> dict[str, Any]:
    texts = {"uid": uid, "namespace": job.namespace, "name": job.name, "reason": "", "message": ""}
    counters = ("next_number", "revision", "digest", "rank", "elapsed", "initial_used")
    zeros = dict.fromkeys((*counters, *(name for _, name in heads.COUNTS)), 0)
    return {**texts, **zeros, "generation": 1, "state": StudyState.CREATED.value, "created": now}


def _edited(
    old: StudyJob,
    limits: Limits | None,
    labels: Mapping[str, str] | None,
    initial: Sequence[Assignment] | None,
) -> StudyJob:
    spec = replace(
        old.spec,
        limits=old.spec.limits if limits is None else limits,
        initial=old.spec.initial if initial is None else tuple(dict(assignment) for assignment in initial),
    )
    return replace(old, spec=spec, labels=old.labels if labels is None else dict(labels))


def _page(token: str) -> int:
    if token and not (token.isascii() and token.isdigit() and len(token) < 19):
        raise FixRequest(f"a page token must come from the reply before, but got {token[:80]!r}")
    return int(token or 0)
