"""Trials as processes of this machine.

One long-lived runner (`_runner`) is the parent of all of them: it claims, starts, stops and buries them whether a
manager lives or not, and it is the one that learns how they ended. This is the manager's side. When the runner itself
is killed, its trials run on; they are watched by their pidfd (`_fates`, `_orphans`). How they end its guard records;
where that is dead too nobody learns it, and they end unseen and `lost`, unless they were asked to stop.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from tunesmith.manager.launchers._book import Attempt, Book
from tunesmith.manager.launchers._environment import base_environment, trial_environment
from tunesmith.manager.launchers._fates import Fates
from tunesmith.manager.launchers._launcher import Exit, Launch, Launcher
from tunesmith.manager.launchers._link import DisconnectedError, Link
from tunesmith.manager.launchers._memory_watch import MemoryWatch
from tunesmith.manager.launchers._registry import LauncherContext, register
from tunesmith.manager.launchers._runner._files import CLAIM, LOG, is_claimed, read_record
from tunesmith.manager.launchers._slots import Grant, Slots, StoppedWaitingError, count_cpus, find_gpus
from tunesmith.services.errors import FreeSpace, TryAgain
from tunesmith.study import FailureClass

_IDLE = 5.0  # seconds that a runner without manager and trials stays
_log = logging.getLogger(__name__)


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
        env, log = base_environment(environ, context.secrets), (context.logs or context.runtime) / LOG
        self._link = Link(context.runtime, log, env, idle, self._told, self._lost)
        self._slots = Slots(count_cpus(), find_gpus(environ))
        self._memory = MemoryWatch(self._over_memory)
        self._book = Book(self._slots, self._memory)
        self._fates = Fates(self._link, self._book, self._spawn, clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Connect to the runner, or start one."""
        await self._link.connect()

    async def launch(self, launch: Launch) -> None:
        """Start an attempt, or watch it when it is claimed already."""
        if self._book.knows(launch.trial, launch.attempt):
            return
        folder, resources = str(launch.folder), launch.resources
        attempt = Attempt(launch.trial, launch.attempt, folder, memory=resources.memory, launching=True)
        self._book.add(attempt)
        if refusal := self._slots.refusal(resources):
            self._book.end(attempt, self._never_started(attempt, FailureClass.USER_ERROR, refusal))
        elif await self._granted(attempt, launch):
            await asyncio.shield(self._spawn(self._start(attempt, launch)))

    async def adopt(self, trial: str, attempt: int, folder: Path) -> bool:
        """Watch an attempt that an earlier manager launched."""
        if self._book.knows(trial, attempt):
            return True
        await self._fates.check(str(folder))  # the runner has done what an earlier manager asked for
        if not is_claimed(folder):
            return False
        claim = read_record(folder, CLAIM) or {}
        gpus = claim.get("gpus")
        grant = Grant(claim.get("cpu", 0.0), gpus if gpus is None else tuple(gpus))
        found = Attempt(trial, attempt, str(folder), grant, memory=claim.get("memory"))
        self._slots.take(grant)
        self._book.add(found)
        await self._fates.settle(found, await self._fates.check(str(folder)))  # again: only now is its exit heard
        return True

    async def stop(self, trial: str, attempt: int, grace: float, notice: float = 0.0) -> None:
        """Ask an attempt to end."""
        found = self._book.find(trial, attempt)
        if found is None:
            return
        found.ask_to_stop(asyncio.get_running_loop().time(), grace, notice)
        if found.waiting is not None and not found.waiting.done():
            found.waiting.set_exception(StoppedWaitingError())
        elif not found.launching:
            self._fates.pass_on_stop(found)

    def exits(self) -> AsyncIterator[Exit]:
        """Every exit, as it happens."""
        return self._book.exits

    def forget(self, trial: str, attempt: int) -> None:
        """See Launcher."""
        self._book.forget(trial, attempt)

    async def close(self) -> None:
        """Let go of everything; the runner and the trials stay."""
        self._closed = True
        self._memory.close()
        await self._link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._book.exits.put(None)

    # ---- launching

    async def _granted(self, attempt: Attempt, launch: Launch) -> bool:
        """Wait for the slots. False: it was stopped meanwhile."""
        attempt.waiting = self._slots.ask(launch.resources)
        try:
            attempt.grant = await attempt.waiting
        except StoppedWaitingError:
            self._book.end(attempt, self._never_started(attempt, None, "it was stopped before it started"))
            return False
        except BaseException:
            self._slots.withdraw(attempt.waiting)
            self._book.remove(attempt)
            raise
        finally:
            attempt.waiting = None
        return True

    async def _start(self, attempt: Attempt, launch: Launch) -> None:
        try:
            await self._order(attempt, launch)
        except Exception as error:
            if not is_claimed(attempt.folder):
                self._book.remove(attempt)
                raise
            _log.warning("%s is claimed, and what became of it is not known yet: %s", attempt.trial, error)
            self._fates.find_out()
        finally:
            attempt.launching = False
        if attempt.stop is not None:
            self._fates.pass_on_stop(attempt)

    async def _order(self, attempt: Attempt, launch: Launch) -> None:
        """Have the runner start it. Raises FreeSpace and TryAgain."""
        message = _order_of(launch, attempt.grant)
        while True:
            with contextlib.suppress(DisconnectedError):
                reply = await self._link.ask(message)
                break
        match reply["state"]:
            case "started":
                self._book.runs(attempt, reply["pid"])
            case "claimed":
                await self._fates.settle(attempt, await self._fates.check(attempt.folder))
            case "full":
                raise FreeSpace(f"the disk of {attempt.folder} is full: {reply['message']}")
            case _:
                raise TryAgain(f"{attempt.trial} cannot be started for now: {reply['message']}")

    def _never_started(self, attempt: Attempt, failure: FailureClass | None, message: str) -> Exit:
        return Exit(attempt.trial, attempt.number, failure=failure, message=message, time=self._clock())

    # ---- what comes from outside

    def _lost(self) -> None:
        """The runner hung up."""
        if not self._closed:
            self._fates.find_out()

    def _told(self, folder: str, record: dict[str, Any]) -> None:
        if attempt := self._book.at(folder):
            self._book.end_by(attempt, record, self._clock())

    def _over_memory(self, folder: str, message: str) -> None:
        attempt = self._book.at(folder)
        if attempt is None:
            return
        attempt.message = message
        if attempt.orphan is not None:
            attempt.orphan.kill()
        else:
            failure = FailureClass.OUT_OF_MEMORY.value
            self._link.tell({"op": "kill", "folder": folder, "failure": failure, "message": message})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, FreeSpace | TryAgain):
            _log.error("a local trial is not watched any more", exc_info=error)


def _order_of(launch: Launch, grant: Grant) -> dict[str, Any]:
    folder = str(launch.folder)
    return {
        "op": "launch",
        "folder": folder,
        "command": launch.command,
        "env": trial_environment(launch.trial, folder, grant.gpus, launch.env),
        "cwd": launch.working_dir,
        "grant": {"cpu": grant.cpu, "gpus": grant.gpus, "memory": launch.resources.memory},
    }
