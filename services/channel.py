"""Channels to our services: message size, keepalive, deadline and token in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from tunesmith.services._address import UnixAddress, parse_address
from tunesmith.services._client import aio_interceptors, sync_interceptors
from tunesmith.services._options import Options, channel_options
from tunesmith.services._platform import check_platform
from tunesmith.services._tls import ClientTls
from tunesmith.services.errors import from_rpc_error

__all__ = ["DEADLINE", "ClientTls", "open_channel", "open_sync_channel", "rpc_errors"]

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
