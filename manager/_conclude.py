"""Decides what becomes of a trial whose attempt ended. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.manager._snapshot import StopKind
from tunesmith.manager.storage import AttemptRow
from tunesmith.study import AttemptEnding, FailureClass, Retry, TrialState

UNSEEN = 2
"""Attempts of a trial that may end unseen and are begun anew for nothing, until its user retries it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended, and what it had reported by then."""

    failure: FailureClass | None
    """What the launcher says went wrong; None: it ended by itself with status 0."""
    message: str
    stop: StopKind | None
    """Why we stopped it; None: we did not, or it ended before our stop reached it."""
    finite: int
    """Finite observations of the objective."""
    non_finite: int
    """NaN and infinite observations of the objective."""
    failures: int
    """Attempts of this trial that failed before, since its user retried it last."""
    disk_full: bool = False
    """The disk that holds its folder is full, so that a failure says nothing about the trial."""
    unseen: bool = False
    """Whoever would have recorded its exit died, so that `lost` says nothing about the trial."""
    unseen_before: int = 0
    """Attempts of this trial that ended so before, since its user retried it last."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the attempt and its trial become. `delay`: seconds before the next attempt; None: there is none by this."""

    ending: AttemptEnding
    failure: FailureClass | None
    state: TrialState
    reason: str
    message: str
    delay: float | None = None


def conclude(ended: Ended, retry: Retry) -> Conclusion:
    """What becomes of the trial.

    Examples of the rule: a stop that we asked for wins over the status it caused; a trial without one observation of
    the objective is MetricsUnavailable; a failure is tried again when the policy names its class and attempts are left;
    one whose end nobody saw is begun anew, but not for ever, as it may be the trial itself that kills who watches it.
    """
    if ended.stop is StopKind.KILL:
        return Conclusion(AttemptEnding.STOPPED, None, TrialState.KILLED, "stopped", ended.message)
    if ended.stop is StopKind.EARLY:
        return Conclusion(AttemptEnding.STOPPED, None, TrialState.EARLY_STOPPED, "earlyStopped", ended.message)
    if ended.stop is StopKind.INTERRUPT:
        return Conclusion(AttemptEnding.INTERRUPTED, None, TrialState.PENDING, "interrupted", ended.message, 0.0)
    if ended.stop is StopKind.COMPLETE and ended.finite:
        return Conclusion(AttemptEnding.STOPPED, None, TrialState.SUCCEEDED, "converged", ended.message)
    failure = FailureClass.TIMEOUT if ended.stop is StopKind.TIMEOUT else ended.failure or _missing(ended)
    if failure is None:
        return Conclusion(AttemptEnding.EXITED, None, TrialState.SUCCEEDED, "succeeded", ended.message)
    if ended.disk_full:
        text = f"the disk is full ({ended.message})"
        return Conclusion(AttemptEnding.INTERRUPTED, None, TrialState.PENDING, "diskFull", text, 0.0)
    if ended.unseen and failure is FailureClass.LOST and ended.unseen_before < UNSEEN:
        return Conclusion(AttemptEnding.INTERRUPTED, failure, TrialState.PENDING, "runnerDied", ended.message, 0.0)
    return _failed(failure, ended, retry)


def count_unseen(attempts: Sequence[AttemptRow], failures: int) -> int:
    """Attempts that ended unseen and were begun anew for it, since the trial's user retried it last.

    `attempts`: all of the trial, by number; `failures`: how many of them failed since that retry. What ended before it
    was stopped, or failed once more than that.
    """
    found = 0
    for attempt in reversed(attempts):
        failures -= attempt.ending is AttemptEnding.FAILED
        if failures < 0 or attempt.ending is AttemptEnding.STOPPED:
            break
        found += attempt.ending is AttemptEnding.INTERRUPTED and attempt.failure_class is FailureClass.LOST
    return found


def _missing(ended: Ended) -> FailureClass | None:
    if ended.finite:
        return None
    return FailureClass.NOT_A_NUMBER if ended.non_finite else FailureClass.NO_METRICS


_TEXTS = {
    FailureClass.NO_METRICS: "it ended well but reported no value of the objective",
    FailureClass.NOT_A_NUMBER: "it ended well but no value of the objective is a finite number",
}


def _failed(failure: FailureClass, ended: Ended, retry: Retry) -> Conclusion:
    message = _TEXTS.get(failure, ended.message)
    if failure in retry.on and ended.failures + 1 < retry.attempts:
        delay = retry.backoff * 2**ended.failures
        return Conclusion(AttemptEnding.FAILED, failure, TrialState.PENDING, failure.value, message, delay)
    state = TrialState.METRICS_UNAVAILABLE if failure is FailureClass.NO_METRICS else TrialState.FAILED
    return Conclusion(AttemptEnding.FAILED, failure, state, failure.value, message)
