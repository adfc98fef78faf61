"""How the dashboard serves: where it may listen, how it says that it is ready, how it leaves."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.services._address import TcpAddress, parse_address
from tunesmith.services._parent import announce, leave_with_parent
from tunesmith.services.errors import FixRequest, NotNow, NotOffered
from tunesmith.ui._settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

_DRAIN = 2
"""Seconds that open streams get when it leaves."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where one dashboard listens.

    `parent_pipe` None: it has no parent to leave with. `proxy`: whom it believes. `words`: it tells people.
    """

    listen: str
    tls: tuple[Path | None, Path | None] = (None, None)
    insecure_bind: bool = False
    proxy: str = "127.0.0.1"
    parent_pipe: int | None = None
    words: bool = True

    @property
    def address(self) -> TcpAddress:
        """Where it listens. Raises FixRequest."""
        address = parse_address(self.listen)
        if not isinstance(address, TcpAddress):
            raise FixRequest(f"a dashboard listens at host:port, but got {self.listen}")
        return address

    def settings(
        self,
        *,
        folder: Path,
        server: str | None,
        token: str | None,
        login: bool,
        root_path: str,
        hosts: tuple[str, ...],
    ) -> Settings:
        """The settings of the dashboard, if it may listen there. Raises FixRequest."""
        wide = not self.address.loopback
        if (self.tls[0] is None) != (self.tls[1] is None):
            raise FixRequest("--tls-cert and --tls-key belong together")
        if wide and self.tls[0] is None and not self.insecure_bind:
            raise FixRequest(
                "beyond loopback a dashboard needs TLS (--tls-cert and --tls-key), or --insecure-bind, but got"
                f" {self.address}"
            )
        if wide and not login:
            raise FixRequest(f"--no-login is for loopback only, but got {self.address}")
        path = root_path.strip("/")
        own = (self.address.host.lower(),) if wide and not _any(self.address.host) else ()
        return Settings(folder, server, token, login, f"/{path}" if path else "", (*hosts, *own) if hosts else (), wide)


def _any(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def serve_dashboard(settings: Settings, serving: Serving, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent. Raises FixRequest, NotNow, NotOffered without FastAPI."""
    try:
        from tunesmith.ui._app import create_app
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tunesmith"):
            raise
        raise NotOffered(f"the dashboard needs {error.name}: pip install 'tunesmith[ui]'") from None
    listener = listener_of(serving.address)
    app = create_app(settings)
    server = server_of(app, serving)
    base = f"{'https' if serving.tls[0] else 'http'}://{_shown(serving.address, listener)}{settings.root_path}"
    key = app.state.desk.door.new_key() if settings.login and settings.has_credentials else None

    def leave() -> None:
        server.force_exit = server.should_exit  # who asks twice is in a hurry
        server.should_exit = True
        app.state.desk.leaving.set()

    async def run() -> None:
        if serving.parent_pipe is not None:
            leave_with_parent(serving.parent_pipe, leave)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, leave)
        loop.call_soon(_tell, serving, base, key, say)
        await server.serve(sockets=[listener])

    asyncio.run(run())


def server_of(app: "FastAPI", serving: Serving) -> "uvicorn.Server":
    """What answers."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=serving.proxy,
        ssl_certfile=serving.tls[0],
        ssl_keyfile=serving.tls[1],
        timeout_graceful_shutdown=_DRAIN,
    )

    class Server(uvicorn.Server):
        """Leaves signals to us: its own handling would end this process by the signal, not with status 0."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server(config)


def _tell(serving: Serving, base: str, key: str | None, say: Callable[[str], None]) -> None:
    """Say where it is: in a line for a parent, or in words. The socket listens already, so nobody comes too early."""
    if not serving.words:
        announce([f"{base}/login?key={key}" if key else f"{base}/"])
        return
    say(f"The dashboard is at {base}/")
    if key:
        say(f"This address signs you in, once:\n  {base}/login?key={key}")


def listener_of(address: TcpAddress) -> socket.socket:
    """A socket that listens. Raises NotNow or FixRequest."""
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address.host, address.port), family=family, backlog=128)
    except OSError as error:
        import errno

        if error.errno == errno.EADDRINUSE:
            raise NotNow(f"another process listens at {address}") from None
        raise FixRequest(f"cannot listen at {address}: {error.strerror}") from None


def _shown(address: TcpAddress, listener: socket.socket) -> TcpAddress:
    """An address that a browser can open."""
    host = "localhost" if _any(address.host) else address.host
    return TcpAddress(host, listener.getsockname()[1])
