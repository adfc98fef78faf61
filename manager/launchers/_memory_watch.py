"""Look every half a second at what the trials with a memory limit use."""

import asyncio
from collections.abc import Callable

from tunesmith.manager.launchers import _memory

PERIOD = 0.5  # seconds


class MemoryWatch:
    """Costs nothing while no trial has a limit."""

    def __init__(self, over: Callable[[str, str], None]) -> None:
        """`over(key, message)` is called for a trial that uses more than it may."""
        self._over = over
        self._limits: dict[str, tuple[int, int]] = {}  # pid and bytes
        self._task: asyncio.Task[None] | None = None

    def add(self, key: str, pid: int, limit: int) -> None:
        """Watch a trial's processes, by their leader."""
        self._limits[key] = (pid, limit)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def remove(self, key: str) -> None:
        """The trial has ended."""
        self._limits.pop(key, None)

    def close(self) -> None:
        """Stop watching."""
        self._limits.clear()
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while self._limits:
            limits = dict(self._limits)
            for key, used in (await asyncio.to_thread(_excesses, limits)).items():
                if self._limits.get(key) == limits[key]:
                    self._over(key, _sentence(used, limits[key][1]))
            await asyncio.sleep(PERIOD)


def _excesses(limits: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Bytes used by those that use too much."""
    table = _memory.read_table()
    excesses = {}
    for key, (pid, limit) in limits.items():
        if _memory.resident(pid, table) > limit and (used := _memory.proportional(pid, table)) > limit:
            excesses[key] = used
    return excesses


def _sentence(used: int, limit: int) -> str:
    return f"`memory` must hold the trial, but it used {_memory.in_words(used)} of {_memory.in_words(limit)}"
