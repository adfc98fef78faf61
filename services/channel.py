"""Channels to our services: message size, keepalive, deadline and token in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

DEADLINE = 30.0
"""Seconds that a unary call may take unless it says otherwise."""


def open_channel(
    address: str, *, token: str | None = None, ca: Path | None = None, deadline: float | None = DEADLINE
) -> grpc.aio.Channel:
    """A channel for asyncio, made inside the running loop; the caller closes it.

    Args:
        address: `unix:/path`, `host:port`, or `https://host:port` for TLS.
        token: Sent with every call as `authorization: Bearer TOKEN`.
        ca: TLS, with a server whose certificate this PEM file signed. None with `https://`: the system's authorities.
        deadline: Seconds for unary calls that name no timeout; None: no limit. Streams have none.

    Raises:
        FixRequest: An address that is none.
        NotOffered: On Windows.
    """
    raise NotImplementedError


def open_sync_channel(
    address: str, *, token: str | None = None, ca: Path | None = None, deadline: float | None = DEADLINE
) -> grpc.Channel:
    """The same for threads."""
    raise NotImplementedError


@contextmanager
def rpc_errors() -> Iterator[None]:
    """Inside, a failed call raises the error that the server meant (`from_rpc_error`) instead of grpc.RpcError."""
    raise NotImplementedError
    yield
