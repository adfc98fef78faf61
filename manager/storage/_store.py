"""The store: one writer connection, readers beside it, and every failure mapped to one of the platform's errors."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from tunesmith.manager.storage import _schema
from tunesmith.manager.storage._engines import make_migrator, make_readers, make_writer, parse_url
from tunesmith.manager.storage._errors import collided, translated
from tunesmith.manager.storage._fence import Fence
from tunesmith.manager.storage._jobs import JobCache
from tunesmith.manager.storage._live import Live
from tunesmith.manager.storage._tables import HEAD
from tunesmith.manager.storage._tx import Tx

T = TypeVar("T")

_RUNS: Final = 4
"""How often a transaction is run, at most, when others get in its way."""


class Store:
    """A database. Safe to use from several threads; writes run one after another."""

    def __init__(self, url: URL) -> None:
        """A store on tables that are there: `open_store` sees to it."""
        self.url = url
        self.shared = url.get_backend_name() != "sqlite"
        """Whether other managers can use the same database at the same time (PostgreSQL)."""
        self._writer = make_writer(url)
        self._readers = make_readers(url)
        self._connection: Connection | None = None
        self._turn = threading.Lock()
        self._holder: int | None = None
        self._committing = False
        self._live = Live()
        self._version = 0  # of SQLite's `data_version`, which is another after another process has written
        self._jobs = JobCache()

    def write(self, work: Callable[[Tx], T], fence: Fence | None = None) -> T:
        """Run `work` in one transaction and commit it.

        `work` may be run again when another manager got in its way or a connection was lost, so it changes nothing but
        the Tx, and catches no error of the database.

        Args:
            work: What to do. When it raises, nothing is stored and the exception passes through.
            fence: The lease under which the write is made.

        Raises:
            Fenced: The lease is somebody else's.
            FreeSpace: The disk is full; nothing was stored.
            TryAgain: The database is away. Nothing was stored, unless it went away during the commit itself: read the
                state again before deciding anew.
        """
        with self._exclusive(), translated(self.url):
            for _ in range(_RUNS - 1):
                try:
                    return self._run(work, fence)
                except DBAPIError as error:
                    if not self._was_undone(error):
                        raise
            return self._run(work, fence)

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent state of what is committed; the Tx refuses to write. Raises TryAgain.

        `work` may be run again when a connection was lost.
        """
        with translated(self.url):
            try:
                return self._read(work)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self._read(work)  # the pool may have kept connections of a server that was restarted meanwhile

    def close(self) -> None:
        """Close all connections. Idempotent."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
        self._writer.dispose()
        self._readers.dispose()

    def _run(self, work: Callable[[Tx], T], fence: Fence | None) -> T:
        self._committing = False
        with self._begun() as connection:
            self._recall(connection)
            tx = Tx(connection, self._jobs, self._live, writable=True)
            if fence is not None:
                tx.check_fence(fence)
            result = work(tx)
            tx.finish()
            self._committing = True
        tx.publish()
        if self._live.is_large():
            self._live = Live()
        return result

    def _recall(self, connection: Connection) -> None:
        """Forget what is known of the database when somebody else may have written to it."""
        if self.shared:
            self._live = Live()
            return
        driver: Any = connection.connection.driver_connection
        (version,) = driver.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version, self._live = version, Live()

    def _read(self, work: Callable[[Tx], T]) -> T:
        with self._readers.connect() as connection, connection.begin():
            tx = Tx(connection, self._jobs, Live(), writable=False)
            result = work(tx)
        tx.publish()
        return result

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """The writer's connection in a transaction, which is committed at the end, or rolled back by an exception."""
        if self._connection is None:
            self._connection = self._writer.connect()
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self._live = Live()
            raise

    def _was_undone(self, error: DBAPIError) -> bool:
        """Whether nothing is stored and the same may be tried again at once.

        A connection lost during the commit says nothing about what the server did.
        """
        return collided(error) or (error.connection_invalidated and not self._committing)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._holder == threading.get_ident():
            raise RuntimeError("Store.write must not be called by what it runs")
        with self._turn:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None


def open_store(url: str) -> Store:
    """Open the database at `url`: `sqlite:///PATH` (made and migrated when needed) or `postgresql://...`.

    Raises:
        FixRequest: No such kind of database.
        DatabaseUnusable: Damaged, foreign, made by a newer Tunesmith, or a PostgreSQL that waits for `upgrade(url)`.
        FreeSpace: The disk is full.
        TryAgain: The database is away.
    """
    place = parse_url(url)
    with translated(place), make_migrator(place).begin() as connection:
        _schema.prepare(connection)
    return Store(place)


def upgrade(url: str) -> str:
    """Bring the database at `url` to the newest tables, and give their revision. Raises what `open_store` raises."""
    place = parse_url(url)
    with translated(place), make_migrator(place).begin() as connection:
        _schema.upgrade(connection)
    return HEAD
