"""What is recorded of a trial that has ended."""

import math
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

from tunesmith.manager.launchers._runner import _processes
from tunesmith.manager.launchers._runner._files import EXIT, STOP, read_record

_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(slots=True)
class Trial:
    """A running trial. `term_at` and `deadline`: when to send it TERM and KILL, on the monotonic clock.

    `stopped`: it was asked to end; `termed`: it got its TERM. `failure`, `message`: why we killed it. `inherited`:
    another runner started it, and managers stop it without us.
    """

    folder: str
    pid: int
    inherited: bool = False
    stopped: bool = False
    termed: bool = False
    term_at: float = math.inf
    deadline: float = math.inf
    failure: str = ""
    message: str = ""


class Verdicts:
    """Judges one end after the other, as the kernel tells only how often it was out of memory so far."""

    def __init__(self) -> None:
        self._oom_kills = _processes.oom_kills()

    def record(self, trial: Trial, status: int) -> dict[str, Any]:
        """The record of an end with this status (negative: the signal), or what an earlier runner lived to write."""
        return (trial.inherited and read_record(trial.folder, EXIT)) or self._record(trial, status)

    def _record(self, trial: Trial, status: int) -> dict[str, Any]:
        failure = trial.failure
        stopped = trial.stopped or (trial.inherited and os.path.exists(f"{trial.folder}/{STOP}"))
        if status in _KILLED and not failure and not stopped and self._kernel_was_out_of_memory():
            failure = "outOfMemory"
        return {
            "status": status if status >= 0 else None,
            "signal": -status if status < 0 else None,
            "failure": failure,
            "message": trial.message,
            "stopped": stopped,
            "time": time.time(),
        }

    def _kernel_was_out_of_memory(self) -> bool:
        before, self._oom_kills = self._oom_kills, _processes.oom_kills()
        return self._oom_kills > before
