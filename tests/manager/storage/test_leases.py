"""Leases and fences: who owns a study, and what becomes of those who did."""

import pytest
from tests.store_samples import NOW, new_study

from tunesmith.manager.storage import Fence, Fenced, Store, Tx, open_store
from tunesmith.services.errors import NotFound, StartOver
from tunesmith.study import StudyState


def take(store: Store, uid: str, owner: str, now: float, ttl: float = 10) -> int | None:
    return store.write(lambda tx: tx.acquire_lease(uid, owner, now, ttl))


def renew(store: Store, uid: str, owner: str, epoch: int, now: float, ttl: float = 10) -> bool:
    return store.write(lambda tx: tx.renew_lease(uid, owner, epoch, now, ttl))


def test_a_lease_is_one_owners_until_it_runs_out(store: Store) -> None:
    uid = new_study(store).uid
    assert take(store, uid, "a", NOW) == 1
    assert take(store, uid, "b", NOW + 9.9) is None
    assert renew(store, uid, "a", 1, NOW + 9)
    assert take(store, uid, "b", NOW + 11) is None
    assert take(store, uid, "b", NOW + 19) == 2
    assert not renew(store, uid, "a", 1, NOW + 19)
    assert take(store, uid, "a", NOW + 20) is None


def test_each_success_raises_the_epoch_also_the_same_owners(store: Store) -> None:
    uid = new_study(store).uid
    assert take(store, uid, "a", NOW) == 1
    assert take(store, uid, "a", NOW) == 2
    assert not renew(store, uid, "a", 1, NOW)
    assert renew(store, uid, "a", 2, NOW)


def test_a_lease_that_is_given_back_is_free_at_once(store: Store) -> None:
    uid = new_study(store).uid
    take(store, uid, "a", NOW)
    assert not store.write(lambda tx: tx.release_lease(uid, "b", 1))
    assert not store.write(lambda tx: tx.release_lease(uid, "a", 2))
    assert store.write(lambda tx: tx.release_lease(uid, "a", 1))
    assert not store.write(lambda tx: tx.release_lease(uid, "a", 1))
    assert not renew(store, uid, "a", 1, NOW)
    assert take(store, uid, "b", NOW + 1) == 2


def test_leases_of_studies_are_their_own(store: Store) -> None:
    a, b = new_study(store).uid, new_study(store).uid
    assert take(store, a, "a", NOW) == 1
    assert take(store, b, "b", NOW) == 1
    with pytest.raises(NotFound):
        take(store, "no", "a", NOW)
    assert not renew(store, "no", "a", 1, NOW)


def test_who_lost_the_lease_writes_nothing(store_url: str) -> None:
    mine, theirs = open_store(store_url), open_store(store_url)
    row = new_study(mine)
    epoch = take(mine, row.uid, "a", NOW)
    assert epoch is not None
    fence = Fence(row.uid, epoch)
    assert mine.write(lambda tx: tx.move_study(row.uid, StudyState.PAUSED, "", "", NOW), fence).state == "Paused"
    assert take(theirs, row.uid, "b", NOW + 60) == epoch + 1
    ran = []
    with pytest.raises(Fenced, match=r"held=1, stored=2") as error:
        mine.write(lambda tx: ran.append(tx.move_study(row.uid, StudyState.RUNNING, "", "", NOW)), fence)
    assert isinstance(error.value, StartOver)
    assert (error.value.fence, error.value.found, ran) == (fence, 2, [])
    assert theirs.read(lambda tx: tx.study(row.uid)).state is StudyState.PAUSED
    mine.close()
    theirs.close()


def test_a_study_that_is_gone_fences_too(store: Store) -> None:
    row = new_study(store)
    epoch = take(store, row.uid, "a", NOW) or 0
    store.write(lambda tx: tx.delete_study(row.uid))
    with pytest.raises(Fenced, match="stored=None"):
        store.write(lambda tx: tx.add_event(row.uid, None, "", "", "", NOW), Fence(row.uid, epoch))


def test_a_fence_that_holds_is_seen_within_the_transaction(store: Store) -> None:
    uid = new_study(store).uid
    epoch = take(store, uid, "a", NOW) or 0

    def work(tx: Tx) -> None:
        assert tx.renew_lease(uid, "a", epoch, NOW, 10)
        tx.check_fence(Fence(uid, epoch))

    store.write(work, Fence(uid, epoch))
