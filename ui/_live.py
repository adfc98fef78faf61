"""What viewers are told as it happens. However many look at one study, the manager is asked once for each token."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from tunesmith.client._values import Study
from tunesmith.services import errors
from tunesmith.ui._manager import Manager, study_key

T = TypeVar("T")

AGAIN = 1.0
"""Seconds before a manager that went away is asked again."""
PERIOD = 2.0
"""Seconds between two looks at the list of studies, of which a manager does not tell by itself."""


class Lost:
    """The manager went away; it is looked for."""


class Shared(Generic[T]):
    """One source, told once to all who follow; who is slow misses what was overtaken, never the last word."""

    def __init__(self, source: AsyncIterator[T]) -> None:
        """`source` is read from now on, until its end or until nobody follows any more."""
        self._followers, self._count = 0, 0
        self._last: T | None = None
        self._news = asyncio.Event()
        self._error: errors.TunesmithError | None = None
        self._over = False
        self._task = asyncio.create_task(self._run(source))

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._over

    async def follow(self) -> AsyncIterator[T]:
        """What is known now, and what comes, to the source's end. Raises what the source raises."""
        self._followers += 1
        seen = 0
        try:
            while True:
                news = self._news
                if self._count > seen and self._last is not None:
                    seen = self._count
                    yield self._last
                elif self._over:
                    break
                else:
                    await news.wait()
            if self._error is not None:
                raise self._error
        finally:
            self._followers -= 1
            if self._followers == 0:
                await self.stop()

    async def stop(self) -> None:
        """Ask no more."""
        self._over = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, source: AsyncIterator[T]) -> None:
        try:
            async with aclosing(source) as found:  # type: ignore[type-var]
                async for item in found:
                    self._last, self._count = item, self._count + 1
                    self._tell()
        except errors.TunesmithError as error:
            self._error = error
        finally:
            self._over = True
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class Live:
    """All sources that are followed."""

    def __init__(self) -> None:
        """Nobody follows anything."""
        self._studies: dict[tuple[str | None, str, str], Shared[Study | Lost]] = {}
        self._lists: dict[str | None, Shared[str | Lost]] = {}

    def study(self, manager: Manager, namespace: str, name: str) -> AsyncIterator[Study | Lost]:
        """A study now and after each change, to its end."""
        self._studies = {key: one for key, one in self._studies.items() if not one.over}
        key = (manager.line.token, namespace, name)
        if key not in self._studies:
            self._studies[key] = Shared(_patient(lambda: manager.watch(study_key(namespace, name))))
        return self._studies[key].follow()

    def studies(self, manager: Manager) -> AsyncIterator[str | Lost]:
        """What the studies of a manager look like now, as a text that changes when they do."""
        self._lists = {token: one for token, one in self._lists.items() if not one.over}
        token = manager.line.token
        if token not in self._lists:
            self._lists[token] = Shared(_patient(lambda: _looks(manager)))
        return self._lists[token].follow()

    async def close(self) -> None:
        """Tell nobody anything any more."""
        for study in self._studies.values():
            await study.stop()
        for every in self._lists.values():
            await every.stop()


async def _patient(begin: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T | Lost]:
    """The same, begun again when the manager comes back."""
    while True:
        try:
            async with aclosing(begin()) as found:  # type: ignore[type-var]
                async for item in found:
                    yield item
            return
        except errors.TryAgain:
            yield Lost()
        await asyncio.sleep(AGAIN)


async def _looks(manager: Manager) -> AsyncIterator[str]:
    last = ""
    while True:
        studies = await manager.studies()
        now = str(hash(tuple((one.uid, one.generation, one.revision, one.state, one.reason) for one in studies)))
        if now != last:
            last = now
            yield now
        await asyncio.sleep(PERIOD)
