"""Documents that people write in the browser: read, checked by whoever will run them, and kept in step with a form."""

from pathlib import Path

from tunesmith.client._documents import placed
from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError, Mistake, StudyJob, read_study_job
from tunesmith.ui._manager import Manager
from tunesmith.ui._settings import Settings

LARGEST = 1024 * 1024
"""Bytes of a document."""


def source_of(text: str, settings: Settings) -> StudyJob | str:
    """A document as the manager takes it. Raises DocumentError with every mistake.

    With a local manager a relative `workingDir` is meant from its folder, as it is for the command; a manager elsewhere
    knows no folder of ours, and reads the text itself.
    """
    base: Path | None = settings.folder if settings.local else None
    return read_study_job(text, base=base) if base is not None else text


async def check(manager: Manager, text: str, settings: Settings) -> tuple[list[Mistake], list[str]]:
    """Every mistake of a document at its line, and its algorithm's remarks."""
    if len(text.encode(errors="replace")) > LARGEST:
        return [Mistake("", "a document must have at most 1 MiB")], []
    try:
        mistakes, warnings = await manager.validate(source_of(text, settings))
    except DocumentError as error:
        return list(error.mistakes), []
    except FixRequest as error:
        mistakes, warnings = list(error.mistakes) or [Mistake("", error.message)], []
    return placed(mistakes, text.encode(errors="replace")), warnings
