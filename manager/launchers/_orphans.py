"""Trials whose runner was killed: nobody's children but the system's. They are known by pid, start and boot."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from tunesmith.manager.launchers._runner import _processes
from tunesmith.manager.launchers._runner._files import ASKS, EXIT, PROCESS, STOP, read_record

_LOOK_AGAIN = 0.3  # seconds in which a process that its dying runner had begun to start gets its name and environment
_POLL = 0.5  # seconds; only where there is no pidfd
_INIT = 1  # no runner: it takes what nobody else does
_BURIAL = 2.0  # seconds in which a living runner buries its dead, and has written how they died
_SAME_START = 2.0  # seconds by which two clocks' idea of a process's start may differ


def locate(folder: str) -> int:
    """The pid of an attempt's first process; 0 when it is gone. Takes up to a second: for a thread."""
    identity = read_record(folder, PROCESS)
    if identity is not None:
        return identity["pid"] if is_same(identity) else 0
    for pause in (0.0, _LOOK_AGAIN):
        time.sleep(pause)
        if pids := _find(folder):
            return next((pid for pid in pids if _processes.session(pid) == pid), pids[0])
    return 0


def is_same(identity: dict[str, Any]) -> bool:
    """Whether the process with that pid is still the one that got this identity, and not a later one."""
    pid, start = identity["pid"], identity["start"]
    if start is not None:
        return bool(identity["boot"] == _processes.boot_id() and _processes.start_ticks(pid) == start)
    with contextlib.suppress(psutil.Error):
        return bool(abs(psutil.Process(pid).create_time() - identity["time"]) < _SAME_START)
    return False


class Orphan:
    """One such trial, from when it is found to its end."""

    def __init__(self, folder: str, pid: int) -> None:
        self.pid = pid
        self._folder = folder
        self._start = _processes.start_ticks(pid)
        self._planned: dict[signal.Signals, asyncio.TimerHandle] = {}

    async def wait(self) -> dict[str, Any] | None:
        """Wait for its end; the record of it, if some runner left one. Leaves nothing of it behind."""
        await self._gone()
        for planned in self._planned.values():
            planned.cancel()
        record = await self._record()
        await asyncio.to_thread(kill_left, self._folder)
        return record

    def stop(self, grace: float, notice: float) -> None:
        """TERM after `notice` seconds, or now when it does not look for our word; KILL `grace` seconds later."""
        with contextlib.suppress(OSError):
            Path(self._folder, STOP).touch()
        if not Path(self._folder, ASKS).exists():
            notice = 0.0
        self._at(signal.SIGTERM, notice)
        self._at(signal.SIGKILL, notice + grace)

    def _at(self, number: signal.Signals, seconds: float) -> None:
        """Send a signal in so many seconds, or earlier where that was said before."""
        loop = asyncio.get_running_loop()
        planned = self._planned.get(number)
        if planned is None or loop.time() + seconds < planned.when():
            if planned:
                planned.cancel()
            self._planned[number] = loop.call_later(seconds, self._send, number)

    def _send(self, number: signal.Signals) -> None:
        self._signal(number)
        self._signal(signal.SIGCONT)  # one that is suspended would not hear of TERM

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if _processes.start_ticks(self.pid) == self._start:
                os.killpg(self.pid, number)

    async def _gone(self) -> None:
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # macOS, an old kernel; or it is gone
            await self._polled_gone()
            return
        try:
            if _processes.start_ticks(self.pid) == self._start:
                await _readable(descriptor)
        finally:
            os.close(descriptor)

    async def _polled_gone(self) -> None:
        while psutil.pid_exists(self.pid) and not _processes.undertaker(self.pid):  # noqa: ASYNC110
            await asyncio.sleep(_POLL)

    async def _record(self) -> dict[str, Any] | None:
        """Its parent may be a runner after all, an older one or one that lost its socket: it writes, then buries."""
        for _ in range(int(_BURIAL / 0.05)):
            record = read_record(self._folder, EXIT)
            if record is not None or _processes.undertaker(self.pid) <= _INIT:
                break
            await asyncio.sleep(0.05)
        return read_record(self._folder, EXIT)


def kill_left(folder: str) -> None:
    """Kill what an attempt that has ended left behind; two rounds, for what was being started in the first."""
    for _ in range(2):
        for pid in _find(folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _find(folder: str) -> list[int]:
    if _processes.LINUX:
        return _processes.find(folder)
    return sorted(process.pid for process in psutil.process_iter() if _names(process, folder))


def _names(process: psutil.Process, folder: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(_processes.TRIAL_DIR) == folder
    return False


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
