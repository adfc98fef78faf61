"""States of trials and studies, and the only moves between them that exist."""

from collections.abc import Mapping
from enum import StrEnum


class TrialState(StrEnum):
    """State of a trial."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    EARLY_STOPPED = "EarlyStopped"
    KILLED = "Killed"
    METRICS_UNAVAILABLE = "MetricsUnavailable"

    @property
    def final(self) -> bool:
        """Whether the trial has ended; only a user's retry moves it again."""
        return self not in (TrialState.PENDING, TrialState.RUNNING)


class StudyState(StrEnum):
    """State of a study."""

    CREATED = "Created"
    RUNNING = "Running"
    PAUSED = "Paused"
    ENDING = "Ending"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def final(self) -> bool:
        """Whether the study has ended; only a raised limit moves it again."""
        return self in (StudyState.SUCCEEDED, StudyState.FAILED, StudyState.STOPPED)


class AttemptEnding(StrEnum):
    """How one launch of a trial ended."""

    EXITED = "exited"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


class FailureClass(StrEnum):
    """Why an attempt did not end well; a retry policy names these."""

    USER_ERROR = "userError"
    OUT_OF_MEMORY = "outOfMemory"
    PREEMPTED = "preempted"
    TIMEOUT = "timeout"
    LOST = "lost"
    NO_METRICS = "noMetrics"
    NOT_A_NUMBER = "notANumber"


_P, _R = TrialState.PENDING, TrialState.RUNNING
_ENDS = (
    TrialState.SUCCEEDED,
    TrialState.FAILED,
    TrialState.EARLY_STOPPED,
    TrialState.KILLED,
    TrialState.METRICS_UNAVAILABLE,
)

TRIAL_TRANSITIONS: Mapping[TrialState, frozenset[TrialState]] = {
    _P: frozenset({_R, TrialState.KILLED}),
    _R: frozenset({*_ENDS, _P}),  # back to Pending: a retry is due, or we interrupted it
    TrialState.SUCCEEDED: frozenset(),
    TrialState.EARLY_STOPPED: frozenset(),
    TrialState.FAILED: frozenset({_P}),  # a user retries
    TrialState.KILLED: frozenset({_P}),
    TrialState.METRICS_UNAVAILABLE: frozenset({_P}),
}

_FINAL = frozenset({StudyState.SUCCEEDED, StudyState.FAILED, StudyState.STOPPED})

STUDY_TRANSITIONS: Mapping[StudyState, frozenset[StudyState]] = {
    StudyState.CREATED: frozenset({StudyState.RUNNING, StudyState.ENDING}),
    StudyState.RUNNING: frozenset({StudyState.PAUSED, StudyState.ENDING}),
    StudyState.PAUSED: frozenset({StudyState.RUNNING, StudyState.ENDING}),
    StudyState.ENDING: frozenset({*_FINAL, StudyState.RUNNING}),
    StudyState.SUCCEEDED: frozenset({StudyState.RUNNING}),  # the limit that ended it was raised
    StudyState.FAILED: frozenset({StudyState.RUNNING}),
    StudyState.STOPPED: frozenset({StudyState.RUNNING}),
}


class TransitionError(ValueError):
    """A move between states that the transition table does not have: an error in the program, never the user's."""


def check_trial_move(old: TrialState, new: TrialState) -> None:
    """Raise TransitionError unless a trial may move from `old` to `new`."""
    if new not in TRIAL_TRANSITIONS[old]:
        raise TransitionError(f"a trial never moves from {old} to {new}")


def check_study_move(old: StudyState, new: StudyState) -> None:
    """Raise TransitionError unless a study may move from `old` to `new`."""
    if new not in STUDY_TRANSITIONS[old]:
        raise TransitionError(f"a study never moves from {old} to {new}")
