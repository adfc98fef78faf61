"""`tunesmith serve`, `manager serve`, `suggestion serve`: our services, in the foreground.

Each is a program of its own; the command becomes it.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

_PORT = 6790


def _listen(default: str | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    text = "host:port or unix:/path; may be given more than once." + (f"  [default: {default}]" if default else "")
    return click.option("--listen", "listen", multiple=True, metavar="ADDRESS", help=text)


def _manager_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond this machine without TLS."),
        click.option(
            "--no-token",
            is_flag=True,
            help="Ask for no token on loopback: every user of this machine can run commands.",
        ),
        click.option(
            "--database", metavar="URL", envvar="TUNESMITH_DATABASE", help="Instead of the SQLite file in the folder."
        ),
        click.option(
            "--folder", default=".tunesmith", show_default=True, type=click.Path(), help="Where its state lies."
        ),
    ):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith serve\n"
    "  tunesmith serve --listen 127.0.0.1:9000 --database postgresql+psycopg://tunesmith@db/tunesmith"
)
@_listen(f"127.0.0.1:{_PORT}")
@_manager_options
def command(listen: tuple[str, ...], **options: Any) -> NoReturn:
    """Serve the studies of this folder to a team, in the foreground: the manager with the services it needs.

    TCP asks for a token: the first is written to .tunesmith/token. Others give TUNESMITH_SERVER and TUNESMITH_TOKEN.
    """
    _serve_manager(listen or (f"127.0.0.1:{_PORT}",), **options)


@click.group(epilog="\b\nExample:\n  tunesmith manager serve --listen 127.0.0.1:6790")
def manager() -> None:
    """The manager alone."""


@manager.command("serve", epilog="\b\nExample:\n  tunesmith manager serve --listen 127.0.0.1:6790")
@_listen(None)
@click.option("--idle", type=click.FloatRange(min=0), metavar="SECONDS", help="Leave when unused for so long.")
@_manager_options
def manager_serve(listen: tuple[str, ...], **options: Any) -> NoReturn:
    """Run the manager, in the foreground. Without --listen it serves this folder only, and leaves when it is idle."""
    _serve_manager(listen, **options)


@click.group(epilog="\b\nExample:\n  tunesmith suggestion serve --listen 127.0.0.1:6791")
def suggestion() -> None:
    """The suggestion service alone."""


@suggestion.command(
    "serve", epilog="\b\nExample:\n  tunesmith suggestion serve --algorithm sobol --listen 127.0.0.1:6791"
)
@click.option(
    "--algorithm", "algorithms", multiple=True, metavar="NAME", help="Only this one; may be given more than once."
)
@_listen("127.0.0.1:6791")
@click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond this machine without TLS.")
def suggestion_serve(algorithms: tuple[str, ...], listen: tuple[str, ...], insecure_bind: bool) -> NoReturn:
    """Run the suggestion service, in the foreground."""
    words = [word for name in algorithms for word in ("--algorithm", name)]
    words += [word for address in listen or ("127.0.0.1:6791",) for word in ("--listen", address)]
    _become("tunesmith.suggestion", [*words, *(["--insecure-bind"] if insecure_bind else [])])


def _serve_manager(
    listen: Sequence[str],
    *,
    folder: str,
    database: str | None,
    no_token: bool,
    insecure_bind: bool,
    idle: float | None = None,
) -> NoReturn:
    words = ["--folder", folder, *(word for address in listen for word in ("--listen", address))]
    words += ["--idle", f"{idle:g}"] if idle is not None else []
    words += ["--no-token"] if no_token else []
    words += ["--insecure-bind"] if insecure_bind else []
    if database is not None:
        os.environ["TUNESMITH_DATABASE"] = database  # not an argument, which every user of the machine can read
    _become("tunesmith.manager", words)


def _become(module: str, words: Sequence[str]) -> NoReturn:
    """Replace this process by a service, so that signals and exit codes are the service's own."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, "serve", *words])
