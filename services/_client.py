"""What stands between a client and the wire: a deadline for unary calls, and the token on every call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True)
class _Extra:
    """What is added to the details of a call."""

    token: str | None
    deadline: float | None

    def timeout(self, asked: float | None) -> float | None:
        return self.deadline if asked is None else asked

    def metadata(self, given: Any) -> list[tuple[str, str | bytes]]:
        header = [] if self.token is None else [("authorization", f"Bearer {self.token}")]
        return [*(given or ()), *header]


def aio_interceptors(token: str | None, deadline: float | None) -> Sequence[grpc.aio.ClientInterceptor]:
    """For grpc.aio, which puts each interceptor into one of four lists, so there is one of each kind."""
    extra = _Extra(token, deadline)
    unary: list[grpc.aio.ClientInterceptor] = [] if token is None and deadline is None else [_UnaryUnary(extra)]
    streams: list[grpc.aio.ClientInterceptor] = [_UnaryStream(extra), _StreamUnary(extra), _StreamStream(extra)]
    return [*unary, *([] if token is None else streams)]  # none where there is nothing to add: they cost time


def sync_interceptors(token: str | None, deadline: float | None) -> Sequence[Any]:
    """For grpc.Channel."""
    return [_Sync(_Extra(token, deadline))]


class _Aio:
    def __init__(self, extra: _Extra) -> None:
        self._extra = extra

    def _details(self, old: grpc.aio.ClientCallDetails, timeout: float | None) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(*self._extra.metadata(old.metadata))
        return grpc.aio.ClientCallDetails(old.method, timeout, metadata, old.credentials, old.wait_for_ready)


class _UnaryUnary(_Aio, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        timeout = self._extra.timeout(client_call_details.timeout)
        return await continuation(self._details(client_call_details, timeout), request)


class _UnaryStream(_Aio, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(self._details(client_call_details, client_call_details.timeout), request)


class _StreamUnary(_Aio, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(self._details(client_call_details, client_call_details.timeout), request_iterator)


class _StreamStream(_Aio, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return await continuation(self._details(client_call_details, client_call_details.timeout), request_iterator)


@dataclass(frozen=True)
class _SyncDetails(grpc.ClientCallDetails):
    method: str
    timeout: float | None
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Sync(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    def __init__(self, extra: _Extra) -> None:
        self._extra = extra

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        timeout = self._extra.timeout(client_call_details.timeout)
        return continuation(self._details(client_call_details, timeout), request)

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        return continuation(self._details(client_call_details, client_call_details.timeout), request)

    def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return continuation(self._details(client_call_details, client_call_details.timeout), request_iterator)

    def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: grpc.ClientCallDetails, request_iterator: Any
    ) -> Any:
        return continuation(self._details(client_call_details, client_call_details.timeout), request_iterator)

    def _details(self, old: grpc.ClientCallDetails, timeout: float | None) -> _SyncDetails:
        metadata = self._extra.metadata(old.metadata)
        return _SyncDetails(old.method, timeout, metadata, old.credentials, old.wait_for_ready, old.compression)
