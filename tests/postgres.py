"""A real PostgreSQL server for the tests: found on this machine, started once a session, gone with its last test.

    def test_something(postgres_url: str) -> None:  # an empty database of the test's own

Without a server to start the test skips with the reason; under `CI=true` that is a failure.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.kept import Kept

_databases = count()


class PostgresMissing(Exception):
    """Why there is no server."""


class PostgresServer:
    """A server with its data in `folder`, reached through a Unix socket in it by user `postgres` without password."""

    def __init__(self, folder: Path, *, fsync: bool, may_crash: bool = False) -> None:
        """Make the data and start; what a power cut would take is not worth a test's time, unless `fsync`."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda b: int(b.parent.name.split(".")[0]))
        on_path = shutil.which("initdb")
        programs = found[-1] if found else on_path and Path(on_path).resolve().parent
        if not programs:
            raise PostgresMissing("there is no initdb in /usr/lib/postgresql/*/bin or on PATH")
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise PostgresMissing(f"psycopg cannot be imported ({error})") from error
        self.folder = folder
        self.may_crash = may_crash
        self._as_user = _unprivileged(folder)
        data = str(folder / "data")
        initdb = [str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(initdb, cwd=folder, check=True, capture_output=True, **self._as_user)
        settings = ["-c", "listen_addresses=", "-c", f"fsync={'on' if fsync else 'off'}", "-k", str(folder)]
        command = [str(programs / "postgres"), "-D", data, *settings]
        self._server = Kept(command, folder / "log", sign="QUIT", cwd=folder, **self._as_user)
        self._wait()

    def url(self, database: str) -> str:
        """Of a database on this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A new database, by name; dropped afterwards."""
        name = f"test{next(_databases)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the server. Raises with its log when a part of it ended by itself, which explains what failed before."""
        ended, log = self._server.ended, self._server.log()
        self._server.close()
        if not self.may_crash and (ended or "terminated by signal" in log):
            raise RuntimeError(f"the PostgreSQL server did not live as long as its tests:\n{log}")

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 60
        while True:
            try:
                return self.run("SELECT 1")
            except psycopg.OperationalError:
                if self._server.ended or time.monotonic() > deadline:
                    raise RuntimeError(self._server.log()) from None
                time.sleep(0.05)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a program that refuses to run as root, with the folder given to it."""
    if os.getuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresMissing("there is no user postgres to run the server as, and it refuses root") from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def postgres(*, fsync: bool = False, may_crash: bool = False) -> Iterator[PostgresServer]:
    """A server; `may_crash`: the test means to kill parts of it. Raises PostgresMissing."""
    # Not in pytest's own folder: user postgres cannot get in there, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-of-tests-"))
    try:
        server = PostgresServer(folder, fsync=fsync, may_crash=may_crash)
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process."""
    try:
        with postgres() as server:
            yield server
    except PostgresMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no PostgreSQL server: {missing}")
        pytest.skip(f"no PostgreSQL server: {missing}")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of an empty database that nobody else uses."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)
