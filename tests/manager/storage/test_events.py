"""Events, requests and tokens: the conformance suite, on both databases."""

import pytest
from tests.store_samples import NOW, launch, new_study, new_trials

from tunesmith.manager.storage import EventRow, Store, TokenRow, Tx
from tunesmith.services.errors import AlreadyExists, NotFound


def test_events_are_read_by_study_and_by_trial_in_pages(store: Store) -> None:
    uid, other = new_study(store).uid, new_study(store).uid
    new_trials(store, other)
    trials = new_trials(store, uid, 2)
    store.write(lambda tx: launch(tx, trials[1].id))
    store.write(lambda tx: tx.add_event(uid, 1, "", "logsLost", "a disk went", NOW + 5))
    found: list[EventRow] = []
    while page := store.read(lambda tx: tx.events(uid, after=found[-1].id if found else 0, limit=2)):  # noqa: B023
        found += page
    assert [(e.trial_number, e.state, e.reason) for e in found] == [
        (None, "Created", "created"),
        (None, "Running", ""),
        (0, "Pending", "created"),
        (1, "Pending", "created"),
        (1, "Running", "launched"),
        (1, "", "logsLost"),
    ]
    assert [e.id for e in found] == sorted({e.id for e in found})
    assert found[-1] == EventRow(found[-1].id, 1, "", "logsLost", "a disk went", NOW + 5)
    assert store.read(lambda tx: tx.events(uid, 1)) == found[3:]
    assert store.read(lambda tx: tx.events(uid, 7)) == []
    assert store.read(lambda tx: tx.events(uid, reason="created")) == [found[0], *found[2:4]]
    assert store.read(lambda tx: tx.events(uid, 1, reason="logsLost")) == found[-1:]
    assert store.read(lambda tx: tx.events(uid, after=found[0].id, limit=1, reason="created")) == found[2:3]


def test_an_event_of_a_study_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        store.write(lambda tx: tx.add_event("no", None, "", "a", "b", NOW))


def test_ids_of_events_rise_also_over_deletions(store: Store) -> None:
    uid = new_study(store).uid
    last = store.read(lambda tx: tx.events(uid))[-1].id
    store.write(lambda tx: tx.delete_study(uid))
    again = new_study(store).uid
    assert store.read(lambda tx: tx.events(again))[0].id > last


def test_a_reply_is_remembered_for_a_day(store: Store) -> None:
    def work(tx: Tx) -> None:
        assert tx.recall("r1") is None
        tx.remember("r1", "CreateStudy", b"\0reply\xff", NOW)
        tx.remember("r2", "CreateStudy", b"", NOW)
        assert tx.recall("r1") == b"\0reply\xff"

    store.write(work)
    assert store.read(lambda tx: (tx.recall("r1"), tx.recall("r2"))) == (b"\0reply\xff", b"")
    store.write(lambda tx: tx.remember("r3", "m", b"3", NOW + 24 * 3600))
    assert store.read(lambda tx: tx.recall("r1")) is not None
    store.write(lambda tx: tx.remember("r4", "m", b"4", NOW + 24 * 3600 + 1))
    assert store.read(lambda tx: [tx.recall(f"r{i}") for i in range(1, 5)]) == [None, None, b"3", b"4"]


def test_tokens_are_found_by_their_hash(store: Store) -> None:
    store.write(lambda tx: tx.add_token("second", b"\1" * 32, "viewer", NOW))
    store.write(lambda tx: tx.add_token("first", b"\2" * 32, "admin", NOW + 1))
    first, second = TokenRow("first", b"\2" * 32, "admin", NOW + 1), TokenRow("second", b"\1" * 32, "viewer", NOW)
    assert store.read(lambda tx: tx.list_tokens()) == [first, second]
    assert store.read(lambda tx: tx.token_by_hash(b"\1" * 32)) == second
    assert store.read(lambda tx: tx.token_by_hash(b"\3" * 32)) is None

    def work(tx: Tx) -> None:
        with pytest.raises(AlreadyExists):
            tx.add_token("first", b"\4" * 32, "admin", NOW)
        with pytest.raises(AlreadyExists):
            tx.add_token("third", b"\1" * 32, "admin", NOW)
        tx.delete_token("second")
        with pytest.raises(NotFound):
            tx.delete_token("second")

    store.write(work)
    assert store.read(lambda tx: tx.list_tokens()) == [first]
