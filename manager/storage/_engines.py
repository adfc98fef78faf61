"""Connections to SQLite and PostgreSQL, set up as the store needs them."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tunesmith.manager.storage import _sqlite
from tunesmith.manager.storage._errors import DatabaseUnusable
from tunesmith.services.errors import FixRequest

WAIT: Final = 30
"""Seconds to wait for another process's lock."""

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
    if url.drivername == "sqlite":
        return _engine(url.set(drivername=_sqlite.WRITER), _sqlite.set_up_writer, poolclass=NullPool)
    return _engine(url, _set_up_postgres, poolclass=NullPool)


def make_migrator(url: URL) -> Engine:
    """An engine that changes tables."""
    if url.drivername == "sqlite":
        return _engine(url.set(drivername=_sqlite.WRITER), _sqlite.set_up_migrator, poolclass=NullPool)
    return make_writer(url)


def make_readers(url: URL) -> Engine:
    """An engine whose transactions see one state of what is committed, and cannot write."""
    pool = {"pool_size": 4, "max_overflow": 28}
    if url.drivername == "sqlite":
        return _engine(url.set(drivername=_sqlite.READER), _sqlite.set_up_reader, **pool)
    return _engine(url, _set_up_postgres_reader, **pool)


def _engine(url: URL, set_up: Callable[[Any, Any], None], **options: Any) -> Engine:
    if url.get_backend_name() == "sqlite":
        arguments: dict[str, Any] = {"timeout": WAIT, "check_same_thread": False}
    else:
        arguments = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    try:
        engine = create_engine(url, connect_args=arguments, **options)
    except ModuleNotFoundError as error:
        advice = "PostgreSQL needs a further package: pip install 'tunesmith[postgres]'"
        raise DatabaseUnusable(f"{advice} ({error})") from error
    event.listen(engine, "connect", set_up)
    if url.get_backend_name() == "postgresql":
        event.listen(engine, "connect", _check_encoding, insert=True)  # before SQLAlchemy reads texts, and stumbles
    return engine


def _check_encoding(connection: Any, _: Any) -> None:
    """Raise DatabaseUnusable where texts would come back as bytes, or not at all."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        advice = "make one by `CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0`"
        raise DatabaseUnusable(f"the database must have the encoding UTF8, but it has {encoding}; {advice}")


def _set_up_postgres(connection: Any, _: Any) -> None:
    connection.execute(_SETTINGS)
    connection.commit()


def _set_up_postgres_reader(connection: Any, record: Any) -> None:
    from psycopg import IsolationLevel

    _set_up_postgres(connection, record)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
