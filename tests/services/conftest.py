"""A service whose handlers do what a test tells them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import pytest

from tunesmith.services.server import Caller, caller

NAME = "tunesmith.test.Probe"


class Probe:
    """Four methods, one of each kind, over bytes."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.caller: Caller | None = None
        self.user_agent = ""
        self.entered, self.release = asyncio.Event(), asyncio.Event()
        self.release.set()

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Out": grpc.unary_stream_rpc_method_handler(self.out),
            "Written": grpc.unary_stream_rpc_method_handler(self.written),
            "In": grpc.stream_unary_rpc_method_handler(self.take),
            "Both": grpc.stream_stream_rpc_method_handler(self.both),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
        return [NAME]

    async def unary(self, request: bytes, context: Any) -> bytes:
        self.caller = caller()
        self.user_agent = dict(context.invocation_metadata())["user-agent"]
        self.entered.set()
        await self.release.wait()
        self._fail()
        return request

    async def out(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        self._fail()
        yield request

    async def written(self, request: bytes, context: Any) -> None:
        await context.write(b"first")
        self._fail()
        await context.write(request)

    async def take(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        parts = [part async for part in requests]
        self._fail()
        return b"".join(parts)

    async def both(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for part in requests:
            yield part
        self._fail()

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def socket_address() -> Iterator[str]:
    """A Unix address that is free; pytest's own folders may be too long for a socket."""
    with TemporaryDirectory(prefix="ts-") as folder:
        yield f"unix:{folder}/s"
