"""The attempts of a launcher whose exit has not come yet, and what they hold of the machine."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.manager.launchers._classify import exit_from_record, exit_without_record
from tunesmith.manager.launchers._launcher import Exit
from tunesmith.manager.launchers._memory_watch import MemoryWatch
from tunesmith.manager.launchers._orphans import Orphan
from tunesmith.manager.launchers._runner._files import STOP
from tunesmith.manager.launchers._slots import Grant, Slots


@dataclass(frozen=True, slots=True)
class Stop:
    """When an attempt is to get its TERM, and its KILL, if it looks for our word; by the loop's time."""

    term_at: float
    kill_at: float

    def left(self, now: float) -> tuple[float, float]:
        """Seconds from TERM to KILL, and until TERM."""
        term_at = max(self.term_at, now)
        return max(0.0, self.kill_at - term_at), term_at - now


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt whose exit has not come yet."""

    trial: str
    number: int
    folder: str
    grant: Grant = field(default_factory=Grant)
    memory: int | None = None  # bytes that it may use
    waiting: asyncio.Future[Grant] | None = None  # for slots
    launching: bool = False  # its launch finds out what became of it, and not the recovery from a lost runner
    orphan: Orphan | None = None
    stop: "Stop | None" = None  # None: nobody asked it to stop
    message: str = ""  # why we killed it, when nobody told its runner

    def ask_to_stop(self, now: float, grace: float, notice: float) -> None:
        """Have it end at these times, or those that were named before where they are earlier."""
        term_at, kill_at = now + notice, now + notice + grace
        before = self.stop or Stop(term_at, kill_at)
        self.stop = Stop(min(before.term_at, term_at), min(before.kill_at, kill_at))


class Exits(AsyncIterator[Exit]):
    """A stream of exits. A wait that is cancelled loses none, as it would in a generator."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Exit | None] = asyncio.Queue()

    def put(self, exit: Exit | None) -> None:
        """Add an exit; None: there will be no more."""
        self._queue.put_nowait(exit)

    async def __anext__(self) -> Exit:
        exit = await self._queue.get()
        if exit is None:
            self.put(None)
            raise StopAsyncIteration
        return exit


class Book:
    """Who is in it ends by exactly one exit, or leaves it because nothing was started."""

    def __init__(self, slots: Slots, memory: MemoryWatch) -> None:
        self.exits = Exits()
        self._slots = slots
        self._memory = memory
        self._open: dict[str, Attempt] = {}  # by folder
        self._known: dict[tuple[str, int], str] = {}  # folders, also of those that have ended, until they are forgotten

    def knows(self, trial: str, number: int) -> bool:
        """Whether that attempt is in the book, or has given its exit."""
        return (trial, number) in self._known

    def find(self, trial: str, number: int) -> Attempt | None:
        """The attempt, until its exit."""
        return self._open.get(self._known.get((trial, number), ""))

    def at(self, folder: str) -> Attempt | None:
        """The attempt of a folder, until its exit."""
        return self._open.get(folder)

    def open(self) -> list[Attempt]:
        """All whose exit has not come yet."""
        return list(self._open.values())

    def add(self, attempt: Attempt) -> None:
        """From now on it owes an exit."""
        self._known[attempt.trial, attempt.number] = attempt.folder
        self._open[attempt.folder] = attempt

    def runs(self, attempt: Attempt, pid: int) -> None:
        """It runs, with that process in the lead."""
        if attempt.memory is not None and pid and self._is_open(attempt):
            self._memory.add(attempt.folder, pid, attempt.memory)

    def remove(self, attempt: Attempt) -> None:
        """Nothing was started of it, and it may come again."""
        if self._close(attempt):
            del self._known[attempt.trial, attempt.number]

    def end(self, attempt: Attempt, exit: Exit) -> None:
        """Give its exit, unless it has."""
        if self._close(attempt):
            self.exits.put(exit)

    def end_by(self, attempt: Attempt, record: dict[str, Any] | None, now: float) -> None:
        """Give the exit that a record tells, or that its lack tells."""
        trial, number = attempt.trial, attempt.number
        if record is not None:
            self.end(attempt, exit_from_record(trial, number, record, attempt.message))
            return
        stopped = attempt.stop is not None or Path(attempt.folder, STOP).exists()
        self.end(attempt, exit_without_record(trial, number, now, stopped=stopped, message=attempt.message))

    def forget(self, trial: str, number: int) -> None:
        """Its exit has been stored. One whose exit is owed yet stays."""
        if self.find(trial, number) is None:
            self._known.pop((trial, number), None)

    def _is_open(self, attempt: Attempt) -> bool:
        return self._open.get(attempt.folder) is attempt

    def _close(self, attempt: Attempt) -> bool:
        if not self._is_open(attempt):
            return False
        del self._open[attempt.folder]
        self._memory.remove(attempt.folder)
        self._slots.give_back(attempt.grant)
        return True
