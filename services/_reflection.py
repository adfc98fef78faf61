"""Server reflection that is loaded by the first client that asks for it, so that no server starts later for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

import grpc

ALPHA = "grpc.reflection.v1alpha.ServerReflection"
# The same messages under the name that newer clients try first.
_STABLE = "grpc.reflection.v1.ServerReflection"


def add_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Let clients ask `server` what it offers."""

    @cache
    def servicer() -> Any:
        from grpc_reflection.v1alpha import reflection

        return reflection.aio.ReflectionServicer([*services, ALPHA], pool=_Pool())

    async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        # Bytes, because already the message classes are part of what costs time to import.
        loaded = await asyncio.to_thread(servicer)
        async for reply in loaded.ServerReflectionInfo(_parsed(requests), context):
            yield reply.SerializeToString()

    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(answer)
    }
    for name in (ALPHA, _STABLE):
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))


async def _parsed(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

    async for request in requests:
        yield ServerReflectionRequest.FromString(request)


class _Pool:
    """The default pool, which also finds the file of a method or a field: `grpcurl describe` asks for those."""

    def __init__(self) -> None:
        from google.protobuf.descriptor_pool import Default

        self._pool = Default()

    def FindFileContainingSymbol(self, name: str) -> Any:
        try:
            return self._pool.FindFileContainingSymbol(name)
        except KeyError:
            return self._pool.FindFileContainingSymbol(name.rpartition(".")[0])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
