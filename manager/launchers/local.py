"""Trials as processes of this machine.

One long-lived runner (`_runner`) is the parent of all of them: it claims, starts, stops and buries them whether a
manager lives or not, and it is the one that learns how they ended. This is the manager's side. When the runner itself
is killed, its trials run on; they are watched by their pidfd (`_orphans`), and as nobody learns their exit status they
end `lost`, unless they were asked to stop.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.manager.launchers._classify import exit_from_record, exit_without_record
from tunesmith.manager.launchers._launcher import Exit, Launch, Launcher
from tunesmith.manager.launchers._link import DisconnectedError, Link
from tunesmith.manager.launchers._memory_watch import MemoryWatch
from tunesmith.manager.launchers._orphans import Orphan, kill_left, locate
from tunesmith.manager.launchers._registry import LauncherContext, register
from tunesmith.manager.launchers._runner._files import CLAIM, EXIT, PROCESS, STOP, read_record
from tunesmith.manager.launchers._slots import Grant, Slots, count_cpus, find_gpus
from tunesmith.services.errors import FreeSpace, TryAgain
from tunesmith.study import FailureClass

_IDLE = 5.0  # seconds that a runner without manager and trials stays
_BACKOFF = 1.0  # seconds between attempts to start a runner that does not start
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Attempt:
    """An attempt whose exit has not come yet."""

    trial: str
    number: int
    folder: str
    grant: Grant = field(default_factory=Grant)
    memory: int | None = None
    pid: int = 0
    slots: asyncio.Future[Grant] | None = None  # while it waits for them
    launching: bool = False  # its launch settles what it is, not the recovery from a lost runner
    orphan: Orphan | None = None
    kill_at: float | None = None  # the loop's time; None: nobody asked it to stop
    message: str = ""  # why we killed it


@register("local")
class LocalLauncher(Launcher):
    """Processes of this machine, with slots for processors and GPUs and a watched memory limit."""

    def __init__(
        self,
        context: LauncherContext,
        *,
        environ: Mapping[str, str] | None = None,
        idle: float = _IDLE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`environ`: what trials inherit, by default ours; `idle`: seconds that the runner stays for nothing."""
        environ = os.environ if environ is None else environ
        self._clock = clock
        self._link = Link(context.runtime, base_environment(environ, context.secrets), idle, self._told, self._lost)
        self._slots = Slots(count_cpus(), find_gpus(environ))
        self._memory = MemoryWatch(self._over_memory)
        self._attempts: dict[str, _Attempt] = {}  # by folder, until their exit
        self._known: dict[tuple[str, int], str] = {}  # folders of all that were launched or adopted
        self._exits: asyncio.Queue[Exit | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recovery: asyncio.Task[None] | None = None
        self._lost_again = False
        self._closed = False

    async def start(self) -> None:
        """Connect to the runner, or start one."""
        await self._link.connect()

    async def launch(self, launch: Launch) -> None:
        """Start an attempt, or watch it when it is claimed already."""
        key, folder = (launch.trial, launch.attempt), str(launch.folder)
        if key in self._known:
            return
        self._known[key] = folder
        attempt = _Attempt(launch.trial, launch.attempt, folder, memory=launch.resources.memory, launching=True)
        self._attempts[folder] = attempt
        try:
            if await self._granted(attempt, launch):
                await asyncio.shield(self._spawn(self._start(attempt, launch)))
        except BaseException:
            self._forget(attempt)
            raise

    async def adopt(self, trial: str, attempt: int, folder: Path) -> bool:
        """Watch an attempt that an earlier manager launched."""
        if (trial, attempt) in self._known:
            return True
        state = await self._check(str(folder))  # and with that all has happened that an earlier manager had asked for
        grant = read_record(folder, CLAIM)
        if grant is None and not (folder / CLAIM).exists():
            return False
        self._known[trial, attempt] = str(folder)
        found = _Attempt(trial, attempt, str(folder))
        self._attempts[found.folder] = found
        self._take(found, grant or {})
        await self._settle(found, state)
        return True

    async def stop(self, trial: str, attempt: int, grace: float) -> None:
        """Ask an attempt to end."""
        found = self._attempts.get(self._known.get((trial, attempt), ""))
        if found is None:
            return
        kill_at = asyncio.get_running_loop().time() + grace
        found.kill_at = kill_at if found.kill_at is None else min(found.kill_at, kill_at)
        if found.slots is not None and not found.slots.done():
            found.slots.cancel()
        else:
            self._stop(found)

    async def exits(self) -> AsyncIterator[Exit]:
        """Every exit, as it happens."""
        while (exit := await self._exits.get()) is not None:
            yield exit

    async def close(self) -> None:
        """Let go of everything; the runner and the trials stay."""
        self._closed = True
        self._memory.close()
        self._link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._exits.put_nowait(None)

    # ---- launching

    async def _granted(self, attempt: _Attempt, launch: Launch) -> bool:
        """Wait for the slots. False: it ended instead."""
        if refusal := self._slots.refusal(launch.resources):
            self._end(attempt, Exit(attempt.trial, attempt.number, failure=FailureClass.USER_ERROR, message=refusal, time=self._clock()))
            return False
        attempt.slots = self._slots.ask(launch.resources)
        try:
            attempt.grant = await attempt.slots
        except asyncio.CancelledError:
            if attempt.kill_at is None:
                raise
            self._end(attempt, Exit(attempt.trial, attempt.number, message="it was stopped before it started", time=self._clock()))
            return False
        finally: 
            attempt.slots = None
        return True
