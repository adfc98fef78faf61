"""Each failure of a database is one of the platform's errors, named by what the caller should do."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from tunesmith.manager.storage import DatabaseUnusable
from tunesmith.manager.storage._errors import collided, translate
from tunesmith.services.errors import FreeSpace, TryAgain

POSTGRES = make_url("postgresql+psycopg://user:secret@host/name")


class Postgres(Exception):
    """As psycopg's."""

    def __init__(self, state: str | None) -> None:
        super().__init__(f"it\nsaid {state}")
        self.sqlstate = state


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("it said so")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("53100", FreeSpace),
        ("53200", TryAgain),
        ("53300", TryAgain),
        ("57P01", TryAgain),
        ("57P03", TryAgain),
        ("57014", TryAgain),
        ("08006", TryAgain),
        ("25006", TryAgain),
        ("55P03", TryAgain),
        ("40001", TryAgain),
        ("40P01", TryAgain),
        (None, TryAgain),
        ("28P01", DatabaseUnusable),
        ("3D000", DatabaseUnusable),
        ("42501", DatabaseUnusable),
    ],
)
def test_postgres(state: str | None, kind: type[Exception]) -> None:
    error = DBAPIError("SELECT 1", None, Postgres(state))
    found = translate(error, POSTGRES)
    assert type(found) is kind
    assert "postgresql+psycopg://user:***@host/name" in f"{found}"
    assert "\n" not in f"{found}"
    assert collided(error) == (state in ("40001", "40P01"))


def test_postgres_when_two_stored_the_same() -> None:
    assert type(translate(IntegrityError("INSERT", None, Postgres("23505")), POSTGRES)) is TryAgain


def test_a_lost_connection_is_a_matter_of_time_whatever_it_says() -> None:
    error = DBAPIError("SELECT 1", None, Postgres("XX000"), connection_invalidated=True)
    assert type(translate(error, POSTGRES)) is TryAgain


def test_a_mistake_of_ours_stays_what_it_is(tmp_path: Path) -> None:
    for error in (DBAPIError("SELEC", None, Postgres("42601")), IntegrityError("INSERT", None, Postgres("23502"))):
        assert translate(error, POSTGRES) is error
    other = of_sqlite(sqlite3.SQLITE_CONSTRAINT)
    assert translate(other, make_url(f"sqlite:///{tmp_path}/a.db")) is other


@pytest.mark.parametrize(
    ("code", "free", "kind"),
    [
        (sqlite3.SQLITE_FULL, 1 << 30, FreeSpace),
        (sqlite3.SQLITE_IOERR_WRITE, 0, FreeSpace),
        (sqlite3.SQLITE_IOERR_WRITE, 1 << 30, TryAgain),
        (sqlite3.SQLITE_CANTOPEN, 0, FreeSpace),
        (sqlite3.SQLITE_CANTOPEN, 1 << 30, TryAgain),
        (sqlite3.SQLITE_BUSY, 1 << 30, TryAgain),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, 1 << 30, TryAgain),
        (sqlite3.SQLITE_READONLY, 1 << 30, DatabaseUnusable),
        (sqlite3.SQLITE_CORRUPT, 1 << 30, DatabaseUnusable),
        (sqlite3.SQLITE_NOTADB, 1 << 30, DatabaseUnusable),
    ],
)
def test_sqlite(code: int, free: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr("tunesmith.manager.storage._errors.os.statvfs", lambda path: disk)
    url = make_url(f"sqlite:///{tmp_path}/a.db")
    for error in (of_sqlite(code), DBAPIError("SELECT 1", None, of_sqlite(code))):
        found = translate(error, url)
        assert type(found) is kind
        assert f"{tmp_path}/a.db" in f"{found}"


def test_a_file_that_was_made_anew_under_an_open_store(tmp_path: Path) -> None:
    """A connection that is opened after somebody removed the database makes an empty one."""
    url = make_url(f"sqlite:///{tmp_path}/a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, pytest.raises(sqlite3.OperationalError) as raised:
        connection.execute("SELECT * FROM studies")
    found = translate(DBAPIError("SELECT", None, raised.value), url)
    assert type(found) is TryAgain
    assert "was removed or replaced while it was in use" in f"{found}"
