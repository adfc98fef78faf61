"""What a transaction writes at its end: each row once, however often it changed, and rows alike in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Executable, bindparam, insert, update

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage import _trial_rows as rows
from tunesmith.manager.storage._dialect import update_some, upsert
from tunesmith.manager.storage._keys import study_of
from tunesmith.manager.storage._rows import TrialRow
from tunesmith.study import MetricSummary, StudyMetricSummary

Row = Mapping[str, Any]
Write = tuple[Executable, Sequence[Row]]

_ADD_TRIALS = insert(t.trials)
_OPEN = insert(t.attempts)
_CLOSE = (
    update(t.attempts)
    .where(t.attempts.c.trial_id == bindparam("key"), t.attempts.c.number == bindparam("last"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("ending", "failure_class", "exit_status", "message", "finished")}
    )
)
_ADD_EVENTS = insert(t.events)

_MetricKey = tuple[int, int, int]


class Gathered:
    """Rows that are not written yet."""

    def __init__(self) -> None:
        """Nothing."""
        self.opened: list[Row] = []
        """Attempts to insert."""
        self.closed: list[Row] = []
        """Parameters of the statement that closes an attempt."""
        self.events: list[Row] = []
        self.sources: dict[_MetricKey, Row] = {}
        """By trial, attempt and slot."""
        self._added: dict[int, TrialRow] = {}
        self._changed: dict[int, dict[str, Any]] = {}
        self._summaries: dict[_MetricKey, MetricSummary] = {}
        self._study_summaries: dict[tuple[int, str], StudyMetricSummary] = {}

    def add(self, trial: TrialRow) -> None:
        """A new trial."""
        self._added[trial.id] = trial

    def change(self, trial: TrialRow, changes: Mapping[str, Any]) -> None:
        """A trial as it is now, and which fields changed: an index is written only when one of its columns is."""
        if trial.id in self._added:
            self._added[trial.id] = trial
        else:
            self._changed.setdefault(trial.id, {}).update(changes)

    def summarize(self, trial_id: int, attempt: int, slot: int, summary: MetricSummary) -> None:
        """An attempt's summary of a metric."""
        self._summaries[trial_id, attempt, slot] = summary

    def summarize_study(self, study_id: int, summary: StudyMetricSummary) -> None:
        """A study's summary of a metric."""
        self._study_summaries[study_id, summary.metric] = summary

    def writes(self, dialect: str) -> Iterator[Write]:
        """The statements, in an order in which what is referred to comes first."""
        yield _ADD_TRIALS, [rows.added_values(trial, study_of(trial.id)) for trial in self._added.values()]
        yield from self._changes()
        yield _OPEN, self.opened
        yield _CLOSE, self.closed
        yield upsert(dialect, t.metric_summaries), [_of_attempt(k, columns_of(s)) for k, s in self._summaries.items()]
        yield upsert(dialect, t.offsets), [_of_attempt(key, row) for key, row in self.sources.items()]
        of_studies = [{"study_id": key[0], **columns_of(s)} for key, s in self._study_summaries.items()]
        yield upsert(dialect, t.study_summaries), of_studies
        yield _ADD_EVENTS, self.events

    def _changes(self) -> Iterator[Write]:
        alike: dict[tuple[str, ...], list[Row]] = {}
        for trial_id, changes in self._changed.items():
            alike.setdefault(tuple(changes), []).append(rows.changed_values(trial_id, changes))
        for names, values in alike.items():
            yield update_some(t.trials, names), values


def _of_attempt(key: _MetricKey, columns: Row) -> Row:
    return {"trial_id": key[0], "attempt": key[1], "slot": key[2], **columns}


_COLUMNS = {kind: tuple(field.name for field in fields(kind)) for kind in (MetricSummary, StudyMetricSummary)}


def columns_of(summary: MetricSummary | StudyMetricSummary) -> dict[str, Any]:
    """Columns of a summary; `dataclasses.asdict` would copy in depth, at ten times the price."""
    return {name: getattr(summary, name) for name in _COLUMNS[type(summary)]}
