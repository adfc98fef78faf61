"""Decides what becomes of a trial whose attempt ended. Pure."""

from dataclasses import dataclass

from tunesmith.manager._snapshot import StopKind
from tunesmith.study import AttemptEnding, FailureClass, Retry, TrialState


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
    the objective is MetricsUnavailable; a failure is tried again when the policy names its class and attempts are left.
    """
    if ended.stop is StopKind.KILL:
        return Conclusion(AttemptEnding.STOPPED, None, TrialState.KILLED, "stopped", ended.message)
    if ended.stop is StopKind.INTERRUPT:
        return Conclusion(AttemptEnding.INTERRUPTED, None, TrialState.PENDING, "interrupted", ended.message, 0.0)
    failure = FailureClass.TIMEOUT if ended.stop is StopKind.TIMEOUT else ended.failure or _missing(ended)
    if failure is None:
        return Conclusion(AttemptEnding.EXITED, None, TrialState.SUCCEEDED, "succeeded", ended.message)
    if ended.disk_full:
        text = f"the disk is full ({ended.message})"
        return Conclusion(AttemptEnding.INTERRUPTED, None, TrialState.PENDING, "diskFull", text, 0.0)
    return _failed(failure, ended, retry)


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
