"""Children that have died, and processes that their trials left behind."""

import contextlib
import os
import signal
from collections.abc import Collection

from tunesmith.manager.launchers._runner import _processes

_LOOK = hasattr(os, "waitid")  # on macOS only since Python 3.13


def next_dead() -> tuple[int, int] | None:
    """Pid and status (negative: the signal) of a child that has died; to be buried.

    Until then its number is taken, and that of its session and process group too, so both can be killed safely. Where
    one cannot look without burying, the kernel could give the number away in between, which takes a full turn of pids.
    """
    with contextlib.suppress(ChildProcessError):
        if not _LOOK:
            pid, code = os.waitpid(-1, os.WNOHANG)
            return (pid, os.waitstatus_to_exitcode(code)) if pid else None
        dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if dead is not None:
            return dead.si_pid, dead.si_status if dead.si_code == os.CLD_EXITED else -dead.si_status
    return None


def bury(pid: int) -> None:
    """Let go of a child that has died."""
    if _LOOK:
        os.waitpid(pid, 0)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a trial's process group; it may be empty, or another user's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_strays(leaders: Collection[int], folders: Collection[str]) -> set[int]:
    """Kill the children that belong to none of the running trials, and return them.

    An orphan of a trial becomes a child of this process, wherever it hid. It tells its trial by its environment; one
    that cleared that is spared while a trial runs that it could belong to.
    """
    strays = {pid for pid in _processes.children() - set(leaders) if _is_stray(pid, leaders, folders)}
    for pid in strays:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return strays


def _is_stray(pid: int, leaders: Collection[int], folders: Collection[str]) -> bool:
    folder = _processes.trial_folder(pid)
    return folder not in folders if folder else not leaders
