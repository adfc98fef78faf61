"""Trials between their table and `TrialRow`."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select

from tunesmith.manager.storage._keys import signed, unsigned
from tunesmith.manager.storage._rows import Explanation, TrialRow
from tunesmith.manager.storage._tables import trials
from tunesmith.manager.storage._text import clean, from_json, to_json
from tunesmith.study import TrialState

_STATES: Final = {state.value: state for state in TrialState}

_CONVERTED = frozenset({"study_id", "state", "digest", "assignment", "labels", "explanation"})
_PLAIN = tuple(column.name for column in trials.c if column.name not in _CONVERTED)

SELECT = select(*(column for column in trials.c if column.name != "study_id"))


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


def changed_values(trial_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of an `update_some` that stores these fields of TrialRow."""
    values = {f"new_{name}": value for name, value in changes.items()}
    if "state" in changes:
        values["new_state"] = changes["state"].value
    if "digest" in changes:
        values["new_digest"] = signed(changes["digest"])
    return {"key": trial_id, **values}


def added_values(trial: TrialRow, study_id: int) -> dict[str, Any]:
    """Every column of a new trial."""
    explanation = trial.explanation
    return {
        "study_id": study_id,
        **{name: getattr(trial, name) for name in _PLAIN},
        "state": trial.state.value,
        "digest": signed(trial.digest),
        "assignment": to_json(trial.assignment),
        "labels": to_json(trial.labels),
        "explanation": explanation and to_json([explanation.model, explanation.text, explanation.acquisition]),
    }


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """A trial's labels as they are stored."""
    return {clean(name): clean(value) for name, value in labels.items()}
