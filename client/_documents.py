"""Documents on this machine: read with every mistake named by file, line and column."""

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tunesmith.client._errors import WrongDocument
from tunesmith.services import errors
from tunesmith.study import DocumentError, Native, StudyJob, read_study_job
from tunesmith.study import to_native as native_of
from tunesmith.study._mistakes import Mistake

LARGEST = 16 * 1024 * 1024
"""Bytes of a document that are looked at, so that a mistaken `run model.bin` costs no memory."""


def read_file(path: Path, *, overrides: Sequence[tuple[str, str]] = (), name: str | None = None) -> StudyJob:
    """The StudyJob in a file. Raises WrongDocument, or FixRequest for a file that cannot be read."""
    return read_text(load(path), called(path), base=base_of(path), overrides=overrides, name=name)


def to_native(path: Path) -> Native:
    """The native document of the one in a file. Raises WrongDocument, or FixRequest for a file that cannot be read."""
    text = load(path)
    try:
        return native_of(text)
    except DocumentError as error:
        raise WrongDocument(called(path), error.mistakes) from None


def load(path: Path) -> bytes:
    """The bytes of a document; `-` is standard input. Raises FixRequest."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as error:
        hint = " (`tunesmith init` writes one to start from)" if error.errno == errno.ENOENT else ""
        raise errors.FixRequest(f"{path} cannot be read: {error.strerror}{hint}") from None
    if len(data) > LARGEST:
        raise errors.FixRequest(f"{called(path)}: a document must have at most 1 MiB, but got more than 16 MiB")
    return data


def called(path: Path) -> str:
    """What people call a document."""
    return "<standard input>" if str(path) == "-" else str(path)


def base_of(path: Path) -> Path:
    """The folder from which a relative `workingDir` is meant."""
    return Path.cwd() if str(path) == "-" else path.resolve().parent


def read_text(
    text: bytes | str,
    file: str,
    *,
    base: Path,
    overrides: Sequence[tuple[str, str]] = (),
    name: str | None = None,
) -> StudyJob:
    """The StudyJob in `text`, which people call `file`. Raises WrongDocument."""
    try:
        return read_study_job(text, base=base, overrides=overrides, name=name)
    except DocumentError as error:
        raise WrongDocument(file, error.mistakes) from None


@contextmanager
def server_mistakes(file: str, text: bytes) -> Iterator[None]:
    """Inside, mistakes that a server finds in a document are told like our own: by file, line and column."""
    try:
        yield
    except WrongDocument:
        raise
    except errors.FixRequest as error:
        if not error.mistakes:
            raise
        raise WrongDocument(file, placed(error.mistakes, text)) from None


def placed(mistakes: Sequence[Mistake], text: bytes) -> list[Mistake]:
    """The same mistakes, with the line and column of what each path names where a server did not know them."""
    from tunesmith.client._positions import place

    return [mistake if mistake.line else place(mistake, text) for mistake in mistakes]
