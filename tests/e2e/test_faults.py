"""What the platform does when the machine fails: a full disk, a gigabyte of output, a database that goes away."""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests import needs
from tests.house import House, until
from tests.postgres import PostgresMissing, PostgresServer, postgres

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: faults}}
spec:
  objective: {{metric: loss, type: minimize}}
  parameters: [{{name: x, type: double, min: 0, max: 1}}]
  algorithm: {{name: random, settings: {{seed: 5}}}}
  limits: {{trials: {trials}, parallel: 2, failed: 0}}
  trial: {{command: [sh, -c, {script!r}]}}
"""


def study(house: House, script: str, trials: int) -> None:
    house.write("study.yaml", STUDY.format(script=script, trials=trials))


@pytest.fixture
def small_disk(house: House) -> Iterator[Path]:
    """The folder's state on a file system of 24 MB."""
    needs.root()
    state = house.folder / ".tunesmith"
    state.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(state)], check=False)
    if mounted.returncode:
        needs.missing("the right to mount")
    yield state
    house.close()
    subprocess.run(["umount", "-l", str(state)], check=True)


def test_a_full_disk_stops_the_study_and_loses_nothing(house: House, small_disk: Path) -> None:
    study(house, "sleep 0.2; echo loss=1", 30)
    running = house.start("run", "study.yaml")
    until(lambda: len(list(small_disk.glob("trials/*/*"))) > 4)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            pass  # full to the last block
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 4, output
    assert "full" in output
    ballast.unlink()

    house("run", "study.yaml")
    trials = house.json("get", "trials", "faults")
    assert [trial["number"] for trial in trials] == list(range(30))
    assert {trial["state"] for trial in trials} == {"Succeeded"}


def test_a_folder_that_is_removed_takes_everything_along_and_can_be_used_again(house: House) -> None:
    study(house, "echo loss=1; sleep 61", 4)
    house("run", "study.yaml", "--detach")
    until(lambda: house.processes("sleep 61"))
    shutil.rmtree(house.folder / ".tunesmith")
    study(house, "echo loss=1", 2)
    house("run", "study.yaml")
    assert {trial["state"] for trial in house.json("get", "trials", "faults")} == {"Succeeded"}
    until(lambda: not house.processes("sleep 61"))
    assert len(house.processes("tunesmith.manager serve")) == 1
    shutil.rmtree(house.folder / ".tunesmith")  # of a manager that is idle
    house("run", "study.yaml")


def test_a_database_that_is_removed_takes_everything_along(house: House) -> None:
    """SQLite would go on in a file that nobody can open any more, and lose all of it in the end."""
    study(house, "echo loss=1; sleep 63", 4)
    running = house.start("run", "study.yaml")
    until(lambda: house.processes("sleep 63"))
    database = house.folder / ".tunesmith" / "tunesmith.db"
    database.unlink()
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 2, output
    assert "there is no study 'faults'" in output
    assert "its database was removed" in output
    until(lambda: not house.processes("sleep 63"))
    assert f"the database {database} was removed or replaced while it was in use" in house.log()
    study(house, "echo loss=1", 2)
    house("run", "study.yaml")


def test_a_database_that_is_replaced_is_noticed(house: House) -> None:
    study(house, "echo loss=1; sleep 64", 4)
    house("run", "study.yaml", "--detach")
    until(lambda: house.processes("sleep 64"))
    managers = house.processes("tunesmith.manager serve")
    database, copy = house.folder / ".tunesmith" / "tunesmith.db", house.folder / "copy.db"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.replace(database)
    assert psutil.wait_procs(managers, timeout=20)[1] == []
    assert house.processes("sleep 64") == []
    assert [trial["number"] for trial in house.json("get", "trials", "faults")]  # of the copy


def test_whose_folder_is_removed_is_told(house: House) -> None:
    study(house, "echo loss=1; sleep 62", 4)
    running = house.start("run", "study.yaml")
    until(lambda: house.processes("sleep 62"))
    shutil.rmtree(house.folder / ".tunesmith")
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 2, output
    gone = f"the folder of the database must exist, but {house.folder / '.tunesmith'} does not"  # removed just then
    assert any(words in output for words in ("there is no study 'faults'", gone)), output


@pytest.mark.timeout(240)
def test_a_trial_that_prints_a_gigabyte(house: House) -> None:
    study(house, "yes 'nothing to see here' | head -c 1000000000; echo; echo loss=1", 1)
    house("run", "study.yaml", "--detach")
    (manager,) = house.processes("tunesmith.manager serve")
    most = 0
    while house.json("get", "study", "faults")["state"] == "Running":
        most = max(most, manager.memory_info().rss)
    (trial,) = house.json("get", "trials", "faults")
    assert (trial["state"], trial["value"]) == ("Succeeded", 1.0)
    assert most < 150e6
    (log,) = house.folder.glob(".tunesmith/trials/*/*/1/output.log")
    log.unlink()


@pytest.fixture
def crashing_server() -> Iterator[PostgresServer]:
    """A server that nobody else uses."""
    try:
        with postgres(may_crash=True) as server:
            yield server
    except PostgresMissing as reason:
        needs.missing(f"a PostgreSQL server ({reason})")


@pytest.mark.timeout(240)
def test_the_database_crashes_and_comes_back(house: House, crashing_server: PostgresServer) -> None:
    study(house, "sleep 0.2; echo loss=1", 30)
    with crashing_server.database() as name:
        url = crashing_server.url(name)
        upgrade = [sys.executable, "-m", "tunesmith.client", "db", "upgrade", url]
        subprocess.run(upgrade, check=True, env=house.env, capture_output=True)
        running = house.start("run", "study.yaml", "--database", url)
        until(lambda: house.processes("sleep"))
        for _ in range(3):
            (victim, *_rest) = until(lambda: _backends(name))
            victim.kill()  # the server ends every connection, and recovers
            time.sleep(0.5)
        output, _ = running.communicate(timeout=120)
        assert running.returncode == 0, output + house.log()
        trials = house.json("get", "trials", "faults")
        house.close()  # before the database goes
    assert [trial["number"] for trial in trials] == list(range(30))
    assert {trial["state"] for trial in trials} == {"Succeeded"}
    assert {trial["attempts"] for trial in trials} == {1}


@pytest.mark.timeout(240)
def test_a_server_waits_for_its_database_and_brings_it_up_to_date(house: House) -> None:
    folder = Path(tempfile.mkdtemp(prefix="pg-of-tests-"))
    house.env["TUNESMITH_DATABASE"] = f"postgresql://postgres@/postgres?host={folder}"
    words = ("serve", "--listen", "127.0.0.1:0", "--upgrade")
    try:
        for told_to_leave in (True, False):
            with house.start(*words) as waiting:
                assert waiting.stdout is not None
                assert "waiting: the database" in waiting.stdout.readline()
                if told_to_leave:
                    waiting.terminate()
                    assert waiting.wait(30) == 3
                    continue
                with closing(PostgresServer(folder, fsync=False)):
                    assert any(line.startswith("serving at") for line in waiting.stdout)
                    assert house.json("get", "studies") == []
                    house.close()  # before the database goes
    except PostgresMissing as reason:
        needs.missing(f"a PostgreSQL server ({reason})")
    finally:
        shutil.rmtree(folder)


def _backends(database: str) -> list[psutil.Process]:
    """The server's processes that serve connections to a database."""
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if f"postgres: postgres {database} " in " ".join(p.info["cmdline"] or [])]
