"""Channels to our services: message size, keepalive, deadline and token in one place."""

import asyncio
import os
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc

from tunesmith.services._address import UnixAddress, parse_address
from tunesmith.services._client import aio_interceptors, sync_interceptors
from tunesmith.services._options import Options, channel_options
from tunesmith.services._platform import check_platform
from tunesmith.services._tls import ClientTls
from tunesmith.services._tls_probe import tls_trouble
from tunesmith.services.errors import CheckAddress, CheckTls, TunesmithError, from_rpc_error

__all__ = [
    "DEADLINE",
    "ClientTls",
    "answer",
    "call_error",
    "open_channel",
    "open_sync_channel",
    "rpc_errors",
    "tls_for",
]

Response = TypeVar("Response")

DEADLINE = 30.0
"""Seconds that a unary call may take unless it says otherwise."""


def open_channel(
    address: str, *, token: str | None = None, tls: ClientTls | None = None, deadline: float | None = DEADLINE
) -> grpc.aio.Channel:
    """A channel for asyncio, made inside the running loop; the caller closes it.

    Args:
        address: `unix:/path`, `host:port`, or `https://host:port` for TLS.
        token: Sent with every call as `authorization: Bearer TOKEN`.
        tls: Given: TLS, also without `https://`.
        deadline: Seconds for unary calls that name no timeout; None: no limit. Streams have none.

    Raises:
        FixRequest: An address that is none.
        NotOffered: On Windows.
    """
    target, options, credentials = _dial(address, tls)
    interceptors = aio_interceptors(token, deadline)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def open_sync_channel(
    address: str, *, token: str | None = None, tls: ClientTls | None = None, deadline: float | None = DEADLINE
) -> grpc.Channel:
    """The same for threads."""
    target, options, credentials = _dial(address, tls)
    if credentials is None:
        channel = grpc.insecure_channel(target, options=options)
    else:
        channel = grpc.secure_channel(target, credentials, options=options)
    return grpc.intercept_channel(channel, *sync_interceptors(token, deadline))


def tls_for(address: str) -> ClientTls | None:
    """What TUNESMITH_CA, TUNESMITH_CERT and TUNESMITH_KEY say, for an address with `https://`; None for any other."""
    return ClientTls.from_environment(os.environ) if address.startswith("https://") else None


def call_error(error: grpc.RpcError, address: str, tls: ClientTls | None = None) -> TunesmithError:
    """The error that a failed call means to its caller; where TLS is why nobody answered, CheckTls says what is wrong.

    Args:
        error: Of the call.
        address: As the channel was opened; one on TCP may be connected to, for some seconds.
        tls: As the channel was opened.
    """
    ours, parsed = from_rpc_error(error), parse_address(address)
    if not isinstance(ours, CheckAddress) or isinstance(parsed, UnixAddress):
        return ours
    trouble = tls_trouble(parsed, tls or (ClientTls() if parsed.tls else None))
    return ours if trouble is None else CheckTls(trouble)


async def answer(call: Awaitable[Response], address: str, tls: ClientTls | None = None) -> Response:
    """What a call on a channel to `address` answers; a failed one raises its `call_error`."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise await asyncio.to_thread(call_error, error, address, tls) from error


@contextmanager
def rpc_errors() -> Iterator[None]:
    """Inside, a failed call raises the error that the server meant (`from_rpc_error`) instead of grpc.RpcError."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error


def _dial(address: str, tls: ClientTls | None) -> tuple[str, Options, grpc.ChannelCredentials | None]:
    check_platform()
    parsed = parse_address(address)
    if isinstance(parsed, UnixAddress):
        return str(parsed), channel_options(loopback=True), None
    if tls is None and parsed.tls:
        tls = ClientTls()
    return str(parsed), channel_options(loopback=parsed.loopback), None if tls is None else tls.credentials()
