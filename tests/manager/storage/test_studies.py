"""Studies: the conformance suite, on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from tests.job_strategies import jobs
from tests.store_samples import (
    NOW,
    finished_trial,
    make_job,
    make_uid,
    new_study,
    new_trials,
    observe,
    running_trial,
)

from tunesmith.manager.storage import NewTrial, Store, Tx
from tunesmith.manager.storage._tables import metadata
from tunesmith.services.errors import AlreadyExists, FixRequest, NotFound
from tunesmith.study import Limits, StudyJob, StudyState, TransitionError, TrialState


def test_a_new_study_is_created_with_nothing_in_it(store: Store) -> None:
    job, uid = make_job(labels={"team": "vision"}), make_uid()
    row = store.write(lambda tx: tx.insert_study(uid, job, NOW))
    assert (row.uid, row.namespace, row.name, row.generation, row.job) == (uid, "default", job.name, 1, job)
    assert (row.state, row.created, row.started, row.finished) == (StudyState.CREATED, NOW, None, None)
    assert row.counts == dict.fromkeys(TrialState, 0)
    assert (row.total, row.next_number, row.revision, row.digest, row.rank) == (0, 0, 0, 0, 0)
    assert (row.best_number, row.best_value, row.elapsed, row.initial_used) == (None, None, 0.0, 0)
    assert store.read(lambda tx: tx.study(uid)) == row == store.read(lambda tx: tx.find_study("default", job.name))


def test_a_name_is_taken_once_in_a_namespace(store: Store) -> None:
    job = make_job()
    new_study(store, job)

    def work(tx: Tx) -> None:
        with pytest.raises(AlreadyExists, match=f"'{job.name}' exists in namespace 'default'"):
            tx.insert_study(make_uid(), job, NOW)
        tx.insert_study(make_uid(), make_job(job.name, namespace="other"), NOW)  # and the transaction goes on

    store.write(work)
    assert store.read(lambda tx: tx.find_study("other", job.name)).namespace == "other"


def test_what_is_not_there_is_not_found(store: Store) -> None:
    def look(tx: Tx) -> None:
        for find in (
            lambda: tx.study("no"),
            lambda: tx.find_study("default", "no"),
            lambda: tx.trial("no", 0),
            lambda: tx.trial_by_id(5),
            lambda: tx.trial_by_id((1 << 32) + 5),
            lambda: tx.list_trials("no"),
            lambda: tx.live_trials("no"),
            lambda: tx.trials_since("no", 0),
            lambda: tx.events("no"),
            lambda: tx.digest_at("no", 0),
        ):
            with pytest.raises(NotFound):
                find()

    store.read(look)
    store.write(look)
    with pytest.raises(NotFound):
        store.write(lambda tx: tx.delete_study("no"))
    assert store.read(lambda tx: tx.study_summaries("no")) == []


def test_studies_are_listed_in_their_order_page_by_page(store: Store) -> None:
    names = [new_study(store).name for _ in range(7)]
    found, after = [], ""
    while page := store.read(lambda tx, after=after: tx.list_studies(after=after, limit=3)):  # type: ignore[misc]
        found += [row.name for row in page]
        after = str(page[-1].id)
    assert found == names


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "9" * 30, "١"])
def test_a_page_token_is_checked(store: Store, token: str) -> None:
    with pytest.raises(FixRequest, match="page token"):
        store.read(lambda tx: tx.list_studies(after=token))


def test_lists_are_filtered(store: Store) -> None:
    a = new_study(store, make_job(labels={"team": "vision", "stage": "one"}))
    b = new_study(store, make_job(labels={"team": "vision"}, namespace="other"), running=False)
    new_study(store, make_job(labels={"team": "speech"}))

    def names(**filters: object) -> list[str]:
        return [row.name for row in store.read(lambda tx: tx.list_studies(**filters))]  # type: ignore[arg-type]

    assert names(labels={"team": "vision"}) == [a.name, b.name]
    assert names(labels={"team": "vision", "stage": "one"}) == [a.name]
    assert names(labels={"team": "vision"}, namespace="other") == [b.name]
    assert names(states=[StudyState.CREATED, StudyState.FAILED]) == [b.name]
    assert names(labels={"team": "'\"; --"}) == []


def test_moves_keep_times(store: Store) -> None:
    uid = new_study(store, running=False).uid

    def move(state: StudyState, now: float) -> None:
        store.write(lambda tx: tx.move_study(uid, state, f"to{state}", "because", now))

    move(StudyState.RUNNING, NOW + 1)
    row = store.read(lambda tx: tx.study(uid))
    assert (row.started, row.running_since, row.elapsed) == (NOW + 1, NOW + 1, 0.0)
    assert (row.reason, row.message) == ("toRunning", "because")
    move(StudyState.PAUSED, NOW + 11)
    row = store.read(lambda tx: tx.study(uid))
    assert (row.started, row.running_since, row.elapsed) == (NOW + 1, None, 10.0)
    move(StudyState.RUNNING, NOW + 100)
    move(StudyState.ENDING, NOW + 105)
    move(StudyState.SUCCEEDED, NOW + 200)
    row = store.read(lambda tx: tx.study(uid))
    assert (row.started, row.finished, row.elapsed) == (NOW + 1, NOW + 200, 15.0)
    move(StudyState.RUNNING, NOW + 300)
    row = store.read(lambda tx: tx.study(uid))
    assert (row.started, row.finished, row.running_since) == (NOW + 1, None, NOW + 300)
    states = [event.state for event in store.read(lambda tx: tx.events(uid))]
    assert states == ["Created", "Running", "Paused", "Running", "Ending", "Succeeded", "Running"]


def test_time_that_goes_backwards_takes_nothing_away(store: Store) -> None:
    uid = new_study(store).uid
    assert store.write(lambda tx: tx.move_study(uid, StudyState.PAUSED, "", "", NOW - 50)).elapsed == 0.0


def test_a_move_that_does_not_exist_changes_nothing(store: Store) -> None:
    row = new_study(store)
    with pytest.raises(TransitionError):
        store.write(lambda tx: tx.move_study(row.uid, StudyState.SUCCEEDED, "", "", NOW))
    assert store.read(lambda tx: tx.study(row.uid)) == row


def test_live_studies_are_those_not_final(store: Store) -> None:
    a, b, c = (new_study(store).uid for _ in range(3))

    def work(tx: Tx) -> list[str]:
        tx.move_study(b, StudyState.ENDING, "", "", NOW)
        tx.move_study(b, StudyState.STOPPED, "", "", NOW)
        tx.move_study(c, StudyState.ENDING, "", "", NOW)
        return tx.live_studies()

    assert store.write(work) == [a, c] == store.read(lambda tx: tx.live_studies())


def test_an_edit_makes_a_generation_and_an_event(store: Store) -> None:
    uid = new_study(store, make_job(labels={"a": "1"})).uid
    limits = Limits(trials=200, parallel=8)
    row = store.write(lambda tx: tx.edit_study(uid, limits=limits, labels={"b": "2"}, initial=[{"x": 0.25}], now=NOW))
    assert row.generation == 2
    assert row.job.spec.limits == limits
    assert row.job.labels == {"b": "2"}
    assert row.job.spec.initial == ({"x": 0.25},)
    assert store.read(lambda tx: tx.study(uid)) == row
    assert [r.uid for r in store.read(lambda tx: tx.list_studies(labels={"b": "2"}))] == [uid]
    assert store.read(lambda tx: tx.list_studies(labels={"a": "1"})) == []
    event = store.read(lambda tx: tx.events(uid))[-1]
    assert (event.trial_number, event.state, event.reason) == (None, "", "edited")
    assert "spec.limits.trials" in event.message
    assert "metadata.labels" in event.message


def test_an_edit_of_one_thing_leaves_the_others(store: Store) -> None:
    before = new_study(store, make_job(labels={"a": "1"}))
    row = store.write(lambda tx: tx.edit_study(before.uid, limits=Limits(trials=7), now=NOW))
    assert (row.job.labels, row.job.spec.initial) == (before.job.labels, before.job.spec.initial)


def test_an_edit_that_changes_nothing_is_none(store: Store) -> None:
    row = new_study(store, make_job(labels={"a": "1"}))
    spec = row.job.spec
    again = store.write(
        lambda tx: tx.edit_study(row.uid, limits=spec.limits, labels={"a": "1"}, initial=spec.initial, now=NOW)
    )
    assert again == row
    assert len(store.read(lambda tx: tx.events(row.uid))) == 2


def test_an_edit_that_could_not_be_read_again_is_refused(store: Store) -> None:
    row = new_study(store)
    with pytest.raises(FixRequest, match=r"spec\.limits") as error:
        store.write(lambda tx: tx.edit_study(row.uid, limits=Limits(trials=None), now=NOW))
    assert error.value.mistakes
    assert store.read(lambda tx: tx.study(row.uid)) == row


def test_an_edit_that_is_rolled_back_leaves_no_document_behind(store: Store) -> None:
    uid = new_study(store).uid

    def fail(tx: Tx) -> None:
        tx.edit_study(uid, limits=Limits(trials=1), now=NOW)
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        store.write(fail)
    store.write(lambda tx: tx.edit_study(uid, limits=Limits(trials=2), now=NOW))
    for row in (store.read(lambda tx: tx.study(uid)), store.write(lambda tx: tx.study(uid))):
        assert (row.generation, row.job.spec.limits.trials) == (2, 2)


def test_a_deleted_study_leaves_no_row_and_no_other_is_touched(store: Store) -> None:
    other = new_study(store, make_job(labels={"a": "1"})).uid
    finished_trial(store, other, acc=0.5)
    kept = _rows(store)
    job = make_job(labels={"a": "1"})
    uid = new_study(store, job).uid
    finished_trial(store, uid, acc=0.5)
    running = running_trial(store, uid).id
    store.write(lambda tx: tx.add_observations(running, 1, [observe("acc", 1.0, 5)], ("stdout", 9)))
    store.write(lambda tx: tx.acquire_lease(uid, "me", NOW, 10))
    store.write(lambda tx: tx.edit_study(uid, limits=Limits(trials=9), now=NOW))
    store.write(lambda tx: tx.delete_study(uid))
    assert _rows(store) == kept
    with pytest.raises(NotFound):
        store.read(lambda tx: tx.study(uid))
    with pytest.raises(NotFound):
        store.write(lambda tx: tx.trial_by_id(running))
    assert new_study(store, job).uid != uid  # the name is free again


def test_keys_of_a_deleted_study_are_never_used_again(store: Store) -> None:
    row = new_study(store)
    trial = new_trials(store, row.uid)[0]
    store.write(lambda tx: tx.delete_study(row.uid))
    again = new_study(store)
    assert again.id > row.id
    assert new_trials(store, again.uid)[0].id > trial.id


def test_one_transaction_sees_what_it_wrote(store: Store) -> None:
    uid = make_uid()

    def work(tx: Tx) -> None:
        tx.insert_study(uid, make_job(), NOW)
        tx.move_study(uid, StudyState.RUNNING, "", "", NOW)
        tx.add_trials(uid, [NewTrial({"x": 0.5})], NOW)
        row = tx.study(uid)
        assert (row.state, row.total, row.revision) == (StudyState.RUNNING, 1, 1)
        assert tx.find_study("default", row.name) == row
        assert [r.uid for r in tx.list_studies()] == [uid]
        assert tx.list_studies()[0] == row
        assert len(tx.events(uid)) == 3
        assert tx.digest_at(uid, 1) == row.digest

    store.write(work)


def test_reading_does_not_write(store: Store) -> None:
    row = new_study(store)
    trial = new_trials(store, row.uid)[0].id

    def write(tx: Tx) -> None:
        for change in (
            lambda: tx.insert_study(make_uid(), make_job(), NOW),
            lambda: tx.add_trials(row.uid, [NewTrial({})], NOW),
            lambda: tx.move_study(row.uid, StudyState.PAUSED, "", "", NOW),
            lambda: tx.edit_study(row.uid, labels={}, now=NOW),
            lambda: tx.delete_study(row.uid),
            lambda: tx.open_attempt(trial, "/", NOW),
            lambda: tx.request_stop(trial, "kill", "", NOW),
            lambda: tx.add_observations(trial, 1, []),
            lambda: tx.add_event(row.uid, None, "", "", "", NOW),
            lambda: tx.remember("a", "m", b"", NOW),
            lambda: tx.acquire_lease(row.uid, "me", NOW, 1),
            lambda: tx.renew_lease(row.uid, "me", 1, NOW, 1),
            lambda: tx.release_lease(row.uid, "me", 1),
            lambda: tx.add_token("t", b"h", "admin", NOW),
            lambda: tx.delete_token("t"),
        ):
            with pytest.raises(RuntimeError, match="must only read"):
                change()

    store.read(write)


@given(jobs())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_document_comes_back(store: Store, job: StudyJob) -> None:
    uid = make_uid()
    store.write(lambda tx: tx.insert_study(uid, job, NOW))
    try:
        store._jobs.__init__()  # type: ignore[misc]  # so that it is read from the database
        assert store.read(lambda tx: tx.study(uid)).job == job
    finally:
        store.write(lambda tx: tx.delete_study(uid))


def _rows(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store._readers.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in metadata.tables
        }


def test_edits_are_told_the_latest_first(store: Store) -> None:
    uid = new_study(store).uid
    assert store.read(lambda tx: tx.edits(uid)) == []
    store.write(lambda tx: tx.edit_study(uid, labels={"a": "d"}, now=NOW + 1))
    store.write(lambda tx: tx.add_event(uid, None, "", "noted", "", NOW))
    store.write(lambda tx: tx.edit_study(uid, limits=Limits(trials=7, parallel=2), now=NOW + 2))
    store.write(lambda tx: tx.edit_study(uid, limits=Limits(trials=7, parallel=2), now=NOW + 3))  # changes nothing
    last, first = store.read(lambda tx: tx.edits(uid))
    assert (last.generation, last.time) == (3, NOW + 2)
    assert last.changes == (("spec.limits.trials", "100", "7"), ("spec.limits.parallel", "4", "2"))
    assert (first.generation, first.time) == (2, NOW + 1)
    assert first.changes == (("metadata.labels", "{}", "{'a': 'd'}"),)
    assert store.read(lambda tx: tx.edits(uid, limit=1)) == [last]
    assert store.read(lambda tx: tx.edits(uid, before=3)) == [first]
    assert store.read(lambda tx: tx.edits(uid, before=2)) == []
