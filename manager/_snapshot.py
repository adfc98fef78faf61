"""What the manager knows of a study at one moment: the only input of `decide`, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tunesmith.study import StudySpec, StudyState, TrialState


class StopKind(Enum):
    """Why a trial is to stop, and so what it becomes."""

    KILL = "kill"
    """A user's wish, or the study's end: Killed."""
    INTERRUPT = "interrupt"
    """Ours; it runs again, which spends no retry: Pending."""
    EARLY = "early"
    """A rule holds it for hopeless: EarlyStopped."""
    COMPLETE = "complete"
    """A rule holds it for done: Succeeded, as if it had come to its end by itself."""
    TIMEOUT = "timeout"
    """Its time is up: a failure of class `timeout`."""


class Oracle(Enum):
    """What the suggestion service said last about this study."""

    READY = "ready"
    """It may be asked."""
    ASKED = "asked"
    """A call is under way, or waits for the service to come back."""
    WAITS = "waits"
    """It wants to see more history first, and has not got any since."""
    EXHAUSTED = "exhausted"
    """Nothing is left to try."""


@dataclass(frozen=True, slots=True)
class LiveTrial:
    """A Pending or Running trial. Times are seconds since 1970 UTC; None: not set."""

    number: int
    state: TrialState
    attempt_open: bool
    """An attempt was begun and has no ending yet."""
    not_before: float | None = None
    stop: StopKind | None = None
    attempt_started: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A study, its live trials, and what its surroundings said."""

    spec: StudySpec
    state: StudyState
    reason: str
    counts: Mapping[TrialState, int]
    total: int
    best_value: float | None
    elapsed: float
    """Seconds in state Running until `now`."""
    trials: tuple[LiveTrial, ...]
    """By number."""
    initial_left: int
    """Initial assignments that have no trial yet."""
    proposals: int
    """Assignments at hand that have no trial yet."""
    oracle: Oracle
    now: float
    fault: str | None = None
    """Why the algorithm cannot go on, for good. None: it can."""

    @property
    def succeeded(self) -> int:
        """Trials that succeeded."""
        return self.counts.get(TrialState.SUCCEEDED, 0)

    @property
    def failed(self) -> int:
        """Trials that failed or reported no objective, after their retries."""
        return self.counts.get(TrialState.FAILED, 0) + self.counts.get(TrialState.METRICS_UNAVAILABLE, 0)
