"""What an exit status means."""

import pytest

from tunesmith.manager.launchers import classify
from tunesmith.manager.launchers._classify import describe, exit_from_record
from tunesmith.study import FailureClass


@pytest.mark.parametrize(
    ("status", "signal", "failure", "words"),
    [
        (0, None, None, ""),
        (1, None, FailureClass.USER_ERROR, "exit status 1"),
        (3, None, FailureClass.USER_ERROR, "exit status 3"),
        (255, None, FailureClass.USER_ERROR, "exit status 255"),
        (137, None, FailureClass.LOST, "exit status 137 (killed by SIGKILL)"),
        (143, None, FailureClass.PREEMPTED, "exit status 143 (killed by SIGTERM)"),
        (None, 9, FailureClass.LOST, "killed by SIGKILL"),
        (None, 15, FailureClass.PREEMPTED, "killed by SIGTERM"),
        (None, 11, FailureClass.USER_ERROR, "killed by SIGSEGV"),
        (None, 2, FailureClass.USER_ERROR, "killed by SIGINT"),
        (None, 40, FailureClass.USER_ERROR, "killed by signal 40"),
        (None, None, FailureClass.LOST, "it is gone, and left no exit status"),
    ],
)
def test_classes(status: int | None, signal: int | None, failure: FailureClass | None, words: str) -> None:
    assert classify(status, signal, stopped_by_us=False) is failure
    assert classify(status, signal, stopped_by_us=True) is None
    assert describe(status, signal) == words


def test_what_the_record_says_comes_first() -> None:
    record = {"status": None, "signal": 9, "failure": "outOfMemory", "message": "too much", "stopped": False}
    exit = exit_from_record("t", 2, {**record, "time": 1.5})
    assert (exit.failure, exit.message, exit.signal, exit.time) == (FailureClass.OUT_OF_MEMORY, "too much", 9, 1.5)
