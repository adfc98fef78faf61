"""Nothing that is done often reads a table from end to end: 100,000 trials in a study stay usable."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from tests.store_samples import NOW, end, finished_trial, launch, new_study, new_trials, observe

from tunesmith.manager.storage import Fence, NewTrial, Store, StudyRow, Tx
from tunesmith.study import TrialState

Statement = tuple[str, Any]


@contextmanager
def watched(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that an engine runs, with their parameters."""
    found: list[Statement] = []

    def note(conn: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        found.append((statement, parameters[0] if executemany and parameters else parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def life(store: Store, study: StudyRow, old: int) -> None:
    """All that a study does, again and again."""
    uid = study.uid
    epoch = store.write(lambda tx: tx.acquire_lease(uid, "me", NOW, 10)) or 0
    fence = Fence(uid, epoch)
    trial = store.write(lambda tx: tx.add_trials(uid, [NewTrial({"x": 0.5})], NOW), fence)[0].id
    store.write(lambda tx: launch(tx, trial), fence)
    rows = [observe(metric, 1.0, i) for i in range(3) for metric in ("acc", "loss")]
    for _ in range(2):  # the second time they are looked for
        store.write(lambda tx: tx.add_observations(trial, 1, rows, ("stdout", 9)), fence)
    store.write(lambda tx: tx.request_stop(trial, "kill", "", NOW), fence)
    store._live.__init__()  # type: ignore[misc]  # as after a restart
    store.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", 1.0, 7)]), fence)
    store._live.__init__()  # type: ignore[misc]
    store.write(lambda tx: end(tx, trial), fence)
    store.write(lambda tx: tx.remember(f"r{trial}", "m", b"", NOW))
    store.write(lambda tx: tx.renew_lease(uid, "me", epoch, NOW, 10))
    look(store, study, trial)
    look(store, study, old)


def look(store: Store, study: StudyRow, trial: int) -> None:
    """All that is read."""
    uid = study.uid

    def read(tx: Tx) -> None:
        tx.study(uid)
        tx.find_study(study.namespace, study.name)
        tx.live_trials(uid)
        tx.trial(uid, 5)
        tx.find_trial(uid, "7")
        tx.list_trials(uid, after=100, limit=50)
        tx.trials_since(uid, 100, 50)
        tx.digest_at(uid, 50)
        tx.trial_by_id(trial)
        tx.attempts_of([trial])
        tx.summaries([trial])
        tx.observations(trial, 1)
        tx.sample(trial, 1, "acc", 2)
        tx.offsets(trial, 1)
        tx.study_summaries(uid)
        tx.events(uid, after=100, limit=50)
        tx.events(uid, 7)
        tx.events(uid, reason="ruleFailed")
        tx.recall("r")
        tx.token_by_hash(b"h")

    store.read(read)


def plan(connection: Connection, statement: Statement) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement[0]}", statement[1]).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.fixture
def study(store: Store) -> StudyRow:
    """A study with a long past, in which a few trials run."""
    study = new_study(store)
    finished_trial(store, study.uid, acc=0.5)
    batch = new_trials(store, study.uid, 1500)
    store.write(lambda tx: [tx.move_trial(trial.id, TrialState.KILLED, "", "", NOW) for trial in batch])
    for _ in range(3):
        new_trials(store, study.uid)
        finished_trial(store, new_study(store).uid, acc=0.5)
    return study


def test_no_statement_of_a_trials_life_reads_a_whole_table(store: Store, study: StudyRow) -> None:
    postgres = store.shared
    if postgres:
        with store._writer.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    with watched(store._writer) as written, watched(store._readers) as read:
        life(store, study, study.id << 32)
    seen = [s for s in (*written, *read) if s[0].split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT")]
    assert len({statement for statement, _ in seen}) > 30
    whole = "Seq Scan on " if postgres else "SCAN "
    few = ("tokens", "leases", "requests", "studies", "documents", "study_summaries")  # rows: reading all is best
    small = (*few, "(subquery", "anon_")  # or what a subquery gave
    with store._writer.begin() as connection:
        if postgres:  # which reads small tables from end to end, unless told that this is dear
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement in seen:
            found = plan(connection, statement)
            bad = [line for line in found.splitlines() if whole in line and not line.split(whole)[1].startswith(small)]
            assert not bad, f"{statement}\n{found}"
            if "trials" in statement[0] and "'Pending'" in statement[0]:
                assert "ix_trials_live" in found
            assert "TEMP B-TREE" not in found, f"{statement}\n{found}"
