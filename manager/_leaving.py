"""When a manager leaves by itself: nobody uses it, or the ground was taken from under its feet."""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tunesmith.services.local import FileLock, still_there

if TYPE_CHECKING:
    from tunesmith.manager._engine import Engine
    from tunesmith.manager.api import Presence

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at whether there is a reason to leave."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a manager stands on: its folder by the lock in it, and the file of its database.

    SQLite goes on in a file that was removed, or that another has taken the place of, and says nothing: all that is
    stored from then on is gone when the last process closes it.
    """

    lock: FileLock
    database: Path | None = None
    """None: it is no file."""
    file: os.stat_result | None = None
    """Of the database, when it was opened."""

    @classmethod
    def of(cls, lock: FileLock, url: str) -> Self:
        """For a database that is open."""
        scheme, _, path = url.partition("?")[0].partition(":///")
        file = Path(path)
        return cls(lock, file, file.stat()) if scheme == "sqlite" and file.is_file() else cls(lock)

    def trouble(self) -> str | None:
        """What was taken away; None: all is there."""
        if not self.lock.in_place():
            return "the folder was removed"
        if self.database is not None and self.file is not None and not still_there(self.database, self.file):
            return f"the database {self.database} was removed or replaced while it was in use"
        return None


async def until_leaving(
    idle: float | None, engine: "Engine", presence: "Presence", stop: asyncio.Event, trouble: Callable[[], str | None]
) -> None:
    """Wait until told to leave; with `idle`, also until nobody called for so long and no study goes on.

    In `trouble` the studies are gone, and a manager of the next folder or database there needs our place: we leave, and
    take the trials with us.
    """
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK if idle is None else min(idle, LOOK)):
                await stop.wait()
        if what := trouble():
            log.error("leaving, and stopping all trials: %s", what)
            return await engine.abandon()
        if idle is not None and not engine.busy and presence.idle_for() >= idle:
            log.info("leaving: idle for %g s", idle)
            return None
    return None
