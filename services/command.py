"""What the `serve` commands of the suggestion and the early-stopping service share: options, and how they serve.

Neither runs commands or holds secrets, so they ask for no token. Importing this module imports no gRPC.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tunesmith.services.server import Register, TlsFiles

_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a service listens, as its command was told. `parent_pipe` None: it has no parent to leave with."""

    listen: tuple[str, ...]
    tls_cert: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    insecure_bind: bool
    parent_pipe: int | None

    def serve(self, register: "Register") -> None:
        """Serve until SIGTERM, SIGINT or the end of the parent. Raises UsageError and what `server.serve` raises."""
        asyncio.run(self._serve(register, self._tls()))

    def _tls(self) -> "TlsFiles | None":
        from tunesmith.services.server import TlsFiles

        if self.tls_cert is not None and self.tls_key is not None:
            return TlsFiles(self.tls_cert, self.tls_key, self.tls_client_ca)
        if self.tls_cert or self.tls_key or self.tls_client_ca:
            raise click.UsageError("--tls-cert and --tls-key belong together, and --tls-client-ca needs them")
        return None

    async def _serve(self, register: "Register", tls: "TlsFiles | None") -> None:
        from tunesmith.services.server import serve
        from tunesmith.services.supervise import announce, leave_with_parent

        stop = asyncio.Event()
        if self.parent_pipe is not None:
            leave_with_parent(self.parent_pipe, stop.set)
        await serve(
            register,
            listen=self.listen,
            token_check=None,
            ready=announce,
            stop=stop,
            tls=tls,
            insecure_bind=self.insecure_bind,
            harmless=True,
        )


def listening(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of where it listens, which it gets as `listening`."""
    options = (
        click.option(
            "--listen",
            multiple=True,
            metavar="ADDR",
            default=[default],
            show_default=True,
            help="host:port (port 0: any free one) or unix:/path; may be repeated.",
        ),
        click.option("--tls-cert", type=_PEM, metavar="FILE", help="PEM file with the certificate of this server."),
        click.option("--tls-key", type=_PEM, metavar="FILE", help="PEM file with its key."),
        click.option(
            "--tls-client-ca",
            type=_PEM,
            metavar="FILE",
            help="PEM file with who signs the certificates of clients.",
        ),
        click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond loopback without TLS."),
        click.option("--parent-pipe", type=int, metavar="FD", help="Leave when the other end of this pipe is closed."),
    )

    def add(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            own = {name: given.pop(name) for name in Listening.__dataclass_fields__}
            command(listening=Listening(**own), **given)

        decorated: Callable[..., None] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return add


class _Refusal(click.ClickException):
    exit_code = 2


@contextmanager
def usage_errors() -> Iterator[None]:
    """Say what is wrong as click does, with exit status 2; how the command is used only where that was wrong."""
    from tunesmith.services.errors import FixRequest, TunesmithError

    try:
        yield
    except FixRequest as error:
        raise click.UsageError(str(error)) from error
    except TunesmithError as error:
        raise _Refusal(str(error)) from error
