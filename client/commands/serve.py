"""`tunesmith serve`, `manager serve`, `suggestion serve`, `earlystop serve`: our services, in the foreground.

Each is a program of its own; the command becomes it, with the options that it was given.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from tunesmith.client._options import target_before
from tunesmith.client._program import become

MANAGER = "127.0.0.1:6790"
DASHBOARD = "127.0.0.1:8080"
_DASHBOARD_NEEDS = ("fastapi", "uvicorn", "jinja2")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
_PEM = click.Path(exists=True, dir_okay=False)


def _together(*options: Decorator) -> Decorator:
    """One decorator of several."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _listen(default: str | None) -> Decorator:
    text = "host:port or unix:/path; may be repeated." + (f"  [default: {default}]" if default else "")
    return click.option("--listen", multiple=True, metavar="ADDRESS", default=[default] if default else [], help=text)


_manager = _together(
    click.option("--folder", default=".tunesmith", show_default=True, type=click.Path(), help="Where its state lies."),
    click.option(
        "--database", metavar="URL", envvar="TUNESMITH_DATABASE", help="Instead of the SQLite file in the folder."
    ),
    click.option("--upgrade", is_flag=True, help="Bring the database to this version's tables first."),
    click.option(
        "--no-token",
        is_flag=True,
        help="Ask for no token on loopback: then every user of this machine can run commands.",
    ),
    click.option(
        "--suggestion",
        multiple=True,
        metavar="ADDRESS",
        help="A suggestion service; for https:// see TUNESMITH_CA at --ca. Repeatable: each algorithm is asked at the"
        " first that offers it.  [default: start one when needed]",
    ),
    click.option("--earlystop", metavar="ADDRESS", help="An early-stopping service; as --suggestion."),
    click.option(
        "--secret-env",
        multiple=True,
        metavar="NAME",
        help="Environment variable that trials must not see; repeatable. Or TUNESMITH_SECRET_ENV=NAME,NAME",
    ),
    click.option("--tls-cert", type=_PEM, metavar="FILE", help="PEM file with the certificate of this server."),
    click.option("--tls-key", type=_PEM, metavar="FILE", help="PEM file with its key."),
    click.option(
        "--tls-client-ca", type=_PEM, metavar="FILE", help="PEM file with who signs the certificates of clients."
    ),
    click.option("--insecure-bind", is_flag=True, help="Allow addresses beyond this machine without TLS."),
)


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith serve\n"
    "  tunesmith serve --listen 127.0.0.1:9000 --database postgresql://tuner@db/tunesmith"
)
@_listen(MANAGER)
@_manager
@click.option(
    "--dashboard",
    metavar="ADDRESS",
    is_flag=False,
    flag_value=DASHBOARD,
    help=f"Where the dashboard listens.  [default: {DASHBOARD}, if its packages are installed]",
)
@click.option(
    "--no-dashboard",
    is_flag=True,
    envvar="TUNESMITH_NO_DASHBOARD",
    help="Without the dashboard; or TUNESMITH_NO_DASHBOARD=1, unless --dashboard is given.",
)
@click.pass_context
def command(context: click.Context, /, dashboard: str | None, no_dashboard: bool, **given: Any) -> NoReturn:
    """Serve the studies of this folder to a team, in the foreground: manager, services and dashboard.

    TCP asks for a token: that of TUNESMITH_ADMIN_TOKEN, or one that is made at the first start; it is in
    .tunesmith/token. Others give TUNESMITH_SERVER and TUNESMITH_TOKEN.
    """
    folder = Path(given["folder"]).absolute()
    said = context.get_parameter_source("no_dashboard") is ParameterSource.COMMANDLINE
    if said and dashboard is not None:
        raise click.UsageError("--dashboard and --no-dashboard exclude one another")
    if dashboard is not None:
        _start_dashboard(dashboard, folder, given)
    elif not no_dashboard:
        _offer_dashboard(folder, given)
    _serve("manager")


def _offer_dashboard(folder: Path, given: dict[str, Any]) -> None:
    """The dashboard that nobody asked for by name: where it cannot be, a line says why, and serving goes on."""
    from tunesmith.client._output import note
    from tunesmith.services import local
    from tunesmith.services.errors import NotNow

    if any(find_spec(name) is None for name in _DASHBOARD_NEEDS):
        note("Without a dashboard: pip install 'tunesmith[ui]' brings it, and --no-dashboard says that none is wanted")
    elif folder.name != local.STATE_FOLDER:
        note(f"Without a dashboard: it needs a folder that is called {local.STATE_FOLDER}")
    else:
        try:
            _start_dashboard(DASHBOARD, folder, given)
        except NotNow as error:
            note(f"Without a dashboard: {error.message}; --dashboard ADDRESS names another place")


