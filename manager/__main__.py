"""`python -m tunesmith.manager serve`: the manager as a process of its own."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  tunesmith manager serve
  tunesmith manager serve --listen 127.0.0.1:6790 --database postgresql://tuner@db/tunesmith
"""


@click.group()
def main() -> None:
    """The StudyJob manager of Tunesmith: runs studies and keeps what they find."""


@main.command(epilog=_EXAMPLES)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".tunesmith"),
    show_default=True,
    help="Holds the database, trial folders, logs and this manager's place. Made if needed.",
)
@click.option(
    "--database",
    metavar="URL",
    envvar="TUNESMITH_DATABASE",
    help="postgresql://… or sqlite:///…  [default: SQLite in the folder]",
)
@click.option("--upgrade", is_flag=True, help="Bring the database to this version's tables first, as db-upgrade does.")
@click.option(
    "--listen", multiple=True, metavar="ADDR", help="host:port to answer at, besides the folder's socket; repeatable."
)
@click.option(
    "--no-token", is_flag=True, help="Ask for no token on loopback: every user of this machine may run commands."
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, exists=True),
    envvar="TUNESMITH_TLS_CERT",
    help="PEM file: certificate of this server. Or TUNESMITH_TLS_CERT.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, exists=True),
    envvar="TUNESMITH_TLS_KEY",
    help="PEM file: its key. Or TUNESMITH_TLS_KEY.",
)
@click.option(
    "--tls-client-ca",
    type=click.Path(path_type=Path, exists=True),
    help="PEM file: who signs the certificates of clients, which must show one besides their token.",
)
@click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond loopback without TLS.")
@click.option("--idle", type=float, metavar="SECONDS", help="Leave when nobody called for so long and no study runs.")
@click.option(
    "--suggestion",
    multiple=True,
    metavar="ADDR",
    envvar="TUNESMITH_SUGGESTION",
    help="Address of a suggestion service; with https:// it is known by TUNESMITH_CA, and we by TUNESMITH_CERT and "
    "TUNESMITH_KEY. Repeatable, or TUNESMITH_SUGGESTION with blanks between: each algorithm is asked at the first that "
    "offers it.  [default: start one when needed]",
)
@click.option("--earlystop", metavar="ADDR", help="Address of an early-stopping service; as --suggestion.")
@click.option(
    "--secret-env",
    multiple=True,
    metavar="NAME",
    help="Environment variable that trials must not see; repeatable. Adds to those that TUNESMITH_SECRET_ENV names, "
    "separated by commas.",
)
@click.option("--warm", is_flag=True, help="Start the suggestion service at once.")
def serve(
    folder: Path,
    database: str | None,
    upgrade: bool,
    listen: tuple[str, ...],
    no_token: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    insecure_bind: bool,
    idle: float | None,
    suggestion: tuple[str, ...],
    earlystop: str | None,
    secret_env: tuple[str, ...],
    warm: bool,
) -> None:
    """Run studies and answer clients until SIGTERM or SIGINT. Trials that run go on, and the next manager adopts them.

    Over TCP every call needs the token of FOLDER/token, which is written at the first start; TUNESMITH_ADMIN_TOKEN says
    which it is. A database that is away is waited for.
    """
    from tunesmith.manager._process import Settings, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if (tls_cert is None) != (tls_key is None) or (tls_client_ca and not tls_cert):
        raise click.UsageError("--tls-cert and --tls-key belong together, and --tls-client-ca needs them")
    settings = Settings(
        folder=folder,
        database=database,
        upgrade=upgrade,
        listen=listen,
        token=not no_token,
        token_text=os.environ.get("TUNESMITH_ADMIN_TOKEN"),
        tls=(tls_cert, tls_key, tls_client_ca) if tls_cert and tls_key else None,
        insecure_bind=insecure_bind,
        idle=idle,
        suggestion=suggestion,
        earlystop=earlystop,
        secrets=_secrets(secret_env, os.environ.get("TUNESMITH_SECRET_ENV", "")),
        warm=warm,
    )
    with _sentences():
        asyncio.run(run(settings, say=click.echo))


@main.command("db-upgrade")
@click.argument("url", envvar="TUNESMITH_DATABASE")
@click.option("--output", type=click.Choice(["table", "json", "yaml"]), default="table", help="How to print it.")
def db_upgrade(url: str, output: str) -> None:
    """Bring the database at URL to this version's tables. One that is there already stays as it is.

    A URL with a password is better given as TUNESMITH_DATABASE: arguments can be seen by every user of the machine.
    """
    from tunesmith.manager._process import database_url
    from tunesmith.manager.storage import upgrade

    with _sentences():
        revision = upgrade(database_url(url, Path()))
    told = {"table": f"the database is at revision {revision}", "yaml": f"revision: '{revision}'"}
    click.echo(told.get(output) or json.dumps({"revision": revision}, indent=2))


def _secrets(options: Sequence[str], variable: str) -> frozenset[str]:
    """The names that the options and the variable give. A mistyped one would hide nothing."""
    for name in options:
        if not name or "=" in name or name.split() != [name]:
            raise click.UsageError(f"`--secret-env` must name an environment variable, but got {name!r}")
    return frozenset([*options, *(name.strip() for name in variable.split(","))]) - {""}


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors as one sentence, with the exit status that the `tunesmith` command gives them."""
    from tunesmith.services.errors import FreeSpace, TryAgain, TunesmithError

    try:
        yield
    except TunesmithError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(4 if isinstance(error, FreeSpace) else 3 if isinstance(error, TryAgain) else 2)


if __name__ == "__main__":
    main(prog_name="tunesmith manager")
