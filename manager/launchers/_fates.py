"""Finding out what became of attempts: those of an earlier manager, and those of a runner that was killed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from tunesmith.manager.launchers._book import Attempt, Book
from tunesmith.manager.launchers._link import DisconnectedError, Link
from tunesmith.manager.launchers._orphans import Orphan, kill_left, locate
from tunesmith.manager.launchers._runner._files import EXIT, PROCESS, read_record
from tunesmith.services.errors import FreeSpace, TryAgain

_BACKOFF = 1.0  # seconds between attempts to reach a runner that cannot be started
_log = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Fates:
    """Asks the runner, then looks at what lies in an attempt's folder, then for its process."""

    def __init__(self, link: Link, book: Book, spawn: Spawn, clock: Callable[[], float]) -> None:
        self._link = link
        self._book = book
        self._spawn = spawn
        self._clock = clock
        self._recovery: asyncio.Task[None] | None = None
        self._unsure = False  # a runner was lost, and some attempts may have been its

    async def check(self, folder: str) -> dict[str, Any]:
        """What the runner knows of an attempt. Raises TryAgain and FreeSpace."""
        while True:
            with contextlib.suppress(DisconnectedError):
                return await self._link.ask({"op": "check", "folder": folder})

    async def settle(self, attempt: Attempt, known: dict[str, Any]) -> None:
        """Watch an attempt that was claimed, or end it. `known`: what the runner says of it."""
        if known["state"] == "running":
            identity = await asyncio.to_thread(read_record, attempt.folder, PROCESS)
            self._runs(attempt, identity["pid"] if identity else 0)
            return
        record = known.get("record") or read_record(attempt.folder, EXIT)
        pid = 0 if record else await asyncio.to_thread(locate, attempt.folder)
        if pid:
            attempt.orphan = Orphan(attempt.folder, pid)
            self._runs(attempt, pid)
            self._spawn(self._await(attempt, attempt.orphan))
            return
        await asyncio.to_thread(kill_left, attempt.folder)
        self._book.end_by(attempt, record or read_record(attempt.folder, EXIT), self._clock())

    def pass_on_stop(self, attempt: Attempt) -> None:
        """Have whoever has the attempt stop it."""
        assert attempt.stop is not None
        grace, notice = attempt.stop.left(asyncio.get_running_loop().time())
        if attempt.orphan is not None:
            attempt.orphan.stop(grace, notice)
        else:
            self._link.tell({"op": "stop", "folder": attempt.folder, "grace": grace, "notice": notice})

    def find_out(self) -> None:
        """A runner was lost: in the background, find another, and out what became of every attempt."""
        self._unsure = bool(self._book.open())
        if self._unsure and (self._recovery is None or self._recovery.done()):
            self._recovery = self._spawn(self._recover())

    async def _recover(self) -> None:
        while self._unsure:
            self._unsure = False
            try:
                for attempt in self._book.open():
                    if not attempt.launching and attempt.orphan is None:
                        await self.settle(attempt, await self.check(attempt.folder))
            except (FreeSpace, TryAgain) as error:
                _log.warning("%s", error)
                self._unsure = True
                await asyncio.sleep(_BACKOFF)

    def _runs(self, attempt: Attempt, pid: int) -> None:
        self._book.runs(attempt, pid)
        if attempt.stop is not None:
            self.pass_on_stop(attempt)

    async def _await(self, attempt: Attempt, orphan: Orphan) -> None:
        self._book.end_by(attempt, await orphan.wait(), self._clock())
