"""A disk that is full: an error that says so, nothing half done, and the store goes on when there is space again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store_samples import NOW, end, launch, new_study, new_trials, observe, running_trial

from tunesmith.manager.storage import Store, StudyRow, TrialRow, Tx, open_store
from tunesmith.services.errors import FreeSpace
from tunesmith.study import StudyMetricSummary, TrialState

State = tuple[StudyRow, list[TrialRow], list[StudyMetricSummary], int]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    if os.getuid() != 0:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("a file system of its own needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def state(store: Store, uid: str) -> State:
    def look(tx: Tx) -> State:
        trials = tx.list_trials(uid, limit=100_000)
        stored = sum(len(tx.observations(trial.id, 1)) for trial in trials)
        return tx.study(uid), trials, tx.study_summaries(uid), stored

    return store.read(look)


def check_whole(store: Store, uid: str) -> None:
    """Nothing is half done: counters, summaries and rows agree."""
    study, trials, summaries, _ = state(store, uid)
    assert study.total == len(trials) == study.next_number
    for one in TrialState:
        assert study.counts[one] == sum(trial.state is one for trial in trials)
    values = [trial.value for trial in trials if trial.state is TrialState.SUCCEEDED]
    assert [s.count for s in summaries if s.metric == "acc"] == ([len(values)] if values else [])
    for trial in trials:
        rows = store.read(lambda tx, t=trial: tx.observations(t.id, 1))  # type: ignore[misc]
        counted = sum(s.count for s in store.read(lambda tx, t=trial: tx.summaries([t.id]))[trial.id])  # type: ignore[misc]
        assert counted == len(rows)


def work_until_full(store: Store, uid: str) -> None:
    def one() -> None:
        trial = running_trial(store, uid).id

        def finish(tx: Tx) -> None:
            tx.add_observations(trial, 1, [observe("acc", i / 300, i) for i in range(300)], ("stdout", 300))
            end(tx, trial)

        store.write(finish)

    def many() -> None:
        for _ in range(5000):
            one()

    with pytest.raises(FreeSpace, match="is full: nothing was stored"):
        many()


def go_on(store: Store, uid: str, again: Callable[[], None]) -> None:
    """While it is full, each write fails and none is stored; afterwards everything works."""
    before = state(store, uid)

    def much(tx: Tx) -> None:
        for _ in range(200):
            tx.add_event(uid, None, "", "r", "x" * 4000, NOW)

    for _ in range(3):
        with pytest.raises(FreeSpace):
            store.write(much)
    assert state(store, uid) == before
    check_whole(store, uid)
    again()
    trial = new_trials(store, uid)[0]
    assert trial.number == before[0].next_number
    store.write(lambda tx: launch(tx, trial.id))
    assert store.write(lambda tx: tx.add_observations(trial.id, 1, [observe("acc", 1.0, 1)])) == 1
    store.write(lambda tx: end(tx, trial.id))
    check_whole(store, uid)


def test_a_file_system_that_is_full(small_disk: Path) -> None:
    store = open_store(f"sqlite:///{small_disk}/store.db")
    uid = new_study(store).uid
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (1 << 20))
    work_until_full(store, uid)
    go_on(store, uid, ballast.unlink)
    store.close()
    again = open_store(f"sqlite:///{small_disk}/store.db")
    check_whole(again, uid)
    again.close()


def test_a_file_system_without_room_for_a_database(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    fill = ["dd", "if=/dev/zero", f"of={ballast}", "bs=4096"]
    assert "No space left" in subprocess.run(fill, capture_output=True, text=True, check=False).stderr
    with pytest.raises(FreeSpace):
        open_store(f"sqlite:///{small_disk}/store.db")
    ballast.unlink()
    store = open_store(f"sqlite:///{small_disk}/store.db")
    new_study(store)
    store.close()


def test_a_database_that_may_not_grow(sqlite_file: Path) -> None:
    """The same without root: SQLite's own limit has the same error."""
    store = open_store(f"sqlite:///{sqlite_file}")
    uid = new_study(store).uid
    assert store._connection is not None
    driver = store._connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA max_page_count=120")
    work_until_full(store, uid)
    go_on(store, uid, lambda: driver.execute("PRAGMA max_page_count=100000") and None)
    store.close()
