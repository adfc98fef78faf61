"""What stands between the wire and every handler: who calls, and what an error becomes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from tunesmith.services import _status, errors
from tunesmith.services._options import USER_AGENT

_log = logging.getLogger("tunesmith.services")

Context = grpc.aio.ServicerContext[Any, Any]
if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
else:  # it has no type parameters when it runs
    Handler = grpc.RpcMethodHandler
_OUR_AGENT = USER_AGENT.partition("/")[0] + "/"


class Shield(grpc.aio.ServerInterceptor):
    """Lets `guard` see every call, and answers the statuses of `errors` for what guard and handler raise."""

    def __init__(self, guard: Callable[[str, Context], Awaitable[None]]) -> None:
        """The guard takes method and context, and raises for a call that it does not let in."""
        self._guard = guard
        self._endless: set[asyncio.Timeout] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the handler of a call, whatever streams it has."""
        handler = await continuation(handler_call_details)
        return None if handler is None else self._wrapped(handler, handler_call_details.method)

    async def end_endless(self) -> None:
        """End the streams that would never end by themselves and that no servicer of ours ends: health, reflection."""
        if self._endless:
            await asyncio.sleep(0.1)  # a watcher still gets NOT_SERVING
            for limit in self._endless:
                limit.reschedule(0)

    def _wrapped(self, handler: Handler, method: str) -> Handler:
        if handler.response_streaming:
            behavior = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def run(request: Any, context: Context) -> Any:
                await self._stream(behavior, method, request, context)
        else:
            behavior = handler.stream_unary if handler.request_streaming else handler.unary_unary

            async def run(request: Any, context: Context) -> Any:
                return await self._unary(behavior, method, request, context)

        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        return make(run, handler.request_deserializer, handler.response_serializer)

    async def _unary(self, behavior: Any, method: str, request: Any, context: Context) -> Any:
        try:
            await self._guard(method, context)
            return await behavior(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _answer(error, method, context)

    async def _stream(self, behavior: Any, method: str, request: Any, context: Context) -> None:
        try:
            await self._guard(method, context)
            if method.startswith("/grpc."):
                await self._until_the_end(behavior(request, context), context)
            else:
                await _write_all(behavior(request, context), context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _answer(error, method, context)

    async def _until_the_end(self, replies: Any, context: Context) -> None:
        limit = asyncio.timeout(None)  # not task.cancel(), after which gRPC tells the caller nothing
        self._endless.add(limit)
        try:
            async with limit:
                await _write_all(replies, context)
        except TimeoutError:
            raise errors.TryAgain("the server ends") from None
        finally:
            self._endless.discard(limit)


_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


async def _write_all(replies: Any, context: Context) -> None:
    # A handler is an async generator, or a coroutine that writes to the context itself.
    if not hasattr(replies, "__aiter__"):
        await replies
        return
    async with aclosing(replies):
        async for reply in replies:
            await context.write(reply)


async def _answer(error: Exception, method: str, context: Context) -> NoReturn:
    if not isinstance(error, errors.TunesmithError) or error.code == "INTERNAL":
        _log.error("%s failed, and the caller was told INTERNAL", method, exc_info=error)
    code, message, details = errors.to_status(error, errors.WIDE if _is_ours(context) else errors.NARROW)
    await context.abort(code, message, _status.trailing_metadata(code, message, details))


def _is_ours(context: Context) -> bool:
    for key, value in context.invocation_metadata() or ():
        if key == "user-agent":
            return str(value).startswith(_OUR_AGENT)
    return False
