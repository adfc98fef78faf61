"""SQLite's driver, told when transactions begin.

Left to itself it begins one at the first INSERT, so that what is read before may have changed meanwhile. Here a writer
takes its lock at once, and a reader sees one state from its first statement to its last. A hook on SQLAlchemy's event
`begin` would do the same, and make every other statement slower by a fifth.
"""

import sqlite3
import time
from typing import Any, Final

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

WRITER: Final = "sqlite+tunesmithwriter"
READER: Final = "sqlite+tunesmithreader"
"""Names of the drivers, for URLs."""

_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",  # with WAL: kill -9 loses nothing committed; a power cut may take the last moments
    "PRAGMA cache_size=-8192",  # KiB; what the manager may take grows with the database up to this
    "PRAGMA wal_autocheckpoint=4000",  # 16 MB: pages that are written again and again are copied and synced seldom
    "PRAGMA journal_size_limit=67108864",
)


class WriterDialect(SQLiteDialect_pysqlite):
    """For the connection that writes."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Take the lock of the one who writes."""
        dbapi_connection.execute("BEGIN IMMEDIATE")


class ReaderDialect(SQLiteDialect_pysqlite):
    """For connections that only read."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Hold on to the state of the first statement."""
        dbapi_connection.execute("BEGIN")


def _use_wal(connection: Any) -> None:
    # The one lock that SQLite does not wait for: processes that open a new file at the same moment meet there.
    tries = 200
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            tries -= 1
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not tries:
                raise
            time.sleep(0.01)


def set_up_migrator(connection: Any, _: Any) -> None:
    """Prepare a new connection, without foreign keys: SQLite changes a table by making another in its place."""
    connection.isolation_level = None  # the driver begins nothing by itself
    _use_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def set_up_writer(connection: Any, _: Any) -> None:
    """Prepare a new connection."""
    set_up_migrator(connection, _)
    connection.execute("PRAGMA foreign_keys=ON")


def set_up_reader(connection: Any, _: Any) -> None:
    """Prepare a new connection."""
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


for name, dialect in ((WRITER, WriterDialect), (READER, ReaderDialect)):
    registry.register(name.replace("+", "."), __name__, dialect.__name__)
