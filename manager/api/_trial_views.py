"""What a trial looks like on the wire, or as much of it as a caller wants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.field_mask_pb2 import FieldMask

from tunesmith.manager.api._views import timestamp
from tunesmith.manager.storage import AttemptRow, Explanation, TrialRow, Tx
from tunesmith.services.errors import FixRequest
from tunesmith.study import MetricSummary, Mistake, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial as of one transaction, with what is shown beside its row."""

    row: TrialRow
    metrics: Sequence[MetricSummary]
    attempts: Sequence[AttemptRow]
    parent: str


FIELDS: Final = frozenset(pb.Trial.DESCRIPTOR.fields_by_name)


def wanted_fields(mask: FieldMask) -> frozenset[str]:
    """The fields of a Trial that a mask names; all if it names none. Raises FixRequest."""
    for index, name in enumerate(mask.paths):
        if name not in FIELDS:
            path, rule = f"read_mask.paths[{index}]", f"must be a field of Trial, but got {name[:100]!r}"
            raise FixRequest(f"`{path}` {rule}", [Mistake(path, rule)])
    return frozenset(mask.paths) or FIELDS


def read_trials(tx: Tx, rows: Sequence[TrialRow], wanted: frozenset[str] = FIELDS) -> list[TrialView]:
    """The trials, with their summaries and attempts where these fields are wanted."""
    ids = [row.id for row in rows]
    summaries = tx.summaries(ids) if "metrics" in wanted else {}
    attempts = tx.attempts_of(ids) if "attempts" in wanted else {}
    parents = _parents(tx, rows) if "parent" in wanted else {}
    return [
        TrialView(row, summaries.get(row.id, ()), attempts.get(row.id, ()), parents.get(row.id, "")) for row in rows
    ]


def _parents(tx: Tx, rows: Sequence[TrialRow]) -> dict[int, str]:
    """The names of parents by the ids of their children. Most lie on the same page."""
    names = {(row.uid, row.number): row.name for row in rows}
    return {
        row.id: names.get((row.uid, row.parent)) or tx.trial(row.uid, row.parent).name
        for row in rows
        if row.parent is not None
    }


def _explanation(told: Explanation | None) -> types.Explanation | None:
    return types.Explanation(model=told.model, text=told.text, acquisition=told.acquisition) if told else None


_TOLD: Final[Mapping[str, Callable[[TrialView], Any]]] = {
    "name": lambda view: view.row.name,
    "number": lambda view: view.row.number,
    "state": lambda view: wire.TRIAL_STATE_TO_PROTO[view.row.state],
    "reason": lambda view: view.row.reason,
    "message": lambda view: view.row.message,
    "assignment": lambda view: wire.assignment_to_proto(view.row.assignment),
    "value": lambda view: view.row.value,
    "metrics": lambda view: [wire.summary_to_proto(summary) for summary in view.metrics],
    "attempts": lambda view: [_attempt(attempt) for attempt in view.attempts],
    "parent": lambda view: view.parent,
    "group": lambda view: view.row.group,
    "labels": lambda view: dict(view.row.labels),
    "explanation": lambda view: _explanation(view.row.explanation),
    "completion_rank": lambda view: view.row.completion_rank,
    "created": lambda view: timestamp(view.row.created),
    "started": lambda view: timestamp(view.row.started),
    "finished": lambda view: timestamp(view.row.finished),
    "not_before": lambda view: timestamp(view.row.not_before),
    "revision": lambda view: view.row.revision,
}
"""What each field of a Trial says."""


def trial_message(view: TrialView, wanted: frozenset[str] = FIELDS) -> pb.Trial:
    """The trial, with the fields that are wanted."""
    return pb.Trial(**{name: tell(view) for name, tell in _TOLD.items() if name in wanted})


def _attempt(attempt: AttemptRow) -> pb.Attempt:
    return pb.Attempt(
        number=attempt.number,
        ending=wire.ATTEMPT_ENDING_TO_PROTO[attempt.ending] if attempt.ending else pb.ATTEMPT_ENDING_UNSPECIFIED,
        failure_class=wire.FAILURE_CLASS_TO_PROTO[attempt.failure_class]
        if attempt.failure_class
        else types.FAILURE_CLASS_UNSPECIFIED,
        exit_status=attempt.exit_status,
        message=attempt.message,
        folder=attempt.folder,
        started=timestamp(attempt.started),
        finished=timestamp(attempt.finished),
    )
