"""Bringing a database to the tables of this version, and refusing one that is of another.

Alembic takes 0.4 s to import, so a new SQLite database is made from `_tables` and stamped, which the tests prove to be
the same; only an old one is migrated.
"""

from typing import Final

from sqlalchemy import Connection, insert, inspect, select

from tunesmith.manager.storage._errors import DatabaseUnusable, place
from tunesmith.manager.storage._tables import HEAD, alembic_version, metadata, studies

_LOCK: Final = 0x74756E65736D6974
"""Key of the PostgreSQL lock that keeps two upgrades apart."""


def prepare(connection: Connection) -> None:
    """Make or migrate a SQLite database; only check a PostgreSQL one. Raises DatabaseUnusable."""
    found = revision(connection)
    if found == HEAD:
        return
    if connection.dialect.name != "sqlite":
        raise DatabaseUnusable(
            f"the database {place(connection.engine.url)} must be at revision {HEAD}, but got {found or 'none'}: "
            f"run `tunesmith db upgrade` on it first"
        )
    _bring_up(connection, found)


def upgrade(connection: Connection) -> None:
    """Bring a database to revision `HEAD`; another upgrade of the same waits. Raises DatabaseUnusable."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    found = revision(connection)
    if found != HEAD:
        _bring_up(connection, found)


def _bring_up(connection: Connection, found: str | None) -> None:
    if found is None and connection.dialect.name == "sqlite":
        metadata.create_all(connection, checkfirst=False)
        alembic_version.create(connection)
        connection.execute(insert(alembic_version).values(version_num=HEAD))
    else:
        from tunesmith.manager.storage.migrations import migrate

        migrate(connection)


def revision(connection: Connection) -> str | None:
    """Revision of the tables that are there; None: there are none.

    Raises:
        DatabaseUnusable: They are newer than this program, or somebody else's.
    """
    name = place(connection.engine.url)
    tables = set(inspect(connection).get_table_names())
    if not {alembic_version.name, studies.name} <= tables:
        # Beside other tables of a PostgreSQL database ours can live, unless names are taken.
        if tables & {alembic_version.name, *metadata.tables} or (tables and connection.dialect.name == "sqlite"):
            raise DatabaseUnusable(
                f"the database {name} must be empty or made by Tunesmith, but got the tables {sorted(tables)[:5]}"
            )
        return None
    found = connection.execute(select(alembic_version.c.version_num)).scalar_one_or_none()
    if found is not None and not (found.isdigit() and found <= HEAD):
        raise DatabaseUnusable(
            f"the database {name} was made by a newer Tunesmith (its revision is {found}, the newest known here is "
            f"{HEAD}): upgrade Tunesmith, or name another database"
        )
    return found
