"""`python -m tunesmith.suggestion serve`: the suggestion service as a process of its own."""

import asyncio
import logging
from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  python -m tunesmith.suggestion serve
  python -m tunesmith.suggestion serve --algorithm sobol --algorithm grid --listen unix:/run/tunesmith/suggest.sock
"""


@click.group()
def main() -> None:
    """The suggestion service of Tunesmith: proposes what a study tries next."""


@main.command(epilog=_EXAMPLES)
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    metavar="NAME",
    help="Offer this one only; repeatable.  [default: all installed]",
)
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDR",
    default=["127.0.0.1:6789"],
    show_default=True,
    help="host:port (port 0: any free one) or unix:/path; repeatable.",
)
@click.option(
    "--max-studies", type=click.IntRange(1), default=256, show_default=True, help="Histories held between calls."
)
@click.option(
    "--max-trials", type=click.IntRange(1), default=1_000_000, show_default=True, help="Trials held in all of them."
)
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True), help="PEM file: certificate of this server.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="PEM file: its key.")
@click.option(
    "--tls-client-ca", type=click.Path(path_type=Path, exists=True), help="PEM file: who signs clients' certificates."
)
@click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond loopback without TLS.")
@click.option("--parent-pipe", type=int, metavar="FD", help="Leave when the other end of this pipe closes.")
def serve(
    algorithms: tuple[str, ...],
    listen: tuple[str, ...],
    max_studies: int,
    max_trials: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    insecure_bind: bool,
    parent_pipe: int | None,
) -> None:
    """Serve algorithms over gRPC until SIGTERM, SIGINT or the end of the parent.

    The addresses are printed as one line of JSON when calls are answered: {"listen": ["127.0.0.1:6789"]}. The service
    runs no commands and holds no secrets, so it asks for no token. It keeps nothing on disk: kill it whenever you like.
    """
    from tunesmith.services.errors import TunesmithError
    from tunesmith.services.server import TlsFiles
    from tunesmith.suggestion._registry import UnknownAlgorithm

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if (tls_cert is None) != (tls_key is None) or (tls_client_ca and tls_cert is None):
        raise click.UsageError("--tls-cert and --tls-key belong together, and --tls-client-ca needs them")
    tls = TlsFiles(tls_cert, tls_key, tls_client_ca) if tls_cert and tls_key else None
    try:
        asyncio.run(_serve(algorithms, listen, max_studies, max_trials, tls, insecure_bind, parent_pipe))
    except (TunesmithError, UnknownAlgorithm) as error:
        raise click.UsageError(str(error)) from error


async def _serve(
    algorithms: Sequence[str],
    listen: Sequence[str],
    studies: "Studies",
    tls: "TlsFiles | None",
    insecure_bind: bool,
    parent_pipe: int | None,
) -> None:
    """Run the service until it is told to stop."""
    pass


if __name__ == "__main__":
    main(prog_name="python -m tunesmith.suggestion")
