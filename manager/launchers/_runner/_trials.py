"""The trials that run: start, stop, take notice of their end, and leave nothing of them behind."""

import contextlib
import json
import math
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.manager.launchers._runner import _processes
from tunesmith.manager.launchers._runner._files import ASKS, CLAIM, PROCESS, STOP, write_record
from tunesmith.manager.launchers._runner._reap import bury, kill_strays, next_dead, signal_group
from tunesmith.manager.launchers._runner._records import Records
from tunesmith.manager.launchers._runner._spawn import CannotStartError, Order, claim, spawn
from tunesmith.manager.launchers._runner._verdict import Trial, Verdicts

_CHECKPOINT_DIR = b"TUNESMITH_CHECKPOINT_DIR"


class Trials:
    """The trials of one runner. `report(folder, record)` is called once for each that ends.

    `note(folders by pid)` is called with all that run before one is started, which has pid 0 then, and when it has.
    """

    def __init__(
        self,
        report: Callable[[str, dict[str, Any]], None],
        log: Callable[[str], None],
        note: Callable[[Mapping[int, str]], None] = lambda _folders: None,
    ) -> None:
        self._report = report
        self._log = log
        self._note = note
        self._records = Records(log)
        self._by_pid: dict[int, Trial] = {}
        self._by_folder: dict[str, Trial] = {}
        self._strays: set[int] = set()
        self._boot = _processes.boot_id()
        self._verdicts = Verdicts()
        _processes.become_subreaper()

    @property
    def idle(self) -> bool:
        """Whether nothing runs and every record is in its place."""
        return not self._by_pid and not self.waits_for_room

    @property
    def waits_for_room(self) -> bool:
        """Whether a full disk refused a record."""
        return self._records.due != math.inf

    def inherit(self, folder: str, pid: int) -> None:
        """Take over a trial that another runner started and that is our child now."""
        if pid not in self._by_pid and folder not in self._by_folder:
            self._by_pid[pid] = self._by_folder[folder] = Trial(folder, pid, inherited=True)

    def launch(self, order: Order, grant: Mapping[str, Any]) -> dict[str, Any]:
        """Claim and start an attempt: `started` with its pid, or `claimed` earlier. OSError: nothing is claimed."""
        folder, env = order.folder, order.env
        if not claim(folder, json.dumps(grant).encode()):
            return {"state": "claimed"}
        try:
            if _CHECKPOINT_DIR in env:
                os.makedirs(env[_CHECKPOINT_DIR], exist_ok=True)
            self._note({0: folder, **self._folders()})
            self._started(Trial(folder, spawn(order)))
        except CannotStartError as error:
            self._refuse(folder, str(error))
            return {"state": "started", "pid": 0}
        except OSError:
            os.unlink(f"{folder}/{CLAIM}")
            raise
        return {"state": "started", "pid": self._by_folder[folder].pid}

    def _refuse(self, folder: str, message: str) -> None:
        record = {"failure": "userError", "message": message, "time": time.time()}
        self._records.put(folder, record)
        self._report(folder, record)

    def _started(self, trial: Trial) -> None:
        self._by_pid[trial.pid] = self._by_folder[trial.folder] = trial
        self._note(self._folders())
        start = _processes.start_ticks(trial.pid)
        identity = {"pid": trial.pid, "start": start, "boot": self._boot, "time": time.time()}
        with contextlib.suppress(OSError):  # it runs: without this file it is found by its environment
            write_record(trial.folder, PROCESS, identity)

    def _folders(self) -> dict[int, str]:
        return {pid: trial.folder for pid, trial in self._by_pid.items()}

    def check(self, folder: str) -> dict[str, Any]:
        """What is known of an attempt: `running`, or `ended` with a record that has no file yet, or `unknown`."""
        if record := self._records.get(folder):
            return {"state": "ended", "record": record}
        return {"state": "running" if folder in self._by_folder else "unknown"}

    def stop(self, folder: str, grace: float, notice: float = 0.0) -> None:
        """Ask an attempt to end, and see to it that it does. One that does not look has no use for a notice."""
        trial = self._by_folder.get(folder)
        if trial is None:
            return
        if not trial.stopped:
            trial.stopped = True
            with contextlib.suppress(OSError), open(f"{folder}/{STOP}", "wb"):
                pass
        now, notice = time.monotonic(), notice if os.path.exists(f"{folder}/{ASKS}") else 0.0
        trial.term_at = min(trial.term_at, now + notice)
        trial.deadline = min(trial.deadline, now + notice + grace)
        self._end_due(trial, now)

    def kill(self, folder: str, failure: str, message: str) -> None:
        """End an attempt at once, as a failure of the class given."""
        if trial := self._by_folder.get(folder):
            trial.failure, trial.message = failure, message
            signal_group(trial.pid, signal.SIGKILL)

    @property
    def due(self) -> float:
        """When `tick` has something to do, on the monotonic clock."""
        moments = (moment for trial in self._by_pid.values() for moment in (trial.term_at, trial.deadline))
        return min(self._records.due, *moments, math.inf)

    def tick(self) -> None:
        """Kill what was given time to end and did not; try again to write what a full disk refused."""
        now = time.monotonic()
        for trial in self._by_pid.values():
            self._end_due(trial, now)
        self._records.retry(now)

    def _end_due(self, trial: Trial, now: float) -> None:
        if trial.term_at <= now:
            trial.term_at = math.inf
            if not trial.termed:
                trial.termed = True
                signal_group(trial.pid, signal.SIGTERM)
                signal_group(trial.pid, signal.SIGCONT)  # one that is suspended would not hear of it
        if trial.deadline <= now:
            trial.deadline = math.inf
            signal_group(trial.pid, signal.SIGKILL)

    def reap(self) -> None:
        """Take notice of every child that has died."""
        while (dead := next_dead()) is not None:
            pid, status = dead
            if trial := self._by_pid.get(pid):
                self._died(trial, status)
            else:
                bury(pid)  # an orphan of some trial
                self._sweep()

    def _died(self, trial: Trial, status: int) -> None:
        record = self._verdicts.record(trial, status)
        self._records.put(trial.folder, record)  # first: if we die now, nothing is lost
        signal_group(trial.pid, signal.SIGKILL)
        del self._by_pid[trial.pid], self._by_folder[trial.folder]
        bury(trial.pid)
        self._sweep()
        self._report(trial.folder, record)

    def _sweep(self) -> None:
        strays = kill_strays(self._by_pid, self._by_folder)
        for pid in strays - self._strays:
            self._log(f"killed process {pid}, left behind by a trial that has ended")
        self._strays = strays
