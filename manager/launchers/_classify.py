"""What an exit status means. Pure."""

import signal as signals
from typing import Any

from tunesmith.manager.launchers._launcher import Exit
from tunesmith.study import FailureClass

_SHELL_KILLED, _SHELL_TERMINATED = 128 + signals.SIGKILL, 128 + signals.SIGTERM


def classify(status: int | None, signal: int | None, stopped_by_us: bool) -> FailureClass | None:
    """The class of an exit; None: it ended well, or as we asked it to.

    A trial that runs in a shell or a container tells a signal as 128 + its number. A KILL that is not ours is the
    kernel's or a person's: `lost`, unless the kernel says that it was out of memory, which is not for this function. A
    TERM that is not ours is how machines announce that they are taken away: `preempted`.
    """
    if stopped_by_us or (status == 0 and signal is None):
        return None
    if signal == signals.SIGKILL or status == _SHELL_KILLED:
        return FailureClass.LOST
    if signal == signals.SIGTERM or status == _SHELL_TERMINATED:
        return FailureClass.PREEMPTED
    if status is None and signal is None:
        return FailureClass.LOST
    return FailureClass.USER_ERROR


def describe(status: int | None, signal: int | None) -> str:
    """An exit in words; empty for status 0."""
    if signal is not None:
        return f"killed by {_name(signal)}"
    if status is None:
        return "it is gone, and left no exit status"
    if status > 128 and (name := _name(status - 128)).startswith("SIG"):
        return f"exit status {status} (killed by {name})"
    return f"exit status {status}" if status else ""


def exit_from_record(trial: str, attempt: int, record: dict[str, Any], killed: str = "") -> Exit:
    """The exit that a record of the runner tells. `killed`: why we killed it, which is memory; it may not know."""
    status, signal = record.get("status"), record.get("signal")
    failure = record.get("failure")
    if killed and signal == signals.SIGKILL and not failure:
        return Exit(trial, attempt, None, signal, FailureClass.OUT_OF_MEMORY, killed, record["time"])
    return Exit(
        trial=trial,
        attempt=attempt,
        status=status,
        signal=signal,
        failure=FailureClass(failure) if failure else classify(status, signal, bool(record.get("stopped"))),
        message=record.get("message") or describe(status, signal),
        time=record["time"],
    )


def exit_without_record(trial: str, attempt: int, now: float, *, stopped: bool, message: str = "") -> Exit:
    """The exit of an attempt whose status nobody learned. `message`: why we killed it, which is memory."""
    if message:
        return Exit(trial, attempt, failure=FailureClass.OUT_OF_MEMORY, message=message, time=now, unseen=True)
    failure = classify(None, None, stopped)
    return Exit(trial, attempt, failure=failure, message=describe(None, None), time=now, unseen=True)


def _name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"
