"""Attempts in the hands of workers: the conformance suite, on both databases."""

import pytest
from tests.store_samples import NOW, new_study, new_trials

from tunesmith.manager.storage import Store, Tx, WorkerLease
from tunesmith.services.errors import NotFound, NotNow
from tunesmith.study import FailureClass


def test_an_attempt_is_taken_and_completed_once(store: Store) -> None:
    uid = new_study(store).uid
    lease = WorkerLease("a-0-abcde", 1, "w1", 30.0, NOW)
    assert store.read(lambda tx: tx.worker_lease("a-0-abcde", 1)) is None
    assert store.write(lambda tx: tx.take_attempt(uid, "a-0-abcde", 1, "w1", 30.0, NOW)) == lease
    assert store.read(lambda tx: tx.worker_lease("a-0-abcde", 1)) == lease
    with pytest.raises(NotNow, match="attempt 1 of a-0-abcde was by 'w1'"):
        store.write(lambda tx: tx.take_attempt(uid, "a-0-abcde", 1, "w2", 30.0, NOW))
    store.write(lambda tx: tx.take_attempt(uid, "a-0-abcde", 2, "w2", 60.0, NOW + 1))

    def complete(tx: Tx) -> bool:
        return tx.complete_attempt("a-0-abcde", 1, NOW + 5, failure_class=FailureClass.PREEMPTED, message="gone\0")

    assert store.write(complete)
    assert not store.write(complete)  # it was
    done = store.read(lambda tx: tx.worker_lease("a-0-abcde", 1))
    assert done == WorkerLease("a-0-abcde", 1, "w1", 30.0, NOW, NOW + 5, None, FailureClass.PREEMPTED, "gone")
    assert store.write(lambda tx: tx.complete_attempt("a-0-abcde", 2, NOW, exit_status=0))
    second = store.read(lambda tx: tx.worker_lease("a-0-abcde", 2))
    assert second is not None
    assert (second.worker, second.exit_status, second.failure_class) == ("w2", 0, None)


def test_what_nobody_took(store: Store) -> None:
    assert not store.write(lambda tx: tx.complete_attempt("a-0-abcde", 1, NOW, exit_status=0))
    with pytest.raises(NotFound):
        store.write(lambda tx: tx.take_attempt("no", "a-0-abcde", 1, "w1", 30.0, NOW))
    with pytest.raises(RuntimeError, match="must only read"):
        store.read(lambda tx: tx.take_attempt("no", "a-0-abcde", 1, "w1", 30.0, NOW))


def test_they_go_with_their_study(store: Store) -> None:
    uid, other = new_study(store).uid, new_study(store).uid
    store.write(lambda tx: tx.take_attempt(uid, "a-0-abcde", 1, "w1", 30.0, NOW))
    store.write(lambda tx: tx.take_attempt(other, "b-0-abcde", 1, "w1", 30.0, NOW))
    store.write(lambda tx: tx.delete_study(uid))
    assert store.read(lambda tx: tx.worker_lease("a-0-abcde", 1)) is None
    assert store.read(lambda tx: tx.worker_lease("b-0-abcde", 1)) is not None


def test_the_time_of_an_attempt_begins_when_it_is_launched(store: Store) -> None:
    """A worker may take it long after it was opened."""
    uid = new_study(store).uid
    (trial,) = new_trials(store, uid)
    store.write(lambda tx: tx.open_attempt(trial.id, "/a", NOW))
    assert store.read(lambda tx: tx.trial(uid, 0)).attempt_started == NOW
    store.write(lambda tx: tx.launched(trial.id, NOW + 60))
    store.write(lambda tx: tx.launched(trial.id, NOW + 90))  # it was
    assert store.read(lambda tx: tx.trial(uid, 0)).attempt_started == NOW + 60
