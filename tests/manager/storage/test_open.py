"""Opening a database: new, ours, newer, foreign, damaged, out of reach."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.postgres import PostgresServer
from tests.store_samples import new_study

from tunesmith.manager.storage import DatabaseUnusable, open_store, upgrade
from tunesmith.services.errors import FixRequest, NotNow, TryAgain


@pytest.mark.parametrize(
    "url", ["", "x", "mysql://root:secret@host/db", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://h/d"]
)
def test_a_url_names_a_database_that_the_store_can_use(url: str) -> None:
    with pytest.raises(FixRequest, match="sqlite:///PATH") as error:
        open_store(url)
    assert "secret" not in f"{error.value}"


def test_a_new_file_is_made_once_by_however_many(sqlite_file: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(f"sqlite:///{sqlite_file}"), range(4)))
    new_study(stores[0])
    assert [len(store.read(lambda tx: tx.live_studies())) for store in stores] == [1] * 4
    for store in stores:
        store.close()


def test_a_new_file_needs_no_alembic(sqlite_file: Path) -> None:
    code = (
        "import sys; from tunesmith.manager.storage import open_store;"
        f"open_store('sqlite:///{sqlite_file}').close();"
        "open_store('sqlite:///{}').close();".format(sqlite_file)
        + "print(sorted({m.split('.')[0] for m in sys.modules} & {'alembic', 'psycopg', 'cel', 'grpc', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_file_is_set_up_for_many_readers(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}")
    store.write(lambda tx: None)
    assert store._connection is not None
    driver = store._connection.connection.driver_connection
    assert driver is not None

    def pragma(name: str) -> object:
        return driver.execute(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 1
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 30_000
    store.close()


def test_a_newer_database_is_refused_by_name(sqlite_file: Path) -> None:
    open_store(f"sqlite:///{sqlite_file}").close()
    _write(sqlite_file, "UPDATE alembic_version SET version_num = '0999'")
    for look in (open_store, upgrade):
        with pytest.raises(DatabaseUnusable, match="made by a newer Tunesmith") as error:
            look(f"sqlite:///{sqlite_file}")
        assert f"{sqlite_file}" in f"{error.value}"
        assert "0999" in f"{error.value}"
        assert isinstance(error.value, NotNow)


@pytest.mark.parametrize("table", ["notes", "studies", "alembic_version"])
def test_somebody_elses_database_is_left_alone(sqlite_file: Path, table: str) -> None:
    _write(sqlite_file, f"CREATE TABLE {table} (id INTEGER, version_num TEXT)")
    before = sqlite_file.read_bytes()
    with pytest.raises(DatabaseUnusable, match=rf"empty or made by Tunesmith, but got the tables \['{table}'\]"):
        open_store(f"sqlite:///{sqlite_file}")
    assert sqlite3.connect(sqlite_file).execute("SELECT name FROM sqlite_master").fetchall() == [(table,)]
    assert len(sqlite_file.read_bytes()) == len(before)


def test_a_file_that_is_no_database_is_refused_by_name(sqlite_file: Path) -> None:
    sqlite_file.write_bytes(b"not a database, but long enough to be looked at " * 100)
    with pytest.raises(DatabaseUnusable, match="damaged") as error:
        open_store(f"sqlite:///{sqlite_file}")
    assert f"{sqlite_file}" in f"{error.value}"


def test_a_damaged_database_is_refused_by_name(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}")
    uid = new_study(store).uid
    store.close()
    size = sqlite_file.stat().st_size
    with sqlite_file.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(DatabaseUnusable, match="damaged") as error:
        open_store(f"sqlite:///{sqlite_file}").read(lambda tx: tx.study(uid))
    assert f"{sqlite_file}" in f"{error.value}"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="nowhere does not"):
        open_store(f"sqlite:///{tmp_path}/nowhere/store.db")


def test_an_empty_postgres_waits_for_its_upgrade(postgres_url: str) -> None:
    with pytest.raises(DatabaseUnusable, match=r"must be at revision \d+, but got none: run `tunesmith db upgrade`"):
        open_store(postgres_url)
    assert upgrade(postgres_url) == upgrade(postgres_url)
    store = open_store(postgres_url.replace("+psycopg", ""))
    assert store.shared
    new_study(store)
    store.close()


def test_upgrades_at_the_same_time_wait_for_each_other(postgres_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(upgrade, [postgres_url] * 3))) == 1
    open_store(postgres_url).close()


def test_a_newer_or_foreign_postgres_is_refused(postgres_url: str) -> None:
    upgrade(postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(DatabaseUnusable, match="newer Tunesmith"):
        open_store(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE studies CASCADE")
    with pytest.raises(DatabaseUnusable, match="must be empty or made by Tunesmith"):
        upgrade(postgres_url)
    engine.dispose()


def test_other_tables_beside_ours_are_no_matter(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE somebody_elses (id int)")
    engine.dispose()
    upgrade(postgres_url)
    open_store(postgres_url).close()


def test_a_postgres_that_is_not_in_utf8_is_refused(postgres_server: PostgresServer) -> None:
    with postgres_server.database("template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'") as name:
        for use in (upgrade, open_store):
            with pytest.raises(DatabaseUnusable, match="have the encoding UTF8, but it has SQL_ASCII; make one"):
                use(postgres_server.url(name))


def test_who_may_not_log_in_is_told(postgres_server: PostgresServer) -> None:
    with pytest.raises((DatabaseUnusable, TryAgain), match="nobody"):
        open_store(postgres_server.url("postgres").replace("postgres@", "nobody@"))
    with pytest.raises((DatabaseUnusable, TryAgain), match="nothing"):
        open_store(postgres_server.url("nothing"))


def _write(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
