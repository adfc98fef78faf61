"""Calls to a manager from asyncio, as `client._connection` makes them from threads."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc

from tunesmith.services import errors
from tunesmith.services.channel import ClientTls, call_error, open_channel, tls_for
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

Find = Callable[[], Awaitable[str]]
"""Gives the manager's address, and brings a local manager up when none answers."""

_PAUSES = (0.1, 0.3, 0.6)
"""Seconds between the attempts of a call that nobody answers."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A channel that is open, and how it was opened."""

    channel: grpc.aio.Channel
    stub: Any  # mypy-protobuf's ManagerServiceAsyncStub exists for type checkers only
    address: str
    tls: ClientTls | None


class Wire:
    """The channel to a manager, opened at the first call. All callers share it: a token goes with each call."""

    def __init__(self, find: Find) -> None:
        """It leads to the manager that `find` gives."""
        self.find = find
        self._lock = asyncio.Lock()
        self._open: _Open | None = None

    async def opened(self) -> _Open:
        """The channel; one is opened first where there is none."""
        async with self._lock:
            if self._open is None:
                address = await self.find()
                tls = tls_for(address)
                channel = open_channel(address, tls=tls)
                self._open = _Open(channel, ManagerServiceStub(channel), address, tls)
            return self._open

    async def ours(self, error: BaseException, place: _Open) -> BaseException:
        """The error that was meant. A channel on which nobody answers is given up: the next call looks anew.

        Giving it up cancels what is under way on it, which says nothing of the task that waits for that.
        """
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            return error if task is None or task.cancelling() else errors.CheckAddress("the manager went away")
        assert isinstance(error, grpc.RpcError)
        meant = await asyncio.to_thread(call_error, error, place.address, place.tls)
        if isinstance(meant, errors.CheckAddress) and self._open is place:
            await self.close()
        return meant

    async def close(self) -> None:
        """Close the channel; a later call opens another."""
        place, self._open = self._open, None
        if place is not None:
            await place.channel.close()


@dataclass(frozen=True, slots=True)
class Line:
    """The manager as one caller reaches it. `token` None: a manager that asks for none."""

    wire: Wire
    token: str | None

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

    async def stream(self, method: str, request: Any) -> AsyncGenerator[Any, None]:
        """One call with many answers; closing the iterator ends it."""
        place = await self.wire.opened()
        answers = getattr(place.stub, method)(request, metadata=self._metadata())
        try:
            async for answer in answers:
                yield answer
        except (grpc.RpcError, asyncio.CancelledError) as error:
            raise await self.wire.ours(error, place) from None
        finally:
            answers.cancel()

    async def all(self, method: str, request: Any) -> list[Any]:
        """Every answer of a stream that ends by itself."""
        async with aclosing(self.stream(method, request)) as answers:
            return [answer async for answer in answers]

    async def _once(self, method: str, request: Any) -> Any:
        place = await self.wire.opened()
        try:
            return await getattr(place.stub, method)(request, metadata=self._metadata())
        except (grpc.RpcError, asyncio.CancelledError) as error:
            raise await self.wire.ours(error, place) from None

    def _metadata(self) -> grpc.aio.Metadata:
        if self.token is None:
            return grpc.aio.Metadata()
        if not (self.token.isascii() and self.token.isprintable()):
            raise errors.Authenticate("no manager knows this token: it holds letters that no header can carry")
        return grpc.aio.Metadata(("authorization", f"Bearer {self.token}"))
