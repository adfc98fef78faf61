"""Connections to SQLite and PostgreSQL, set up as the store needs them."""

from typing import Any, Final

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tunesmith.manager.storage._errors import DatabaseUnusable
from tunesmith.services.errors import FixRequest

WAIT: Final = 30
"""Seconds to wait for another process's lock."""

_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",  # with WAL: kill -9 loses nothing committed; a power cut may take the last moments
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-65536",
    "PRAGMA journal_size_limit=67108864",
)
_POSTGRES: Final = {
    "application_name": "tunesmith",
    "connect_timeout": 10,
    # A server that is gone without a word is noticed.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# A manager that is frozen inside a transaction must not keep others from taking over its studies.
_SETTINGS: Final = f"SET lock_timeout = '{WAIT}s'; SET idle_in_transaction_session_timeout = '60s'"


def parse_url(text: str) -> URL:
    """The URL of a database that the store can use. Raises FixRequest."""
    rule = "a database is `sqlite:///PATH` or `postgresql://USER@HOST/NAME`"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise FixRequest(f"{rule}, but got something that is no URL") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    if url.drivername != "postgresql+psycopg":
        raise FixRequest(f"{rule}, but got {url.render_as_string(hide_password=True)}")
    return url


def make_writer(url: URL) -> Engine:
    """An engine for the one connection that writes."""
    engine = _engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _write_sqlite)
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN IMMEDIATE"))
    else:
        event.listen(engine, "connect", _set_postgres)
    return engine


def make_readers(url: URL) -> Engine:
    """An engine whose transactions see one state of what is committed, and cannot write."""
    engine = _engine(url, pool_size=4, max_overflow=28)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _read_sqlite)
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN"))
    else:
        event.listen(engine, "connect", _read_postgres)
    return engine


def _engine(url: URL, **options: Any) -> Engine:
    if url.get_backend_name() == "sqlite":
        return create_engine(url, connect_args={"timeout": WAIT, "check_same_thread": False}, **options)
    arguments = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    try:
        return create_engine(url, connect_args=arguments, **options)
    except ModuleNotFoundError as error:
        raise DatabaseUnusable(
            f"PostgreSQL needs a further package: pip install 'tunesmith[postgres]' ({error})"
        ) from error


def _execute(connection: Any, statement: str) -> None:
    # Past SQLAlchemy's execution, which would cost three times as much as the statement.
    connection.connection.driver_connection.execute(statement)


def _write_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; the hook above does
    connection.execute("PRAGMA journal_mode=WAL")
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _read_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _set_postgres(connection: Any, _: Any) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


def _read_postgres(connection: Any, record: Any) -> None:
    _set_postgres(connection, record)
    from psycopg import IsolationLevel

    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
