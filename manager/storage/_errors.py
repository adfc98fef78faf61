"""What a database can fail with, as the errors that the whole platform knows."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tunesmith.services.errors import FreeSpace, NotNow, TryAgain

_DISK_FULL: Final = "53100"
_COLLISIONS: Final = ("40001", "40P01")
"""Serialization failure and deadlock: the transaction was undone, and is good when it is run again."""
_TAKEN: Final = "23505"
"""Unique key: every transaction looks first, so that somebody else was between."""
_AWAY: Final = ("08", "53", "57", "25006", "55P03")
"""Connection lost, out of connections or memory, an administrator at work, read-only standby, lock not had in time."""


class DatabaseUnusable(NotNow):
    """The database cannot be used as it is: damaged, foreign, made by another version, or waiting for `db upgrade`."""


def place(url: URL) -> str:
    """How messages name the database; without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def collided(error: DBAPIError) -> bool:
    """Whether another writer got in the way, so that the same transaction can be run again."""
    return getattr(error.orig, "sqlstate", None) in _COLLISIONS


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raise the platform's errors for those of the database at `url`."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        ours = translate(error, url)
        if ours is error:
            raise
        raise ours from error
    except PoolTimeout as error:
        raise TryAgain(f"too much is read from the database {place(url)} at the same time") from error


def translate(error: DBAPIError | sqlite3.Error, url: URL) -> Exception:
    """The platform's error for a failure of the database; the failure itself when it is a mistake of ours."""
    if isinstance(error, DBAPIError) and url.get_backend_name() != "sqlite":
        return _of_postgres(error, place(url))
    return _of_sqlite(error, Path(place(url)))


def _of_sqlite(error: DBAPIError | sqlite3.Error, file: Path) -> Exception:
    original = error.orig if isinstance(error, DBAPIError) else error
    code, text = getattr(original, "sqlite_errorcode", 0), f"{original}"
    if not file.parent.is_dir():
        return DatabaseUnusable(f"the folder of the database must exist, but {file.parent} does not")
    if text.startswith("no such table"):  # a connection that is opened after the file went makes an empty one
        return TryAgain(f"the database {file} was removed or replaced while it was in use ({text})")
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return _full(file)
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN if _is_full(file):
            return _full(file)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return TryAgain(f"another process keeps the database {file} locked ({text})")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PROTOCOL:
            return TryAgain(f"the database {file} cannot be reached ({text})")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return DatabaseUnusable(f"the database must be writable, but {file} is not ({text})")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT:
            return DatabaseUnusable(
                f"the database {file} is damaged, or is no SQLite database ({text}): restore a copy, or move it away"
            )
    return error


def _full(file: Path) -> FreeSpace:
    return FreeSpace(f"the disk of the database {file} is full: nothing was stored; free some space and go on")


def _is_full(file: Path) -> bool:
    """Whether the disk has no room for a page: SQLite names a full disk so only where it writes the database itself."""
    try:
        disk = os.statvfs(file.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < 64 * 1024


def _of_postgres(error: DBAPIError, name: str) -> Exception:
    state = getattr(error.orig, "sqlstate", None) or ""
    text = " ".join(f"{error.orig}".split())
    if state == _DISK_FULL:
        return FreeSpace(f"the disk of the database {name} is full: nothing was stored; free some space and go on")
    if isinstance(error, IntegrityError) and state == _TAKEN:
        return TryAgain(f"another manager stored the same at the same time ({text})")
    if error.connection_invalidated or state.startswith(_AWAY) or state in _COLLISIONS or not state:
        return TryAgain(f"the database {name} is away ({text})")
    if state.startswith(("28", "3D", "42501")):  # who may log in; no such database; no privilege
        return DatabaseUnusable(f"the database {name} cannot be used ({text})")
    return error
