"""`python -m tunesmith.suggestion serve`: the suggestion service as a process of its own."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # a look at --help needs neither gRPC nor numpy
    from tunesmith.services.server import TlsFiles
    from tunesmith.suggestion._offer import Offer

_EXAMPLES = """\b
Examples:
  python -m tunesmith.suggestion serve
  python -m tunesmith.suggestion serve --algorithm sobol --algorithm grid --listen unix:/tmp/suggest/s.sock
"""
_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The suggestion service of Tunesmith: proposes what a study tries next."""


@main.command(epilog=_EXAMPLES)
@click.option("--algorithm", "algorithms", multiple=True, metavar="NAME", help="Offer only this one; may be repeated.")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDR",
    default=["127.0.0.1:6789"],
    show_default=True,
    help="host:port (port 0: any free one) or unix:/path; may be repeated.",
)
@click.option(
    "--follow-endpoints",
    is_flag=True,
    help="Ask the service at the endpoint of a study, by Katib's contract. For a manager's own service only: who can "
    "call this one can then make it connect anywhere.",
)
@click.option("--max-studies", type=click.IntRange(1), default=256, show_default=True, help="Studies held in memory.")
@click.option(
    "--max-trials",
    type=click.IntRange(1),
    default=250_000,
    show_default=True,
    help="Trials held in memory, of all studies.",
)
@click.option("--tls-cert", type=_PEM, metavar="FILE", help="PEM file with the certificate of this server.")
@click.option("--tls-key", type=_PEM, metavar="FILE", help="PEM file with its key.")
@click.option("--tls-client-ca", type=_PEM, metavar="FILE", help="PEM file with who signs the certificates of clients.")
@click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond loopback without TLS.")
@click.option("--parent-pipe", type=int, metavar="FD", help="Leave when the other end of this pipe is closed.")
def serve(
    algorithms: tuple[str, ...],
    listen: tuple[str, ...],
    follow_endpoints: bool,
    max_studies: int,
    max_trials: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    insecure_bind: bool,
    parent_pipe: int | None,
) -> None:
    """Serve algorithms over gRPC, until SIGTERM, SIGINT or the end of the parent.

    Once calls are answered, one line of JSON on standard output gives the addresses: {"listen": ["127.0.0.1:6789"]}.
    The service runs no commands and holds no secrets, so it asks for no token. It keeps nothing on disk, and may be
    killed and started again at any moment.
    """
    from tunesmith.suggestion._work import limit_library_threads

    limit_library_threads()  # before anything imports numpy

    from tunesmith.services.errors import TunesmithError
    from tunesmith.suggestion import UnknownAlgorithm, load_registry
    from tunesmith.suggestion._katib_adapter import KatibAdapter
    from tunesmith.suggestion._offer import Offer
    from tunesmith.suggestion._studies import Studies

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    tls = _tls(tls_cert, tls_key, tls_client_ca)
    try:
        registry = load_registry()
        offered = registry.only(algorithms) if algorithms else registry
        if follow_endpoints:
            offered = offered.following(KatibAdapter())
        offer = Offer(offered, Studies(max_studies, max_trials))
        asyncio.run(_serve(offer, listen, tls, insecure_bind, parent_pipe))
    except (TunesmithError, UnknownAlgorithm) as error:
        raise click.UsageError(str(error)) from error


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> "TlsFiles | None":
    """Put the TLS options together."""
    from tunesmith.services.server import TlsFiles

    if cert is not None and key is not None:
        return TlsFiles(cert, key, client_ca)
    if cert or key or client_ca:
        raise click.UsageError("--tls-cert and --tls-key belong together, and --tls-client-ca needs them")
    return None


async def _serve(
    offer: "Offer",
    listen: tuple[str, ...],
    tls: "TlsFiles | None",
    insecure_bind: bool,
    parent_pipe: int | None,
) -> None:
    """Serve until we are told to stop, or our parent is gone."""
    from tunesmith.services.server import serve
    from tunesmith.services.supervise import announce, leave_with_parent

    stop = asyncio.Event()
    if parent_pipe is not None:
        leave_with_parent(parent_pipe, stop.set)
    await serve(
        offer.register,
        listen=listen,
        token_check=None,
        ready=announce,
        stop=stop,
        tls=tls,
        insecure_bind=insecure_bind,
        harmless=True,
    )


if __name__ == "__main__":
    main(prog_name="python -m tunesmith.suggestion")
