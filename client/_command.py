"""The `tunesmith` command."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from tunesmith import __version__
from tunesmith.client._lazy import Lazy, LazyGroup
from tunesmith.client._options import namespace_option, server_option

_RUN, _LOOK, _CHANGE, _WRITE, _SERVE = "Run", "Look", "Change", "Documents", "Services and shell"


def _command(name: str, help_text: str, section: str, attribute: str = "command") -> Lazy:
    return Lazy(f"tunesmith.client.commands.{name}:{attribute}", help_text, section)


class _ReaderLeftError(Exception):
    """Whoever read our output has left, as `head` does. Click would give exit code 1, which is a failed study."""


class Tunesmith(LazyGroup):
    """All commands."""

    lazy = {  # noqa: RUF012 - a constant of the class
        "init": _command("init", "Write a StudyJob and a training script to start from.", _RUN),
        "run": _command("run", "Run a study here, from its document to its best trial.", _RUN),
        "submit": _command("submit", "Create a study and leave it to the manager.", _RUN),
        "get": _command("get", "List studies, trials, events and decisions.", _LOOK),
        "describe": _command("describe", "Show everything about a study or a trial.", _LOOK),
        "watch": _command("watch", "Follow a study's progress.", _LOOK),
        "logs": _command("logs", "Print what a trial printed.", _LOOK),
        "audit": _command("audit", "Estimate what early stopping cost, or try it out.", _LOOK),
        "plot": _command("plot", "Draw figures of studies, as HTML, PNG or JSON.", _LOOK),
        "export": _command("export", "Write a study's trials as CSV or JSON.", _LOOK),
        "pause": _command("control", "Launch no new trials.", _CHANGE, "pause"),
        "resume": _command("control", "Go on with a paused or interrupted study.", _CHANGE, "resume"),
        "stop": _command("control", "End a study and its running trials.", _CHANGE, "stop"),
        "delete": _command("control", "Forget a study with all its trials.", _CHANGE, "delete"),
        "retry": _command("retry", "Run a failed or killed trial again.", _CHANGE),
        "enqueue": _command("enqueue", "Try an assignment of your own.", _CHANGE),
        "edit": _command("edit", "Change a study's limits and labels.", _CHANGE),
        "validate": _command("validate", "Show every mistake in a StudyJob.", _WRITE),
        "convert": _command("convert", "Write a StudyJob as it is understood.", _WRITE),
        "schema": _command("schema", "Print the JSON Schema of the StudyJob, for editors.", _WRITE),
        "algorithms": _command("algorithms", "List the algorithms and their settings.", _WRITE),
        "rules": _command("algorithms", "List the early-stopping rules and their settings.", _WRITE, "rules"),
        "serve": _command("serve", "Serve studies to a team, in the foreground.", _SERVE),
        "manager": _command("serve", "The manager alone.", _SERVE, "manager"),
        "suggestion": _command("serve", "The suggestion service alone.", _SERVE, "suggestion"),
        "earlystop": _command("serve", "The early-stopping service alone.", _SERVE, "earlystop"),
        "ui": _command("serve", "The dashboard alone.", _SERVE, "ui"),
        "db": _command("db", "Bring a PostgreSQL database to this version.", _SERVE),
        "completion": _command("completion", "Print the completion script of a shell.", _SERVE),
    }

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeftError from error


@click.group(
    cls=Tunesmith,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  tunesmith init && tunesmith run study.yaml",
)
@click.version_option(__version__, "-V", "--version", message="tunesmith %(version)s")
@namespace_option
@server_option
def command(**_: Any) -> None:
    """Tune hyperparameters: run the trials of a StudyJob document, and keep what they report.

    Studies live in ./.tunesmith, in the hands of a manager that is started when needed; --server names one elsewhere.

    Exit codes: 0 done, 1 the study failed, 2 the document or the call is wrong, 3 the server cannot be reached, 4 the
    platform failed and the study can go on, 70 a mistake of Tunesmith's own, 130 interrupted.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = command.main(arguments, prog_name="tunesmith", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except click.Abort:  # what click makes of it, which ended the line already
        return 130
    except (BrokenPipeError, _ReaderLeftError):
        _drop_output()
        return 141
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> int:
    """Show an error and give its exit code."""
    from tunesmith.client._errors import exit_code, show, show_unforeseen
    from tunesmith.services.errors import FixRequest, FreeSpace, TunesmithError

    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _drop_output()
        error = FreeSpace("there is no room for what this command writes: the disk is full")
    elif isinstance(error, FileNotFoundError) and not _has_folder():
        error = FixRequest("the folder that this command was called in was removed: go to another one")
    if not isinstance(error, TunesmithError):
        return show_unforeseen(error)
    show(error)
    return exit_code(error)


def _drop_output() -> None:
    """Nobody takes what is still to be written; Python would try once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_folder() -> bool:
    """Whether the current folder is still there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
