"""The runner's own parent: it does nothing, until the runner is killed and its trials become this process's children.

Then it is the one that learns how they end, and it records that as the runner would have. It takes no orders: a manager
starts another runner, and stops what the first one left by signals. Linux only; elsewhere orphans go to the system.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping

from tunesmith.manager.launchers._runner import _processes
from tunesmith.manager.launchers._runner._files import PROCESS, read_record
from tunesmith.manager.launchers._runner._trials import Trials

_NAME = b"runner-guard"  # for those who look at processes
_BEGINNING = 0.05  # seconds in which a process that the runner had begun to start gets its name and environment
_RETRY = 0.2  # seconds between looks while a record waits for room on its disk
_LENGTH = 8  # bytes before the table that hold its length


class Ledger:
    """Which process leads which trial, in memory that a runner shares with its guard.

    The system tells the same of processes that run. Of one that ended at once, with its parent, only this does.
    """

    def __init__(self) -> None:
        """To be made before the fork."""
        self._file = os.memfd_create("trials") if hasattr(os, "memfd_create") else -1

    def write(self, folders: Mapping[int, str]) -> None:
        """Replace the table: the folder of every trial that runs, by pid, and of one that is being started, by 0."""
        if self._file >= 0:
            table = json.dumps(list(folders.items())).encode()
            os.pwrite(self._file, len(table).to_bytes(_LENGTH, "big") + table, 0)

    def read(self) -> dict[int, str]:
        """The last table; nothing where its writer did not live to complete it."""
        try:
            length = int.from_bytes(os.pread(self._file, _LENGTH, 0), "big")
            return dict(json.loads(os.pread(self._file, length, _LENGTH)))
        except (OSError, ValueError):
            return {}


def guard(runner: int, ledger: Ledger, log: Callable[[str], None]) -> None:
    """Wait for the end of the runner, our child, and then for the ends of those that it leaves to us."""
    _processes.set_name(_NAME)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it leaves with the runner, which a signal may tell to
    _, status = os.waitpid(runner, 0)
    trials = Trials(lambda _folder, _record: None, log)
    _inherit(trials, ledger.read())
    time.sleep(_BEGINNING if _processes.children() else 0)
    _inherit(trials, {})
    if not trials.idle:
        log(f"runner {runner} died ({os.waitstatus_to_exitcode(status)}): {os.getpid()} waits for its trials")
    while not trials.idle:
        _await_child(wait=not trials.waits_for_room)
        trials.reap()
        trials.tick()


def _inherit(trials: Trials, told: Mapping[int, str]) -> None:
    for pid in _processes.children():
        folder = _processes.trial_folder(pid) or told.get(pid) or told.get(0)
        if folder and _leads(pid, folder):
            trials.inherit(folder, pid)


def _leads(pid: int, folder: str) -> bool:
    """Whether a process of a trial is its first, and not one that it left behind."""
    identity = read_record(folder, PROCESS)
    return _processes.session(pid) == pid if identity is None else identity["pid"] == pid


def _await_child(*, wait: bool) -> None:
    if wait:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    else:
        time.sleep(_RETRY)
