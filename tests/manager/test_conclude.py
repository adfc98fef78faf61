"""What becomes of a trial whose attempt ended."""

import pytest

from tunesmith.manager._conclude import Conclusion, Ended, conclude
from tunesmith.manager._snapshot import StopKind
from tunesmith.study import AttemptEnding, FailureClass, Retry, TrialState

F = FailureClass
NONE = Retry()
TWICE = Retry(attempts=3, on=(F.LOST, F.TIMEOUT, F.NO_METRICS), backoff=10.0)


def ended(
    failure: FailureClass | None = None,
    stop: StopKind | None = None,
    finite: int = 1,
    non_finite: int = 0,
    failures: int = 0,
    disk_full: bool = False,
) -> Ended:
    return Ended(failure, "why", stop, finite, non_finite, failures, disk_full)


CASES: list[tuple[str, Ended, Retry, tuple[AttemptEnding, FailureClass | None, TrialState, float | None]]] = [
    ("it went well", ended(), NONE, (AttemptEnding.EXITED, None, TrialState.SUCCEEDED, None)),
    (
        "nothing reported",
        ended(finite=0),
        NONE,
        (AttemptEnding.FAILED, F.NO_METRICS, TrialState.METRICS_UNAVAILABLE, None),
    ),
    ("only nan", ended(finite=0, non_finite=2), NONE, (AttemptEnding.FAILED, F.NOT_A_NUMBER, TrialState.FAILED, None)),
    ("some nan", ended(finite=1, non_finite=2), NONE, (AttemptEnding.EXITED, None, TrialState.SUCCEEDED, None)),
    (
        "it failed, and reported",
        ended(F.USER_ERROR),
        NONE,
        (AttemptEnding.FAILED, F.USER_ERROR, TrialState.FAILED, None),
    ),
    (
        "it failed, and reported nothing",
        ended(F.LOST, finite=0),
        NONE,
        (AttemptEnding.FAILED, F.LOST, TrialState.FAILED, None),
    ),
    ("first retry", ended(F.LOST), TWICE, (AttemptEnding.FAILED, F.LOST, TrialState.PENDING, 10.0)),
    ("second retry", ended(F.LOST, failures=1), TWICE, (AttemptEnding.FAILED, F.LOST, TrialState.PENDING, 20.0)),
    ("no attempt left", ended(F.LOST, failures=2), TWICE, (AttemptEnding.FAILED, F.LOST, TrialState.FAILED, None)),
    (
        "a class that is not named",
        ended(F.USER_ERROR),
        TWICE,
        (AttemptEnding.FAILED, F.USER_ERROR, TrialState.FAILED, None),
    ),
    ("no metrics, retried", ended(finite=0), TWICE, (AttemptEnding.FAILED, F.NO_METRICS, TrialState.PENDING, 10.0)),
    (
        "killed by its user",
        ended(F.PREEMPTED, StopKind.KILL),
        TWICE,
        (AttemptEnding.STOPPED, None, TrialState.KILLED, None),
    ),
    ("interrupted", ended(None, StopKind.INTERRUPT), NONE, (AttemptEnding.INTERRUPTED, None, TrialState.PENDING, 0.0)),
    ("took too long", ended(None, StopKind.TIMEOUT), NONE, (AttemptEnding.FAILED, F.TIMEOUT, TrialState.FAILED, None)),
    (
        "took too long, retried",
        ended(None, StopKind.TIMEOUT),
        TWICE,
        (AttemptEnding.FAILED, F.TIMEOUT, TrialState.PENDING, 10.0),
    ),
    (
        "failed for want of disk",
        ended(F.USER_ERROR, disk_full=True),
        NONE,
        (AttemptEnding.INTERRUPTED, None, TrialState.PENDING, 0.0),
    ),
    ("went well on a full disk", ended(disk_full=True), NONE, (AttemptEnding.EXITED, None, TrialState.SUCCEEDED, None)),
]


@pytest.mark.parametrize(("what", "retry", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_conclusions(
    what: Ended, retry: Retry, expected: tuple[AttemptEnding, FailureClass | None, TrialState, float | None]
) -> None:
    result: Conclusion = conclude(what, retry)
    assert (result.ending, result.failure, result.state, result.delay) == expected
    assert result.message or result.state is TrialState.SUCCEEDED
