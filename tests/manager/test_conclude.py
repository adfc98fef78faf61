"""What becomes of a trial whose attempt ended."""

import pytest

from tunesmith.manager._conclude import Conclusion, Ended, conclude, count_unseen
from tunesmith.manager._snapshot import StopKind
from tunesmith.manager.storage import AttemptRow
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
    unseen: int | None = None,
) -> Ended:
    """`unseen`: how many ended so before; None: this one did not."""
    return Ended(failure, "why", stop, finite, non_finite, failures, disk_full, unseen is not None, unseen or 0)


CASES: list[tuple[str, Ended, Retry, tuple[AttemptEnding, FailureClass | None, TrialState, float | None]]] = [
    ("it went well", ended(), NONE, (AttemptEnding.EXITED, None, TrialState.SUCCEEDED, None)),
    (
        "a rule holds it for done",
        ended(F.PREEMPTED, StopKind.COMPLETE),
        TWICE,
        (AttemptEnding.STOPPED, None, TrialState.SUCCEEDED, None),
    ),
    (
        "a rule holds it for done, which has nothing to show",
        ended(F.PREEMPTED, StopKind.COMPLETE, finite=0),
        NONE,
        (AttemptEnding.FAILED, F.PREEMPTED, TrialState.FAILED, None),
    ),
    (
        "a rule stopped it",
        ended(F.PREEMPTED, StopKind.EARLY),
        TWICE,
        (AttemptEnding.STOPPED, None, TrialState.EARLY_STOPPED, None),
    ),
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
    (
        "its runner died",
        ended(F.LOST, unseen=0),
        NONE,
        (AttemptEnding.INTERRUPTED, F.LOST, TrialState.PENDING, 0.0),
    ),
    (
        "its runner died again",
        ended(F.LOST, failures=1, unseen=1),
        TWICE,
        (AttemptEnding.INTERRUPTED, F.LOST, TrialState.PENDING, 0.0),
    ),
    (
        "its runner died once too often",
        ended(F.LOST, unseen=2),
        NONE,
        (AttemptEnding.FAILED, F.LOST, TrialState.FAILED, None),
    ),
    (
        "its runner died once too often, retried",
        ended(F.LOST, unseen=2),
        TWICE,
        (AttemptEnding.FAILED, F.LOST, TrialState.PENDING, 10.0),
    ),
    (
        "its runner died, and it had used too much memory",
        ended(F.OUT_OF_MEMORY, unseen=0),
        NONE,
        (AttemptEnding.FAILED, F.OUT_OF_MEMORY, TrialState.FAILED, None),
    ),
    (
        "its runner died when it was being killed by its user",
        ended(None, StopKind.KILL, unseen=0),
        NONE,
        (AttemptEnding.STOPPED, None, TrialState.KILLED, None),
    ),
    (
        "its runner died when its time was up",
        ended(None, StopKind.TIMEOUT, unseen=0),
        NONE,
        (AttemptEnding.FAILED, F.TIMEOUT, TrialState.FAILED, None),
    ),
    (
        "its runner died on a full disk",
        ended(F.LOST, disk_full=True, unseen=2),
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


UNSEEN = (AttemptEnding.INTERRUPTED, F.LOST)
INTERRUPTED = (AttemptEnding.INTERRUPTED, None)
FAILED = (AttemptEnding.FAILED, F.LOST)
STOPPED = (AttemptEnding.STOPPED, None)
OPEN = (None, None)


@pytest.mark.parametrize(
    ("endings", "failures", "expected"),
    [
        ([], 0, 0),
        ([OPEN], 0, 0),
        ([UNSEEN, OPEN], 0, 1),
        ([UNSEEN, INTERRUPTED, UNSEEN, OPEN], 0, 2),
        ([UNSEEN, FAILED, UNSEEN, OPEN], 1, 2),  # the policy tried it again
        ([UNSEEN, FAILED, UNSEEN, OPEN], 0, 1),  # its user did
        ([UNSEEN, FAILED, FAILED, UNSEEN, FAILED, OPEN], 1, 1),
        ([UNSEEN, UNSEEN, STOPPED, OPEN], 0, 0),
    ],
)
def test_what_was_unseen_is_counted_since_the_last_retry_of_a_user(
    endings: list[tuple[AttemptEnding | None, FailureClass | None]], failures: int, expected: int
) -> None:
    rows = [AttemptRow(n, ending, failure, None, "", "", 0.0, None) for n, (ending, failure) in enumerate(endings)]
    assert count_unseen(rows, failures) == expected
