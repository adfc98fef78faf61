"""The studies that a service holds between calls: the most recently used ones, within bounds."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar


class Holdable(Protocol):
    """One study as a service holds it."""

    @property
    def uid(self) -> str:
        """Under which it is held."""

    @property
    def size(self) -> int:
        """How much is held of it, in whatever the service counts."""


H = TypeVar("H", bound=Holdable)


class Studies(Generic[H]):
    """Held studies by uid, and a lock for each that is in use. Belongs to one event loop.

    Nothing is lost with a study that is dropped: the caller is asked for its history again.
    """

    def __init__(self, most_studies: int = 256, most_size: int = 250_000) -> None:
        """Bound the studies that are held, and the size of all of them; the last used one is always held."""
        self._most_studies, self._most_size = most_studies, most_size
        self._held: OrderedDict[str, H] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        """Count the studies that are held."""
        return len(self._held)

    def get(self, uid: str) -> H | None:
        """Return what is held of a study, and count that as a use."""
        if found := self._held.get(uid):
            self._held.move_to_end(uid)
        return found

    def put(self, held: H) -> None:
        """Hold a study as it is now, and drop those used least recently when that is too much."""
        self.drop(held.uid)
        self._held[held.uid] = held
        self._sizes[held.uid] = held.size
        self._size += held.size
        while len(self._held) > 1 and (len(self._held) > self._most_studies or self._size > self._most_size):
            self.drop(next(iter(self._held)))

    def drop(self, uid: str) -> None:
        """Hold nothing of a study any more."""
        if self._held.pop(uid, None) is not None:
            self._size -= self._sizes.pop(uid)

    @asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:
        """Let one call at a time work on a study, whether it is held or not."""
        lock, users = self._locks.get(uid, (asyncio.Lock(), 0))
        self._locks[uid] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(uid)
            if users > 1:
                self._locks[uid] = (lock, users - 1)