def _start_dashboard(listen: str, folder: Path, given: dict[str, Any]) -> None:
    """The dashboard of the manager that this process is about to become, over that one's Unix socket."""
    from tunesmith.client._dashboard import start_dashboard
    from tunesmith.services import local
    from tunesmith.services.errors import FixRequest

    if folder.name != local.STATE_FOLDER:
        raise FixRequest(f"--dashboard needs a folder that is called {local.STATE_FOLDER}, but got {folder}")
    socket = local.socket_folder(local.state_folder(folder.parent)) / "manager.sock"
    files = [word for name in ("cert", "key") if (file := given[f"tls_{name}"]) for word in (f"--tls-{name}", file)]
    flags = ["--no-login"] * given["no_token"] + ["--insecure-bind"] * given["insecure_bind"]
    start_dashboard(listen, "--server", f"unix:{socket}", "--folder", str(folder.parent), *files, *flags)


_THROUGH = {"ignore_unknown_options": True, "help_option_names": []}
"""Of a command all of whose words, `--help` too, are the program's."""


@click.group(epilog="\b\nExample:\n  tunesmith ui serve --listen 127.0.0.1:8080")
def ui() -> None:
    """The dashboard alone."""


@ui.command(
    "serve",
    epilog="\b\nExamples:\n  tunesmith ui serve\n  tunesmith ui serve --listen 127.0.0.1:9000 --root-path /tuning",
    context_settings=_THROUGH,
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def ui_serve(words: tuple[str, ...]) -> NoReturn:
    """Run the dashboard of this folder's studies, or of a manager at --server, in the foreground. See --help."""
    where = target_before()
    os.environ.update(where.environment())
    become("ui", "serve", *(["--server", where.server] if where.server else []), *words)


@click.group(epilog="\b\nExample:\n  tunesmith manager serve --listen 127.0.0.1:6790")
def manager() -> None:
    """The manager alone."""


@manager.command("serve", epilog="\b\nExample:\n  tunesmith manager serve --listen 127.0.0.1:6790")
@_listen(None)
@click.option("--idle", type=click.FloatRange(min=0), metavar="SECONDS", help="Leave when unused for so long.")
@_manager
def manager_serve(**_: Any) -> NoReturn:
    """Run the manager, in the foreground. Without --listen it serves this folder only."""
    _serve("manager")


@click.group(epilog="\b\nExample:\n  tunesmith suggestion serve --listen 127.0.0.1:6789")
def suggestion() -> None:
    """The suggestion service alone."""


@suggestion.command(
    "serve", epilog="\b\nExample:\n  tunesmith suggestion serve --algorithm sobol", context_settings=_THROUGH
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def suggestion_serve(words: tuple[str, ...]) -> NoReturn:
    """Run the suggestion service, in the foreground. See --help."""
    become("suggestion", "serve", *words)


@click.group(epilog="\b\nExample:\n  tunesmith earlystop serve --listen 127.0.0.1:6788")
def earlystop() -> None:
    """The early-stopping service alone."""


@earlystop.command("serve", epilog="\b\nExample:\n  tunesmith earlystop serve --rule median", context_settings=_THROUGH)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def earlystop_serve(words: tuple[str, ...]) -> NoReturn:
    """Run the early-stopping service, in the foreground. See --help."""
    become("earlystop", "serve", *words)


def _serve(room: str) -> NoReturn:
    """Become a service with the options that we were given."""
    become(room, "serve", *_words(click.get_current_context()))


def _words(context: click.Context) -> list[str]:
    """The options as they were given, for the program that takes the same ones."""
    words: list[str] = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name in ("dashboard", "no_dashboard"):
            continue  # a program of its own
        if option.name == "database" and value is not None:
            os.environ["TUNESMITH_DATABASE"] = value  # an argument could be read by every user of the machine
        elif value is True:
            words.append(option.opts[0])
        elif value not in (None, False):
            for part in value if isinstance(value, tuple) else (value,):
                words += [option.opts[0], f"{part:g}" if isinstance(part, float) else str(part)]
    return words
