"""The few statements that SQLite and PostgreSQL spell through constructs of their own, each built once."""

from functools import cache
from typing import Any

from sqlalchemy import Table, Update, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from tunesmith.manager.storage._tables import leases


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def insert_new(dialect: str, table: Table, *key: str) -> "sqlite.Insert | postgresql.Insert":
    """Insert, and do nothing where a row with the same unique `key` exists; no key given: any unique key."""
    return _insert(dialect, table).on_conflict_do_nothing(index_elements=key or None)


@cache
def upsert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Insert, and replace everything but the primary key where a row with that key exists."""
    statement = _insert(dialect, table)
    changes = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)


@cache
def update_some(table: Table, names: tuple[str, ...]) -> Update:
    """Set these columns, from parameters `new_<name>`, of the row with primary key `id`, parameter `key`."""
    changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("key")).values(changes)


@cache
def take_lease(dialect: str) -> ReturningInsert[tuple[int]]:
    """Insert a lease, or take one over that is the owner's or has run out; gives its epoch, or no row."""
    statement = _insert(dialect, leases)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[leases.c.uid],
        set_={"owner": new.owner, "epoch": leases.c.epoch + 1, "expires": new.expires},
        where=(leases.c.owner == new.owner) | (leases.c.expires <= bindparam("now")),
    ).returning(leases.c.epoch)
