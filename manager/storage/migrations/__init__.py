"""Alembic migrations, one file a revision, written by hand; there are no downgrades.

A revision is numbered `0001`, `0002`, ... and says in full what it does: it must not look at `_tables`, which goes on.
`compare_metadata` of Alembic tells what is missing, as the tests do. SQLite does not enforce foreign keys meanwhile.
"""

from pathlib import Path

from sqlalchemy import Connection


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to `revision`, in the transaction that is open."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
