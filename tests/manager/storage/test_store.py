"""The store as a whole: transactions, threads, several managers, databases that go away."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.postgres import PostgresServer
from tests.store_samples import (
    NOW,
    end,
    finished_trial,
    launch,
    new_study,
    new_trials,
    observe,
    running_trial,
)

from tunesmith.manager.storage import Fence, Fenced, Store, Tx, open_store, upgrade
from tunesmith.services.errors import TryAgain
from tunesmith.study import StudyState, TrialState


def test_an_exception_leaves_nothing_behind(store: Store) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid).id
    before = store.read(lambda tx: (tx.study(uid), tx.list_trials(uid), tx.events(uid), tx.study_summaries(uid)))

    def fail(tx: Tx) -> None:
        tx.add_observations(trial, 1, [observe("acc", 0.5, 1)], ("stdout", 3))
        end(tx, trial)
        tx.move_study(uid, StudyState.PAUSED, "", "", NOW)
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        store.write(fail)
    assert before == store.read(
        lambda tx: (tx.study(uid), tx.list_trials(uid), tx.events(uid), tx.study_summaries(uid))
    )
    # What the writer remembers is what is stored, too.
    assert store.write(lambda tx: (tx.study(uid), tx.trial_by_id(trial))) == (before[0], before[1][0])
    assert store.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", 0.5, 1)])) == 1


def test_after_a_failed_statement_a_transaction_does_nothing_more(store: Store) -> None:
    uid = new_study(store).uid

    def work(tx: Tx) -> None:
        tx.move_study(uid, StudyState.PAUSED, "", "", NOW)
        with pytest.raises(Exception, match="nonsense"):
            tx._run(text("SELECT nonsense"))
        with pytest.raises(RuntimeError, match="nothing may be done"):
            tx.live_studies()

    with pytest.raises(RuntimeError, match="nothing may be done"):
        store.write(work)
    assert store.read(lambda tx: tx.study(uid)).state is StudyState.RUNNING


def test_a_write_inside_of_a_write_is_refused(store: Store) -> None:
    with pytest.raises(RuntimeError, match="must not be called by what it runs"):
        store.write(lambda tx: store.write(lambda tx: None))
    assert store.write(lambda tx: 5) == 5


def test_writes_of_many_threads_come_one_after_another(store: Store) -> None:
    uid = new_study(store).uid
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: new_trials(store, uid, 2), range(20)))
    numbers = sorted(trial.number for batch in added for trial in batch)
    assert numbers == list(range(40))
    assert store.read(lambda tx: tx.study(uid)).counts[TrialState.PENDING] == 40


def test_readers_see_whole_transactions_only_and_wait_for_nobody(store: Store) -> None:
    uid = new_study(store).uid
    stop, seen = threading.Event(), set()

    def look(tx: Tx) -> int:
        row, trials, events = tx.study(uid), tx.list_trials(uid), tx.events(uid)
        assert row.total == len(trials) == sum(row.counts.values())
        assert row.revision == max((trial.revision for trial in trials), default=0)
        assert len([event for event in events if event.trial_number is not None]) == row.revision
        assert row.counts[TrialState.RUNNING] == sum(trial.state is TrialState.RUNNING for trial in trials)
        return row.total

    def reader() -> None:
        while not stop.is_set():
            seen.add(store.read(look))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(reader) for _ in range(3)]
        for _ in range(15):
            store.write(lambda tx: [launch(tx, trial.id) for trial in tx.live_trials(uid) if not trial.attempt])
            new_trials(store, uid, 3)
        inside, go = threading.Event(), threading.Event()

        def slow(tx: Tx) -> None:
            tx.move_study(uid, StudyState.PAUSED, "", "", NOW)
            inside.set()
            assert go.wait(20)

        writer = threading.Thread(target=store.write, args=(slow,))
        writer.start()
        assert inside.wait(20)
        assert store.read(lambda tx: tx.study(uid)).state is StudyState.RUNNING
        go.set()
        writer.join()
        stop.set()
        for future in readers:
            future.result()
    assert store.read(lambda tx: tx.study(uid)).state is StudyState.PAUSED
    assert seen <= set(range(0, 46, 3))


def test_what_another_store_wrote_is_seen_by_the_next_transaction(store_url: str) -> None:
    a, b = open_store(store_url), open_store(store_url)
    uid = new_study(a).uid
    trial = running_trial(a, uid).id
    for number in range(6):
        one = (a, b)[number % 2]
        assert one.write(lambda tx, n=number: tx.add_observations(trial, 1, [observe("acc", 1.0, n)])) == 1  # type: ignore[misc]
        assert one.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", 1.0, 0)])) == 0
        new_trials(one, uid)
    for one in (a, b):
        assert one.read(lambda tx: tx.study(uid)).next_number == 7
        assert one.write(lambda tx: tx.study(uid)).next_number == 7
        assert one.write(lambda tx: tx.summaries([trial]))[trial][0].count == 6
    b.write(lambda tx: tx.request_stop(trial, "kill", "", NOW))
    assert a.write(lambda tx: tx.trial_by_id(trial)).stop_kind == "kill"
    b.write(lambda tx: tx.delete_study(uid))
    assert a.write(lambda tx: tx.live_studies()) == []
    a.close()
    b.close()


def test_closing_twice_is_no_mistake_and_a_store_opens_again(store_url: str) -> None:
    store = open_store(store_url)
    row = new_study(store)
    finished_trial(store, row.uid, acc=0.5)
    before = store.read(lambda tx: (tx.study(row.uid), tx.list_trials(row.uid)))
    store.close()
    store.close()
    again = open_store(store_url)
    assert again.read(lambda tx: (tx.study(row.uid), tx.list_trials(row.uid))) == before
    again.close()


@pytest.fixture
def managers(upgraded_postgres: str) -> Iterator[tuple[Store, Store]]:
    """Two managers on one PostgreSQL."""
    a, b = open_store(upgraded_postgres), open_store(upgraded_postgres)
    yield a, b
    a.close()
    b.close()


def test_two_managers_change_one_study_at_the_same_time(managers: tuple[Store, Store]) -> None:
    a, b = managers
    uid = new_study(a).uid

    def work(store: Store) -> None:
        for _ in range(25):
            finished_trial(store, uid, acc=0.5, other=1.0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (a, b)))
    row = a.read(lambda tx: tx.study(uid))
    assert (row.next_number, row.revision, row.rank, row.counts[TrialState.SUCCEEDED]) == (50, 150, 50, 50)
    trials = b.read(lambda tx: tx.list_trials(uid))
    assert [trial.number for trial in trials] == list(range(50))
    assert sorted(trial.completion_rank for trial in trials) == list(range(1, 51))
    assert {s.metric: s.count for s in a.read(lambda tx: tx.study_summaries(uid))} == {"acc": 50, "other": 50}


def test_managers_that_lock_each_other_out_both_get_through(managers: tuple[Store, Store]) -> None:
    one, other = (new_study(managers[0]).uid for _ in range(2))
    meet = threading.Barrier(2, timeout=20)

    def work(store: Store, first: str, second: str) -> None:
        tries = []

        def both(tx: Tx) -> None:
            tries.append(1)
            tx.add_event(first, None, "", "here", "", NOW)
            if len(tries) == 1:
                meet.wait()  # now each holds what the other wants: PostgreSQL ends one of them, which runs again
            tx.add_event(second, None, "", "here", "", NOW)

        store.write(both)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(work, managers[0], one, other), pool.submit(work, managers[1], other, one)]:
            future.result()
    for uid in (one, other):
        assert [e.reason for e in managers[0].read(lambda tx, u=uid: tx.events(u))].count("here") == 2  # type: ignore[misc]


def test_a_lease_is_not_taken_under_a_fenced_write(managers: tuple[Store, Store]) -> None:
    a, b = managers
    uid = new_study(a).uid
    epoch = a.write(lambda tx: tx.acquire_lease(uid, "a", NOW, 1)) or 0
    inside, taking = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        inside.set()
        assert taking.wait(20)
        tx.add_event(uid, None, "", "mine", "", NOW)

    def take() -> int | None:
        taking.set()
        return b.write(lambda tx: tx.acquire_lease(uid, "b", NOW + 60, 10))

    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(a.write, slow, Fence(uid, epoch))
        assert inside.wait(20)
        taken = pool.submit(take)
        writer.result()
        assert taken.result() == epoch + 1
    with pytest.raises(Fenced):
        a.write(lambda tx: tx.add_event(uid, None, "", "late", "", NOW), Fence(uid, epoch))
    assert "late" not in [e.reason for e in a.read(lambda tx: tx.events(uid))]


def test_two_managers_answer_one_request_once(managers: tuple[Store, Store]) -> None:
    meet = threading.Barrier(2, timeout=20)

    def answer(store: Store, reply: bytes) -> bytes:
        met: list[int] = []

        def work(tx: Tx) -> bytes:
            found = tx.recall("both")
            if not met:
                met.append(meet.wait())
            if found is not None:
                return found
            tx.remember("both", "m", reply, NOW)
            return reply

        try:
            return store.write(work)
        except TryAgain:
            return store.write(work)

    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(answer, managers, (b"a", b"b")))
    assert replies[0] == replies[1]


def test_a_connection_that_was_lost_is_made_again(postgres_server: PostgresServer, postgres_url: str) -> None:
    upgrade(postgres_url)
    store = open_store(postgres_url)
    uid = new_study(store).uid
    store.read(lambda tx: tx.study(uid))
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tunesmith'"
    postgres_server.run(drop)
    assert store.read(lambda tx: tx.study(uid)).uid == uid  # at once
    new_trials(store, uid)
    postgres_server.run(drop)
    new_trials(store, uid)
    ran = []

    def work(tx: Tx) -> None:
        ran.append(1)
        tx.add_event(uid, None, "", "twice", "", NOW)
        tx.study(uid)
        if len(ran) == 1:
            postgres_server.run(drop)
        tx.live_studies()

    store.write(work)  # in the middle of it, too: nothing of the first run was stored
    assert len(ran) == 2
    assert [e.reason for e in store.read(lambda tx: tx.events(uid))].count("twice") == 1
    assert store.read(lambda tx: tx.study(uid)).next_number == 2
    trial = running_trial(store, uid).id

    def many(tx: Tx) -> int:
        if len(ran) == 2:
            ran.append(1)
            tx.trial_by_id(trial)
            postgres_server.run(drop)
        return tx.add_observations(trial, 1, [observe("acc", 1.0, i) for i in range(100)])

    assert store.write(many) == 100
    store.close()


def test_a_server_that_is_away_is_a_matter_of_time(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(TryAgain, match="is away"):
        open_store(f"postgresql://user:secret@/nothing?host={tmp_path}")
    with pytest.raises(TryAgain) as error:
        open_store(f"postgresql://user:secret@/nothing?host={tmp_path}")
    assert "secret" not in f"{error.value}"


def test_a_database_that_is_locked_is_a_matter_of_time(sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.manager.storage._engines.WAIT", 0.1)
    store, other = open_store(f"sqlite:///{sqlite_file}"), open_store(f"sqlite:///{sqlite_file}")

    def block(tx: Tx) -> None:
        with pytest.raises(TryAgain, match=r"keeps the database .* locked"):
            other.write(lambda tx: None)

    store.write(block)
    other.write(lambda tx: None)
    store.close()
    other.close()
