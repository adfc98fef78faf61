"""The store on both databases: whatever takes `store` or `store_url` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.postgres import PostgresServer

from tunesmith.manager.storage import Store, open_store, upgrade
from tunesmith.manager.storage._tables import metadata


@pytest.fixture(scope="session")
def upgraded_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with tables, for one test after another."""
    with postgres_server.database() as name:
        url = postgres_server.url(name)
        upgrade(url)
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with empty tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("upgraded_postgres")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"))
    engine.dispose()
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    store = open_store(store_url)
    yield store
    store.close()


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Where a SQLite database can be made."""
    return tmp_path / "store.db"
