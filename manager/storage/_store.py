"""The store: one writer connection, readers beside it, and every failure mapped to one of the platform's errors."""

from collections.abc import Callable
from typing import TypeVar

from tunesmith.manager.storage._fence import Fence
from tunesmith.manager.storage._tx import Tx

T = TypeVar("T")


class Store:
    """A database. Safe to use from several threads; writes run one after another."""

    shared: bool
    """Whether other managers can use the same database at the same time (PostgreSQL)."""

    def write(self, work: Callable[[Tx], T], fence: Fence | None = None) -> T:
        """Run `work` in one transaction and commit it.

        `work` may be run again when another manager got in its way, so it changes nothing but the Tx.

        Args:
            work: What to do. When it raises, nothing is stored and the exception passes through.
            fence: The lease under which the write is made.

        Raises:
            Fenced: The lease is somebody else's.
            FreeSpace: The disk is full; nothing was stored.
            TryAgain: The database is away. Nothing was stored, unless it went away during the commit itself: read the
                state again before deciding anew.
        """
        raise NotImplementedError

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent state of what is committed; the Tx refuses to write. Raises TryAgain."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all connections. Idempotent."""
        raise NotImplementedError


def open_store(url: str) -> Store:
    """Open the database at `url`: `sqlite:///path` (made and migrated when needed) or `postgresql+psycopg://...`.

    Raises:
        DatabaseUnusable: Damaged, foreign, made by a newer Tunesmith, or a PostgreSQL that waits for `upgrade(url)`.
        FreeSpace: The disk is full.
        TryAgain: The database is away.
    """
    raise NotImplementedError


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision of the tables; does nothing when it is there."""
    raise NotImplementedError
