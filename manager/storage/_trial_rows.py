"""Trials between their table and `TrialRow`."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from tunesmith.manager.storage._keys import signed, unsigned
from tunesmith.manager.storage._rows import Explanation, TrialRow
from tunesmith.manager.storage._tables import trials
from tunesmith.manager.storage._text import clean, from_json, to_json
from tunesmith.study import TrialState

_STATES: Final = {state.value: state for state in TrialState}

CHANGING = (
    "state",
    "reason",
    "message",
    "value",
    "completion_rank",
    "revision",
    "digest",
    "attempt",
    "attempt_open",
    "failures",
    "not_before",
    "stop_kind",
    "stop_reason",
    "stop_time",
    "started",
    "finished",
    "attempt_started",
)
FIXED = ("id", "number", "name", "parent", "group", "created")

SELECT = select(*(column for column in trials.c if column.name != "study_id"))
ADD = insert(trials)
SAVE = (
    update(trials).where(trials.c.id == bindparam("key")).values({name: bindparam(f"new_{name}") for name in CHANGING})
)


def read_trial(row: tuple[Any, ...], uid: str) -> TrialRow:
    """The trial in a row of `SELECT`, whose columns are in the order of TrialRow's fields."""
    (id, number, name, state, reason, message, assignment, value, labels, parent, group, explanation) = row[:12]
    (completion_rank, revision, digest) = row[12:15]
    return TrialRow(
        id,
        uid,
        number,
        name,
        _STATES[state],
        reason,
        message,
        from_json(assignment),
        value,
        from_json(labels),
        parent,
        group,
        None if explanation is None else Explanation(*from_json(explanation)),
        completion_rank,
        revision,
        unsigned(digest),
        *row[15:],
    )


def _changing(trial: TrialRow) -> dict[str, Any]:
    values = {name: getattr(trial, name) for name in CHANGING}
    values.update(state=trial.state.value, digest=signed(trial.digest))
    return values


def saved_values(trial: TrialRow) -> dict[str, Any]:
    """Parameters of `SAVE`."""
    return {"key": trial.id, **{f"new_{name}": value for name, value in _changing(trial).items()}}


def added_values(trial: TrialRow, study_id: int) -> dict[str, Any]:
    """Parameters of `ADD`."""
    explanation = trial.explanation
    return {
        "study_id": study_id,
        **{name: getattr(trial, name) for name in FIXED},
        **_changing(trial),
        "assignment": to_json(trial.assignment),
        "labels": to_json(trial.labels),
        "explanation": explanation and to_json([explanation.model, explanation.text, explanation.acquisition]),
    }


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """A trial's labels as they are stored."""
    return {clean(name): clean(value) for name, value in labels.items()}
