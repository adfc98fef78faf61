"""One gRPC server as all our services run it: health, reflection, errors, tokens, TLS, keepalive, drain."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tunesmith.services._auth import Caller, Guard, TokenCheck, caller, hash_token, known_tokens, new_token
from tunesmith.services._interceptors import Shield
from tunesmith.services._listen import Policy, listen_at
from tunesmith.services._options import SERVER_OPTIONS
from tunesmith.services._platform import check_platform
from tunesmith.services._reflection import add_reflection
from tunesmith.services._tls import TlsFiles

__all__ = [
    "Caller",
    "HealthName",
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


class HealthName(str):
    """Among those names: one that is no service's, and under which only health is asked for."""


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
        listen: `unix:/path` or `host:port` (port 0: any free one), one or several.
        token_check: Knows the tokens of TCP callers. None: open, which is allowed on loopback, or with client
            certificates, or as `harmless` says.
        drain: Seconds that running calls get to finish once the block ends.
        tls: For TCP addresses; a Unix socket needs none.
        insecure_bind: Allow TCP addresses beyond loopback without TLS. Never a default.
        harmless: The services run no commands and hold no secrets: with `insecure_bind` they may also be open.

    Raises:
        FixRequest: An address that is none, is not allowed, or cannot be listened at.
        NotNow: Another process listens there.
        Forbidden: The folder of a Unix socket is open to other users.
    """
    server = _Server(register, token_check)
    policy = Policy(token_check is not None, tls, insecure_bind, harmless)
    try:
        yield await server.start(listen, policy)
    finally:
        await server.stop(drain)


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
    server = _Server(register, token_check)
    stop, hurry = stop or asyncio.Event(), asyncio.Event()
    with _signals(stop, hurry):
        try:
            addresses = await server.start(listen, Policy(token_check is not None, tls, insecure_bind, harmless))
            if ready is not None:
                ready(addresses)
            await stop.wait()
        finally:
            await server.stop(drain, hurry)


class _Server:
    """A grpc.aio server and its health."""

    def __init__(self, register: Register, token_check: TokenCheck | None) -> None:
        check_platform()
        self._shield = Shield(Guard(token_check))
        self._server = grpc.aio.server(interceptors=[self._shield], options=SERVER_OPTIONS)
        self._health = health.aio.HealthServicer()
        self._services = list(register(self._server))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services = [name for name in self._services if not isinstance(name, HealthName)]
        add_reflection([*services, health.SERVICE_NAME], self._server)

    async def start(self, listen: Sequence[str], policy: Policy) -> list[str]:
        await self._set(health_pb2.HealthCheckResponse.NOT_SERVING)
        addresses = [listen_at(self._server, text, policy) for text in listen]
        await self._server.start()
        await self._set(health_pb2.HealthCheckResponse.SERVING)
        return addresses

    async def stop(self, drain: float, hurry: asyncio.Event | None = None) -> None:
        await self._health.enter_graceful_shutdown()
        draining = asyncio.create_task(self._server.stop(drain))
        await self._shield.end_endless()
        if hurry is not None:
            hurried = asyncio.create_task(hurry.wait())
            await asyncio.wait([draining, hurried], return_when=asyncio.FIRST_COMPLETED)
            if not hurried.cancel():
                await self._server.stop(0)
        await draining

    async def _set(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in ("", *self._services):
            await self._health.set(name, status)


@contextmanager
def _signals(stop: asyncio.Event, hurry: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: hurry.set() if stop.is_set() else stop.set())
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
