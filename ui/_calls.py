"""Calls to a manager from asyncio: as `client._connection`, whose errors and patience they share."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from tunesmith.services import errors
from tunesmith.services.channel import ClientTls, call_error, open_channel, tls_for
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")
Find = Callable[[], Awaitable[str]]
"""Gives the manager's address, and brings a local manager up when none answers."""

_PAUSES = (0.1, 0.3, 0.6)
"""Seconds between the attempts of a call that nobody answers."""
_CALLERS = 64
"""Callers whose channels are kept open."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A channel that is open, and how it was opened."""

    channel: grpc.aio.Channel
    stub: Any  # mypy-protobuf's ManagerServiceAsyncStub exists for type checkers only
    address: str
    tls: ClientTls | None


class Line:
    """A channel to one manager with one caller's token, opened at the first call."""

    def __init__(self, find: Find, token: str | None) -> None:
        """`token` None: a manager that asks for none."""
        self._find, self.token = find, token
        self._lock = asyncio.Lock()
        self._open: _Open | None = None

    async def call(self, method: str, request: Any) -> Any:
        """One call. It is sent again while nobody answers, so a call that changes something carries a request id."""
        for pause in _PAUSES:
            try:
                return await self._once(method, request)
            except errors.CheckTls:
                raise  # waiting mends no certificate
            except errors.CheckAddress:
                await asyncio.sleep(pause)
        return await self._once(method, request)

    async def stream(self, method: str, request: Any) -> AsyncIterator[Any]:
        """One call with many answers; closing the iterator ends it."""
        place = await self._opened()
        answers = getattr(place.stub, method)(request)
        try:
            async for answer in answers:
                yield answer
        except grpc.RpcError as error:
            raise await self._ours(error, place) from None
        finally:
            answers.cancel()

    async def all(self, method: str, request: Any) -> list[Any]:
        """Every answer of a stream that ends by itself."""
        async with aclosing(self.stream(method, request)) as answers:  # type: ignore[type-var]
            return [answer async for answer in answers]

    async def close(self) -> None:
        """Close the channel; a later call opens another."""
        place, self._open = self._open, None
        if place is not None:
            await place.channel.close()

    async def _once(self, method: str, request: Any) -> Any:
        place = await self._opened()
        try:
            return await getattr(place.stub, method)(request)
        except grpc.RpcError as error:
            raise await self._ours(error, place) from None

    async def _opened(self) -> _Open:
        async with self._lock:
            if self._open is None:
                address = await self._find()
                tls = tls_for(address)
                channel = open_channel(address, token=self.token, tls=tls)
                self._open = _Open(channel, ManagerServiceStub(channel), address, tls)
            return self._open

    async def _ours(self, error: grpc.RpcError, place: _Open) -> errors.TunesmithError:
        """The error that was meant. A channel on which nobody answers is given up: the next call looks anew."""
        ours = await asyncio.to_thread(call_error, error, place.address, place.tls)
        if isinstance(ours, errors.CheckAddress) and self._open is place:
            await self.close()
        return ours


class Lines:
    """A line for each caller, the least used ones closed."""

    def __init__(self, find: Find) -> None:
        """All of them lead to the manager that `find` gives."""
        self.find = find
        self._lines: OrderedDict[str | None, Line] = OrderedDict()

    def of(self, token: str | None) -> Line:
        """The line of whoever holds that token."""
        line = self._lines.pop(token, None) or Line(self.find, token)
        self._lines[token] = line
        return line

    async def tidy(self) -> None:
        """Close the lines of callers who were not seen for long."""
        while len(self._lines) > _CALLERS:
            _, line = self._lines.popitem(last=False)
            await line.close()

    async def close(self) -> None:
        """Close all."""
        for line in self._lines.values():
            await line.close()
        self._lines.clear()
