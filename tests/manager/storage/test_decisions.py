"""Early-stopping decisions: the conformance suite, on both databases; and databases that are older than they."""

import math
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.store_samples import NOW, new_study

from tunesmith.manager.storage import DecisionRow, NewDecision, Store, open_store
from tunesmith.services.errors import NotFound

MADE = (
    NewDecision(0, 1, "median", False, "better than half", 0.75, 4),
    NewDecision(1, 2, "median", True, "worse than half\0", math.nan, None),
    NewDecision(0, 1, "median", True, "worse now", -1.5, 8, complete=True),
)


def test_decisions_are_read_by_study_and_by_trial_in_pages(store: Store) -> None:
    uid, other = new_study(store).uid, new_study(store).uid
    store.write(lambda tx: tx.add_decisions(other, MADE, NOW))
    store.write(lambda tx: tx.add_decisions(uid, MADE, NOW + 1))
    store.write(lambda tx: tx.add_decisions(uid, (), NOW + 1))
    found = store.read(lambda tx: tx.decisions(uid))
    first, second, third = (decision.id for decision in found)
    assert first < second < third
    assert found == [
        DecisionRow(first, 0, 1, "median", False, "better than half", 0.75, 4, NOW + 1, False),
        DecisionRow(second, 1, 2, "median", True, "worse than half", None, None, NOW + 1, False),
        DecisionRow(third, 0, 1, "median", True, "worse now", -1.5, 8, NOW + 1, True),
    ]
    assert store.read(lambda tx: tx.decisions(uid, after=first, limit=1)) == [found[1]]
    assert store.read(lambda tx: tx.decisions(uid, 0)) == [found[0], found[2]]
    assert store.read(lambda tx: tx.decisions(uid, 0, after=first)) == [found[2]]
    assert store.read(lambda tx: tx.decisions(uid, stops=True)) == found[1:]
    assert store.read(lambda tx: tx.decisions(uid, 1, stops=True)) == [found[1]]


def test_they_go_with_their_study(store: Store) -> None:
    uid = new_study(store).uid
    store.write(lambda tx: tx.add_decisions(uid, MADE, NOW))
    store.write(lambda tx: tx.delete_study(uid))
    with pytest.raises(NotFound):
        store.read(lambda tx: tx.decisions(uid))
    with pytest.raises(NotFound):
        store.write(lambda tx: tx.add_decisions(uid, MADE, NOW))


def test_an_older_database_gets_the_tables_and_keeps_its_studies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    uid = new_study(store).uid
    store.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in ("decisions", "worker_leases"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    engine.dispose()
    store = open_store(url)
    store.write(lambda tx: tx.add_decisions(uid, MADE, NOW))
    assert len(store.read(lambda tx: tx.decisions(uid))) == len(MADE)
    store.write(lambda tx: tx.take_attempt(uid, "a-0-abcde", 1, "w1", 30.0, NOW))
    store.close()


def test_decisions_of_an_older_database_held_trials_for_hopeless(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url)
    uid = new_study(store).uid
    store.write(lambda tx: tx.add_decisions(uid, MADE[:2], NOW))
    store.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE decisions DROP COLUMN complete")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    engine.dispose()
    store = open_store(url)
    assert [one.complete for one in store.read(lambda tx: tx.decisions(uid))] == [False, False]
    store.close()
