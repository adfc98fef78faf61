"""One gRPC server as all our services run it: health, reflection, errors, tokens, TLS, keepalive, drain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tunesmith.services._auth import Caller, TokenCheck, caller, hash_token, known_tokens, new_token

__all__ = [
    "Caller",
    "Register",
    "TlsFiles",
    "TokenCheck",
    "caller",
    "hash_token",
    "known_tokens",
    "new_token",
    "serve",
    "serving",
]

Register = Callable[[grpc.aio.Server], Sequence[str]]
"""Adds servicers to a server and gives the full names of their services."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files with which a server shows who it is."""

    cert: Path
    """Its certificate, followed by the intermediate ones."""
    key: Path
    client_ca: Path | None = None
    """Clients must show a certificate that this one signed. None: they need none."""


@asynccontextmanager
async def serving(
    register: Register,
    *,
    listen: Sequence[str],
    token_check: TokenCheck | None,
    drain: float = 5,
    tls: TlsFiles | None = None,
    insecure_bind: bool = False,
    harmless: bool = False,
) -> AsyncIterator[list[str]]:
    """Run a server while the block runs; gives the addresses as `open_channel` takes them, with real ports.

    Args:
        register: Adds the servicers; their methods are coroutines or async generators.
        listen: `unix:/path`, `host:port` (port 0: any free one) each.
        token_check: Knows the tokens of TCP callers. None: open, which is allowed on loopback, or with client
            certificates, or as `harmless` says.
        drain: Seconds that running calls get to finish once the block ends.
        tls: For TCP addresses; a Unix socket needs none.
        insecure_bind: Allow TCP addresses beyond loopback without TLS. Never a default.
        harmless: The services run no commands and hold no secrets: with `insecure_bind` they may also be open.

    Raises:
        FixRequest: An address that is no address, is not allowed, or cannot be listened at.
        NotNow: Another process listens there.
        Forbidden: The folder of a Unix socket is open to other users.
    """
    raise NotImplementedError
    yield []


async def serve(
    register: Register,
    *,
    listen: Sequence[str],
    token_check: TokenCheck | None,
    drain: float = 5,
    ready: Callable[[list[str]], None] | None = None,
    stop: asyncio.Event | None = None,
    tls: TlsFiles | None = None,
    insecure_bind: bool = False,
    harmless: bool = False,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`, then drain; a second signal ends the draining.

    Args:
        register: See `serving`, as for the arguments that are not named here.
        listen: See `serving`.
        token_check: See `serving`.
        drain: See `serving`.
        ready: Called once with the addresses, when calls are answered.
        stop: Ends the server when it is set; a signal sets it too, so that long streams may watch it and end.
        tls: See `serving`.
        insecure_bind: See `serving`.
        harmless: See `serving`.
    """
    raise NotImplementedError
