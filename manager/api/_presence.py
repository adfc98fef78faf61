"""Knows whether anybody uses this manager, so that one that nobody uses can leave."""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

M = TypeVar("M")
C = TypeVar("C")
T = TypeVar("T")


@dataclass
class Presence:
    """Calls under way, and the time of the last one's end, by `clock`."""

    clock: Callable[[], float]
    calls: int = 0
    last: float = 0.0

    def __enter__(self) -> None:
        """A call begins."""
        self.calls += 1

    def __exit__(self, *_: object) -> None:
        """A call ends."""
        self.calls -= 1
        self.last = self.clock()

    def idle_for(self) -> float:
        """Seconds since the last call ended; 0 while one is under way."""
        return 0.0 if self.calls else self.clock() - self.last


class Served(Protocol):
    """A servicer that counts its calls."""

    presence: Presence


S = TypeVar("S", bound=Served)


def present(method: Callable[[S, M, C], Coroutine[Any, Any, T]]) -> Callable[[S, M, C], Coroutine[Any, Any, T]]:
    """Count a unary method's calls."""

    async def counted(self: S, request: M, context: C) -> T:
        with self.presence:
            return await method(self, request, context)

    return functools.update_wrapper(counted, method)


def present_stream(method: Callable[[S, M, C], AsyncIterator[T]]) -> Callable[[S, M, C], AsyncIterator[T]]:
    """Count a streaming method's calls."""

    async def counted(self: S, request: M, context: C) -> AsyncIterator[T]:
        with self.presence:
            async for message in method(self, request, context):
                yield message

    return functools.update_wrapper(counted, method)
