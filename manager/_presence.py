"""Knows whether anybody uses this manager, so that one that nobody uses can leave."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
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


def present(method: Callable[Concatenate[S, P], Awaitable[T]]) -> Callable[Concatenate[S, P], Awaitable[T]]:
    """Count a unary method's calls."""

    @functools.wraps(method)
    async def counted(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.presence:
            return await method(self, *args, **kwargs)

    return counted


def present_stream(
    method: Callable[Concatenate[S, P], AsyncIterator[T]],
) -> Callable[Concatenate[S, P], AsyncIterator[T]]:
    """Count a streaming method's calls."""

    @functools.wraps(method)
    async def counted(self: S, *args: P.args, **kwargs: P.kwargs) -> Any:
        with self.presence:
            async for message in method(self, *args, **kwargs):
                yield message

    return counted
