"""What went wrong, as the command tells it: one block on standard error, and an exit code. The only place that maps."""

import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from tunesmith.client._terminal import plain_stream, safe, safe_lines
from tunesmith.services import errors
from tunesmith.study._mistakes import Mistake


class Exit(IntEnum):
    """Exit codes of the command; they never change."""

    DONE = 0
    STUDY_FAILED = 1
    WRONG = 2
    UNREACHABLE = 3
    PLATFORM_FAILED = 4
    UNFORESEEN = 70
    INTERRUPTED = 130


class WrongDocument(errors.FixRequest):
    """A document has mistakes; `file` is what its user calls it."""

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(f"{file} has {len(mistakes)} mistake{'s' * (len(mistakes) != 1)}", mistakes)
        self.file = file


class StudyDiffers(errors.AlreadyExists):
    """A study of that name was made from another document. A difference: path, study's value, document's value."""

    def __init__(self, name: str, differences: Sequence[tuple[str, str, str]]) -> None:
        super().__init__(f"the study {name} was made from another document")
        self.name = name
        self.differences = tuple(differences)


class NoStudiesHere(errors.NotFound):
    """The folder has no `.tunesmith`: no study was ever run in it."""


class PlatformFailed(errors.TunesmithError):
    """The platform cannot go on for now; the study can, later."""


class ManagerDied(errors.TunesmithError):
    """The local manager could not be started, and would not be a moment later; `log` holds the last lines it wrote."""

    def __init__(self, message: str, log: str, full_disk: bool = False, log_path: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
        self.log_path = log_path
        self.full_disk = full_disk


_UNREACHABLE = (errors.TryAgain, ManagerDied)  # CheckAddress is a TryAgain
_WRONG = (
    errors.FixRequest,
    errors.NotFound,
    errors.AlreadyExists,
    errors.NotNow,
    errors.StartOver,
    errors.Authenticate,
    errors.Forbidden,
    errors.NotOffered,
)


def exit_code(error: errors.TunesmithError) -> Exit:
    """The command's exit code when `error` ended it."""
    if isinstance(error, ManagerDied) and error.full_disk:
        return Exit.PLATFORM_FAILED
    if isinstance(error, _UNREACHABLE):
        return Exit.UNREACHABLE
    return Exit.WRONG if isinstance(error, _WRONG) else Exit.PLATFORM_FAILED


def error_lines(error: errors.TunesmithError) -> list[str]:
    """What a person is told: a line for each mistake of a document, or the message and what to do about it."""
    if isinstance(error, WrongDocument):
        return [mistake_line(error.file, mistake) for mistake in error.mistakes]
    lines = [f"error: {safe_lines(error.message)}"]
    if isinstance(error, StudyDiffers):
        lines += _difference_lines(error)
    if isinstance(error, errors.FixRequest):
        lines += [f"  {mistake_line('', mistake)}" for mistake in error.mistakes]
    if isinstance(error, ManagerDied):
        lines += _last_words(error)
    return [*lines, *_advice(error)]


def _last_words(error: ManagerDied) -> list[str]:
    if error.log.strip():
        return ["its last words:", *(f"  {line}" for line in safe_lines(error.log).splitlines())]
    return [] if error.log_path is None else [f"It wrote nothing into {safe(str(error.log_path))}."]


def _difference_lines(error: StudyDiffers) -> list[str]:
    """A table of what differs, and the ways out."""
    from tunesmith.client._output import Column, table_lines, width

    columns = [Column(""), Column("THE STUDY HAS", folds=True), Column("THE DOCUMENT SAYS", folds=True)]
    room = None if plain_stream(sys.stderr) else width() - 2
    rows = [[safe(text) for text in row] for row in error.differences]
    return [
        *(f"  {line}" for line in table_lines(columns, rows, room)),
        "Ways out:",
        "  start another study:  tunesmith run FILE --name NEW",
        f"  forget this one:      tunesmith delete {safe(error.name)}, then run again",
    ]


def mistake_line(file: str, mistake: Mistake) -> str:
    """`file.yaml:12:5: spec.parameters[2].min: what must hold, and what was found`, without what is not known."""
    place = safe(file)
    if file and mistake.line:
        place += f":{mistake.line}:{mistake.column}" if mistake.column else f":{mistake.line}"
    return ": ".join(part for part in (place, safe(mistake.path), safe(mistake.message)) if part)


def _advice(error: errors.TunesmithError) -> list[str]:
    """The next step, where the class of the error has one."""
    if isinstance(error, errors.Authenticate) and "TUNESMITH_TOKEN" not in error.message:
        return ["Set TUNESMITH_TOKEN to a token of that server; `tunesmith serve` writes one to .tunesmith/token."]
    if isinstance(error, errors.FreeSpace) or (isinstance(error, ManagerDied) and error.full_disk):
        return ["Free some space, then give the same command again: nothing is lost, and the study goes on."]
    if isinstance(error, errors.ReportBug):
        return ["The logs of the manager and its services (.tunesmith/*.log on this machine) have the details."]
    return []


def show(error: errors.TunesmithError) -> None:
    """Print an error on standard error."""
    print(*error_lines(error), sep="\n", file=sys.stderr, flush=True)


def show_unforeseen(error: Exception) -> Exit:
    """Print an error that nobody thought of: a bug. Its traceback is for whoever looks for it."""
    import os
    import traceback

    if os.environ.get("TUNESMITH_DEBUG"):
        traceback.print_exception(error)
    what = safe(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    lines = [f"error: a mistake of Tunesmith's own: {what}"]
    if not os.environ.get("TUNESMITH_DEBUG"):
        lines += ["Please report it, with what TUNESMITH_DEBUG=1 shows before the same command."]
    print(*lines, sep="\n", file=sys.stderr, flush=True)
    return Exit.UNFORESEEN
