"""The tables as they are declared, and the tables as the migrations make them, are the same."""

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert
from tests.postgres import PostgresServer

from tunesmith.manager.storage import migrations, upgrade
from tunesmith.manager.storage._tables import HEAD, alembic_version, metadata
from tunesmith.manager.storage.migrations import migrate

FOLDER = Path(migrations.__file__).parent

# What PostgreSQL knows of tables, by their names and definitions and not by the order in which they were made.
CATALOG = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, "
    "identity_generation FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "sequences": "SELECT sequencename, data_type, increment_by, cycle FROM pg_sequences",
}


def declared(connection: Connection) -> None:
    metadata.create_all(connection)
    alembic_version.create(connection)
    connection.execute(insert(alembic_version).values(version_num=HEAD))


def in_sqlite(connection: Connection) -> dict[str, str]:
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    return {name: re.sub(r"\s+", " ", sql) for name, sql in found}


def in_postgres(connection: Connection) -> dict[str, list[Any]]:
    return {what: sorted(map(tuple, connection.exec_driver_sql(query)), key=repr) for what, query in CATALOG.items()}


def test_migrations_make_what_is_declared_in_sqlite(tmp_path: Path) -> None:
    found = []
    for name, make in (("a", declared), ("b", migrate)):
        engine = create_engine(f"sqlite:///{tmp_path}/{name}.db")
        with engine.begin() as connection:
            make(connection)
            found.append(in_sqlite(connection))
        engine.dispose()
    assert found[0] == found[1]
    assert set(metadata.tables) < set(found[0])


def test_migrations_make_what_is_declared_in_postgres(postgres_server: PostgresServer) -> None:
    found = []
    for make in (declared, migrate):
        with postgres_server.database() as name:
            engine = create_engine(postgres_server.url(name))
            with engine.begin() as connection:
                make(connection)
                found.append(in_postgres(connection))
                assert compare_metadata(MigrationContext.configure(connection), metadata) == []
            engine.dispose()
    assert found[0] == found[1]
    assert {row[0] for row in found[0]["columns"]} == {*metadata.tables, alembic_version.name}


def test_upgrade_is_what_migrations_make(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/a.db")
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [HEAD]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_revisions_are_numbered_in_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    assert revisions[-1] == HEAD
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "versions"])
def test_the_package_holds_the_migrations(folder: Path) -> None:
    assert (folder / "__init__.py").exists()
