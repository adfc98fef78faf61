"""`tunesmith run`: the whole platform for one study."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.study import StudyJob

file_argument = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))


def document_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--trials`, `--set`, `--name`: what is changed in a document while it is read."""
    for option in (
        click.option("--name", metavar="NAME", help="Another name for the study."),
        click.option(
            "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value, as spec.limits.parallel=4."
        ),
        click.option("--trials", type=click.IntRange(min=1), help="Instead of spec.limits.trials."),
    ):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith run study.yaml\n"
    "  tunesmith run study.yaml --trials 20 --set spec.limits.parallel=4\n"
    "  tunesmith run study.yaml --dry-run"
)
@file_argument
@document_options
@click.option("--dry-run", is_flag=True, help="Only show the size of the space and three commands.")
@click.option("--detach", is_flag=True, help="Do not stay: the study goes on by itself.")
@click.option("--dashboard", is_flag=True, help="Also the dashboard, for as long as the command stays.")
@click.option(
    "--database",
    metavar="URL",
    envvar="TUNESMITH_DATABASE",
    help="Instead of the SQLite file in .tunesmith; remembered.",
)
@target()
def command(
    where: Target,
    file: Path,
    trials: int | None,
    sets: tuple[str, ...],
    name: str | None,
    dry_run: bool,
    detach: bool,
    dashboard: bool,
    database: str | None,
) -> int:
    """Run the study that FILE describes, from nothing to its best trial.

    Given again, the same command takes the study up where it was: after Ctrl-C, a crash, or a change of its limits. A
    study that has ended shows its result, and nothing is started. FILE may be `-` for standard input.
    """
    if dashboard and detach:
        raise click.UsageError(
            "--dashboard stays with the command and does not go with --detach: see `tunesmith ui serve`"
        )
    if not dry_run and Path(".tunesmith").is_dir():  # a folder without one stays so when the document is wrong
        _begin(where, database)
    text, job = read(where, file, trials, sets, name)
    if dry_run:
        _show_dry_run(where, job, str(file), text)
        return 0
    _begin(where, database)
    if dashboard:
        _start_dashboard(where)
    again = _again(file, trials, sets, name, where)
    with where.client(create=True, database=database, namespace=job.namespace) as client:
        return _run(client, where, job, str(file), text, again, detach=detach)


def _start_dashboard(where: Target) -> None:
    """The dashboard of this folder's manager, or of the one elsewhere, at an address that signs in once."""
    from tunesmith.client._dashboard import start_dashboard

    server = ["--server", where.server] if where.server else []
    start_dashboard("127.0.0.1:0", "--folder", str(Path.cwd()), *server, environment=where.environment())


def read(
    where: Target, file: Path, trials: int | None, sets: tuple[str, ...], name: str | None
) -> "tuple[bytes, StudyJob]":
    """The document's bytes, and what they say together with the options. Raises WrongDocument."""
    from tunesmith.client import _documents
    from tunesmith.client._arguments import overrides_of

    overrides = overrides_of(sets)
    overrides += [("spec.limits.trials", str(trials))] if trials is not None else []
    overrides += [("metadata.namespace", where.given_namespace)] if where.given_namespace is not None else []
    text = _documents.load(file)
    return text, _documents.read_text(
        text, _documents.called(file), base=_documents.base_of(file), overrides=overrides, name=name
    )


def _begin(where: Target, database: str | None) -> None:
    """Let the local manager start up while we are still importing."""
    from tunesmith.client import _local
    from tunesmith.client._output import note

    if where.server is None and _local.begin(Path.cwd(), database) and where.for_people:
        note("Starting the manager of ./.tunesmith ...")


def _show_dry_run(where: Target, job: "StudyJob", file: str, text: bytes) -> None:
    from tunesmith.client._check import remarks
    from tunesmith.client._documents import server_mistakes
    from tunesmith.client._dry_run import show_dry_run
    from tunesmith.client._output import note
    from tunesmith.client._terminal import safe
    from tunesmith.services.errors import TryAgain

    warnings = []
    with server_mistakes(file, text):
        try:
            warnings = remarks(where, job)
        except TryAgain as error:  # what can be shown without it is worth showing
            warnings = [f"algorithm and rule are not checked: {error.message}"]
    for warning in warnings:
        note(f"Note: {safe(warning)}")
    show_dry_run(job, where.output)


def _run(client: "Client", where: Target, job: "StudyJob", file: str, text: bytes, again: str, *, detach: bool) -> int:
    import sys

    from tunesmith.client._attach import take_up
    from tunesmith.client._documents import server_mistakes
    from tunesmith.client._interrupts import Interrupts
    from tunesmith.client._output import note
    from tunesmith.client._stay import finish, stay

    stream = sys.stdout if where.for_people else sys.stderr
    with Interrupts() as interrupts:
        with server_mistakes(file, text):
            study = take_up(client, job, lambda line: print(line, file=stream, flush=True), interrupts.hold)
        if detach and not study.state.final and not interrupts.pressed:
            if where.for_people:
                note(f"It goes on by itself: `tunesmith watch {study.name}` follows it.")
            return finish(client, where, study, shows_result=False)
        return stay(client, where, study, stream, interrupts, again=again)


def _again(file: Path, trials: int | None, sets: tuple[str, ...], name: str | None, where: Target) -> str:
    """The same command once more. `--database` is left out: it is remembered, and may hold a password."""
    import shlex

    words = ["tunesmith", "run", str(file)]
    words += ["--trials", str(trials)] if trials is not None else []
    words += [word for text in sets for word in ("--set", text)]
    words += ["--name", name] if name is not None else []
    return shlex.join([*words, *where.words()])
