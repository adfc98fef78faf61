"""Trials and attempts: the conformance suite, on both databases."""

from typing import Any

import pytest
from tests.store_samples import (
    ASSIGNMENT,
    NOW,
    end,
    finished_trial,
    launch,
    make_job,
    new_study,
    new_trials,
    observe,
    running_trial,
)

from tunesmith.manager.storage import AttemptRow, Explanation, NewTrial, Store, TrialRow, Tx
from tunesmith.manager.storage._keys import next_digest, signed, unsigned
from tunesmith.manager.storage._text import to_json
from tunesmith.services.errors import NotFound
from tunesmith.study import (
    AttemptEnding,
    FailureClass,
    ObjectiveType,
    ParameterValue,
    Strategy,
    TransitionError,
    TrialState,
)
from tunesmith.study.naming import trial_name

FINAL = [state for state in TrialState if state.final]


def read(store: Store, trial: TrialRow) -> TrialRow:
    return store.read(lambda tx: tx.trial_by_id(trial.id))


def test_trials_are_added_with_all_they_have(store: Store) -> None:
    study = new_study(store)
    explanation = Explanation("sobol", "point 3 of the sequence", 0.25)
    new = NewTrial({"x": 0.1, "n": 3, "kind": True}, {"rung": "1"}, 0, "g1", explanation, from_initial=True)
    first, second = store.write(lambda tx: tx.add_trials(study.uid, [NewTrial(ASSIGNMENT), new], NOW + 1))
    assert (first.number, second.number) == (0, 1)
    assert second.name == trial_name(study.name, study.uid, 1)
    assert (second.state, second.reason, second.message) == (TrialState.PENDING, "", "")
    assert second.assignment == new.assignment
    assert [type(value) for value in second.assignment.values()] == [float, int, bool]
    assert (second.labels, second.parent, second.group, second.explanation) == ({"rung": "1"}, 0, "g1", explanation)
    assert (second.attempt, second.attempt_open, second.failures, second.completion_rank) == (0, False, 0, 0)
    assert (second.created, second.started, second.finished, second.value) == (NOW + 1, None, None, None)
    row = store.read(lambda tx: tx.study(study.uid))
    assert (row.total, row.counts[TrialState.PENDING], row.next_number, row.initial_used) == (2, 2, 2, 1)
    assert (row.revision, row.digest) == (second.revision, second.digest)
    for trial in (first, second):
        for found in (str(trial.number), trial.name):
            assert store.read(lambda tx, found=found: tx.find_trial(study.uid, found)) == trial  # type: ignore[misc]
        assert store.read(lambda tx: tx.trial(study.uid, trial.number)) == trial  # noqa: B023
        assert read(store, trial) == trial


def test_values_of_assignments_keep_every_bit_and_their_kind(store: Store) -> None:
    values: dict[str, ParameterValue] = {
        "a": 0.1 + 0.2,
        "b": 5e-324,
        "c": 1.0,
        "d": 1,
        "e": 2**53 + 1,
        "f": "ä\0\ud800\n",
        "g": False,
        "h": -1e308,
    }
    uid = new_study(store).uid
    store.write(lambda tx: tx.add_trials(uid, [NewTrial(values)], NOW))
    found = store.read(lambda tx: tx.trial(uid, 0)).assignment
    assert found == values
    assert [type(found[name]) for name in values] == [type(value) for value in values.values()]


@pytest.mark.parametrize(
    "name", ["", "x", "0x", "00", "-1", "1", "4294967296", "9" * 40, "٠", "study-0-abcde", "a-0-b"]
)
def test_a_trial_of_another_name_is_not_found(store: Store, name: str) -> None:
    uid = new_study(store).uid
    new_trials(store, uid)
    with pytest.raises(NotFound):
        store.read(lambda tx: tx.find_trial(uid, name))


def test_trials_are_listed_by_number_page_by_page(store: Store) -> None:
    uid, other = new_study(store).uid, new_study(store).uid
    for _ in range(3):
        new_trials(store, uid, 4)
        new_trials(store, other, 4)
    found: list[TrialRow] = []
    while page := store.read(
        lambda tx: tx.list_trials(uid, after=found[-1].number if found else -1, limit=5)  # noqa: B023
    ):
        found += page
    assert [trial.number for trial in found] == list(range(12))
    assert {trial.uid for trial in found} == {uid}
    assert store.read(lambda tx: tx.list_trials(uid, after=10**12)) == []


def test_trials_are_filtered_by_state(store: Store) -> None:
    uid = new_study(store).uid
    pending, _, running = new_trials(store, uid, 3)
    store.write(lambda tx: launch(tx, running.id))
    finished = finished_trial(store, uid, acc=1.0)

    def numbers(*states: TrialState) -> list[int]:
        return [trial.number for trial in store.read(lambda tx: tx.list_trials(uid, states))]

    assert numbers(TrialState.RUNNING) == [running.number]
    assert numbers(TrialState.PENDING, TrialState.SUCCEEDED) == [pending.number, 1, finished.number]
    assert numbers(TrialState.KILLED) == []
    live = store.read(lambda tx: tx.live_trials(uid))
    assert [(trial.number, trial.state.value) for trial in live] == [(0, "Pending"), (1, "Pending"), (2, "Running")]


def test_a_trial_goes_its_way(store: Store) -> None:
    uid = new_study(store).uid
    trial = new_trials(store, uid)[0]
    attempt = store.write(lambda tx: tx.open_attempt(trial.id, "/folder/1", NOW + 1))
    assert attempt == AttemptRow(1, None, None, None, "", "/folder/1", NOW + 1, None)
    opened = read(store, trial)
    assert (opened.state, opened.attempt, opened.attempt_open) == (TrialState.PENDING, 1, True)
    assert (opened.attempt_started, opened.revision) == (NOW + 1, trial.revision)

    running = store.write(lambda tx: tx.launched(trial.id, NOW + 2))
    assert (running.state, running.started, running.revision) == (TrialState.RUNNING, NOW + 2, trial.revision + 1)
    assert store.write(lambda tx: tx.launched(trial.id, NOW + 3)) == running  # once is enough

    assert store.write(lambda tx: tx.close_attempt(trial.id, AttemptEnding.EXITED, NOW + 4, exit_status=0))
    assert not store.write(lambda tx: tx.close_attempt(trial.id, AttemptEnding.FAILED, NOW + 5))
    ended = store.write(lambda tx: tx.move_trial(trial.id, TrialState.KILLED, "why", "because", NOW + 6))
    assert (ended.state, ended.reason, ended.message, ended.finished) == (TrialState.KILLED, "why", "because", NOW + 6)
    assert (ended.completion_rank, ended.attempt_open, ended.failures) == (1, False, 0)
    assert read(store, trial) == ended
    assert store.read(lambda tx: tx.attempts(trial.id)) == [
        AttemptRow(1, AttemptEnding.EXITED, None, 0, "", "/folder/1", NOW + 1, NOW + 4)
    ]
    assert [(e.trial_number, e.state, e.reason, e.time) for e in store.read(lambda tx: tx.events(uid, 0))] == [
        (0, "Pending", "created", NOW),
        (0, "Running", "launched", NOW + 2),
        (0, "Killed", "why", NOW + 6),
    ]


def test_a_failed_attempt_is_told_and_counted(store: Store) -> None:
    trial = running_trial(store, new_study(store).uid)

    def fail(tx: Tx) -> TrialRow:
        tx.close_attempt(trial.id, AttemptEnding.FAILED, NOW, FailureClass.OUT_OF_MEMORY, 137, "killed")
        return tx.move_trial(trial.id, TrialState.PENDING, "retry", "again", NOW, not_before=NOW + 60)

    waiting = store.write(fail)
    assert (waiting.state, waiting.failures, waiting.not_before) == (TrialState.PENDING, 1, NOW + 60)
    assert waiting.started == trial.started
    again = store.write(lambda tx: launch(tx, trial.id))
    assert (again.attempt, again.attempt_open, again.not_before, again.failures) == (2, True, None, 1)
    first, second = store.read(lambda tx: tx.attempts(trial.id))
    assert (first.ending, first.failure_class, first.exit_status, first.message) == (
        AttemptEnding.FAILED,
        FailureClass.OUT_OF_MEMORY,
        137,
        "killed",
    )
    assert (second.number, second.ending) == (2, None)
    assert store.read(lambda tx: tx.attempts_of([trial.id, 77])) == {trial.id: [first, second], 77: []}


def test_an_interrupted_attempt_spends_no_retry(store: Store) -> None:
    trial = running_trial(store, new_study(store).uid)
    store.write(lambda tx: tx.request_stop(trial.id, "interrupt", "paused", NOW))

    def interrupt(tx: Tx) -> TrialRow:
        tx.close_attempt(trial.id, AttemptEnding.INTERRUPTED, NOW)
        return tx.move_trial(trial.id, TrialState.PENDING, "interrupted", "", NOW)

    row = store.write(interrupt)
    assert (row.failures, row.stop_kind, row.stop_reason, row.stop_time) == (0, None, None, None)


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE])
def test_a_users_retry_moves_everything_back(store: Store, state: TrialState) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid)
    store.write(lambda tx: tx.add_observations(trial.id, 1, [observe("acc", 0.5, 1)]))
    store.write(lambda tx: tx.request_stop(trial.id, "kill", "asked", NOW))
    ended = store.write(lambda tx: end(tx, trial.id, state))
    assert (ended.value, ended.completion_rank, ended.stop_kind) == (0.5, 1, "kill")
    row = store.write(lambda tx: tx.move_trial(trial.id, TrialState.PENDING, "retried", "", NOW))
    assert (row.value, row.completion_rank, row.finished, row.failures, row.stop_kind) == (None, 0, None, 0, None)
    study = store.read(lambda tx: tx.study(uid))
    assert (study.counts[state], study.counts[TrialState.PENDING], study.total, study.rank) == (0, 1, 1, 1)
    store.write(lambda tx: launch(tx, trial.id))
    assert store.read(lambda tx: tx.summaries([trial.id])) == {trial.id: []}  # of the last attempt
    again = store.write(lambda tx: end(tx, trial.id, TrialState.KILLED))
    assert (again.completion_rank, again.value) == (2, None)


@pytest.mark.parametrize("state", [TrialState.SUCCEEDED, TrialState.EARLY_STOPPED])
def test_what_has_succeeded_stays(store: Store, state: TrialState) -> None:
    trial = running_trial(store, new_study(store).uid)
    store.write(lambda tx: end(tx, trial.id, state))
    for target in TrialState:
        with pytest.raises(TransitionError):
            store.write(lambda tx, target=target: tx.move_trial(trial.id, target, "", "", NOW))  # type: ignore[misc]


def test_moves_that_do_not_exist_change_nothing(store: Store) -> None:
    uid = new_study(store).uid
    pending, running = new_trials(store, uid)[0], running_trial(store, uid)
    before = store.read(lambda tx: (tx.study(uid), tx.list_trials(uid), tx.events(uid)))

    def tries(tx: Tx) -> None:
        for wrong in (
            lambda: tx.launched(pending.id, NOW),  # no attempt
            lambda: tx.move_trial(pending.id, TrialState.SUCCEEDED, "", "", NOW),
            lambda: tx.open_attempt(running.id, "/", NOW),  # one is open
            lambda: tx.move_trial(running.id, TrialState.SUCCEEDED, "", "", NOW),  # its attempt is open
            lambda: tx.move_trial(running.id, TrialState.RUNNING, "", "", NOW),
        ):
            with pytest.raises(TransitionError):
                wrong()

    store.write(tries)
    assert store.read(lambda tx: (tx.study(uid), tx.list_trials(uid), tx.events(uid))) == before


def test_changing_a_trial_that_is_not_there_is_not_found(store: Store) -> None:
    study = new_study(store)
    for trial in (5, (study.id << 32) + 5):
        calls: list[Any] = [
            lambda tx, t=trial: tx.open_attempt(t, "/", NOW),
            lambda tx, t=trial: tx.launched(t, NOW),
            lambda tx, t=trial: tx.close_attempt(t, AttemptEnding.EXITED, NOW),
            lambda tx, t=trial: tx.move_trial(t, TrialState.KILLED, "", "", NOW),
            lambda tx, t=trial: tx.request_stop(t, "kill", "", NOW),
            lambda tx, t=trial: tx.add_observations(t, 1, []),
        ]
        for call in calls:
            with pytest.raises(NotFound):
                store.write(call)


def test_the_first_intent_to_stop_wins_but_kill_overrides_interrupt(store: Store) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid)

    def ask(kind: str, now: float) -> tuple[str | None, str | None, float | None]:
        row = store.write(lambda tx: tx.request_stop(trial.id, kind, f"reason {kind}", now))
        assert row == read(store, trial)
        return row.stop_kind, row.stop_reason, row.stop_time

    assert ask("interrupt", NOW + 1) == ("interrupt", "reason interrupt", NOW + 1)
    assert ask("timeout", NOW + 2) == ("interrupt", "reason interrupt", NOW + 1)
    assert ask("kill", NOW + 3) == ("kill", "reason kill", NOW + 3)
    assert ask("interrupt", NOW + 4) == ("kill", "reason kill", NOW + 3)
    assert read(store, trial).revision == trial.revision
    late = running_trial(store, uid).id
    store.write(lambda tx: tx.request_stop(late, "timeout", "", NOW))
    assert store.write(lambda tx: tx.request_stop(late, "kill", "", NOW)).stop_kind == "timeout"
    ended = store.write(lambda tx: end(tx, trial.id, TrialState.KILLED))
    other = store.write(lambda tx: end(tx, running_trial_in(tx, uid), TrialState.KILLED))
    assert store.write(lambda tx: tx.request_stop(other.id, "kill", "", NOW)) == other  # it has ended
    assert ended.stop_kind == "kill"


def running_trial_in(tx: Tx, uid: str) -> int:
    trial = tx.add_trials(uid, [NewTrial(ASSIGNMENT)], NOW)[0].id
    launch(tx, trial)
    return trial


def test_completion_ranks_are_the_order_of_endings(store: Store) -> None:
    uid = new_study(store).uid
    trials = [running_trial(store, uid) for _ in range(5)]
    for rank, (trial, state) in enumerate(zip(reversed(trials), FINAL, strict=True), 1):
        row = store.write(lambda tx, t=trial, s=state: end(tx, t.id, s))  # type: ignore[misc]
        assert row.completion_rank == rank
    study = store.read(lambda tx: tx.study(uid))
    assert study.rank == 5
    assert {state: study.counts[state] for state in FINAL} == dict.fromkeys(FINAL, 1)


@pytest.mark.parametrize(
    ("type", "strategy", "value", "best"),
    [
        (ObjectiveType.MAXIMIZE, Strategy.MAX, 0.9, 0),
        (ObjectiveType.MINIMIZE, Strategy.MIN, 0.1, 0),
        (ObjectiveType.MAXIMIZE, Strategy.LATEST, 0.3, 1),
        (ObjectiveType.MINIMIZE, Strategy.AVERAGE, 0.45, 0),
    ],
)
def test_the_value_is_the_objective_by_its_strategy(
    store: Store, type: ObjectiveType, strategy: Strategy, value: float, best: int
) -> None:
    uid = new_study(store, make_job(type=type, strategy=strategy)).uid
    values = {0: [0.1, 0.9, 0.2], 1: [0.1, 0.9, 0.5, 0.3]}
    for number, some in values.items():
        trial = running_trial(store, uid)
        rows = [observe("acc", v, i) for i, v in enumerate(some)]
        store.write(lambda tx, t=trial, r=rows: tx.add_observations(t.id, 1, r))  # type: ignore[misc]
        row = store.write(lambda tx, t=trial: end(tx, t.id))  # type: ignore[misc]
        assert number == row.number
    assert row.value == pytest.approx(value)
    study = store.read(lambda tx: tx.study(uid))
    assert study.best_number == best
    assert study.best_value == store.read(lambda tx: tx.trial(uid, best)).value


def test_only_successes_are_best_and_the_first_of_equals(store: Store) -> None:
    uid = new_study(store).uid
    for state, value in (
        (TrialState.EARLY_STOPPED, 9.0),
        (TrialState.SUCCEEDED, 1.0),
        (TrialState.SUCCEEDED, 1.0),
        (TrialState.FAILED, 7.0),
        (TrialState.SUCCEEDED, 0.5),
    ):
        trial = running_trial(store, uid).id
        store.write(lambda tx, t=trial, v=value: tx.add_observations(t, 1, [observe("acc", v, 1)]))  # type: ignore[misc]
        row = store.write(lambda tx, t=trial, s=state: end(tx, t, s))  # type: ignore[misc]
        assert row.value == value
    study = store.read(lambda tx: tx.study(uid))
    assert (study.best_number, study.best_value) == (1, 1.0)


def test_a_success_without_a_finite_value_is_no_best(store: Store) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid).id
    store.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", float("inf"), 1)]))
    assert store.write(lambda tx: end(tx, trial)).value is None
    assert store.read(lambda tx: tx.study(uid)).best_number is None


def test_revisions_and_digests_tell_every_state_of_a_history(store: Store) -> None:
    uid = new_study(store).uid
    seen = {0: 0}

    def note() -> None:
        row = store.read(lambda tx: tx.study(uid))
        assert 0 <= row.digest < 1 << 64
        seen[row.revision] = row.digest

    for _ in range(3):
        trial = new_trials(store, uid)[0]
        note()
        store.write(lambda tx, t=trial: launch(tx, t.id))  # type: ignore[misc]
        note()
        store.write(lambda tx, t=trial: end(tx, t.id))  # type: ignore[misc]
        note()
    assert sorted(seen) == list(range(10))
    assert len(set(seen.values())) == 10
    for revision, digest in seen.items():
        assert store.read(lambda tx, r=revision: tx.digest_at(uid, r)) == digest  # type: ignore[misc]
    assert store.read(lambda tx: tx.digest_at(uid, 10)) is None
    assert store.read(lambda tx: tx.digest_at(uid, -1)) is None


def test_digests_are_a_function_of_what_happened(store: Store) -> None:
    a, b = (finished_trial(store, new_study(store).uid, acc=0.5) for _ in range(2))
    c = finished_trial(store, new_study(store).uid, acc=0.25)
    assert a.revision == b.revision == c.revision
    assert a.digest == b.digest != c.digest
    json = to_json(ASSIGNMENT)
    digest = next_digest(0, 0, "Pending", None, json)
    digest = next_digest(digest, 0, "Running", None, json)
    assert next_digest(digest, 0, "Succeeded", 0.5, json) == a.digest


def test_the_digest_does_not_change_between_versions() -> None:
    digest = next_digest(0, 0, "Pending", None, '{"x":0.5}')
    assert digest == 7716768138593502616
    assert next_digest(digest, 3, "Succeeded", -0.25, '{"x":0.5}') == 7589952282344857254
    for number in (0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        assert unsigned(signed(number)) == number
        assert -(1 << 63) <= signed(number) < 1 << 63


def test_changes_since_a_revision_come_in_their_order(store: Store) -> None:
    uid, other = new_study(store).uid, new_study(store).uid
    new_trials(store, uid, 3)
    new_trials(store, other, 2)
    trial = store.read(lambda tx: tx.trial(uid, 1))
    store.write(lambda tx: launch(tx, trial.id))

    def since(revision: int, limit: int = 1000) -> list[tuple[int, int]]:
        return [(row.number, row.revision) for row in store.read(lambda tx: tx.trials_since(uid, revision, limit))]

    assert since(0) == [(0, 1), (2, 3), (1, 4)]
    assert since(3) == [(1, 4)]
    assert since(4) == []
    assert since(0, limit=2) == [(0, 1), (2, 3)]


def test_texts_are_cut_and_cleaned(store: Store) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid)
    text = "ü" * 5000 + "\0\ud800"
    store.write(lambda tx: tx.close_attempt(trial.id, AttemptEnding.FAILED, NOW, FailureClass.LOST, None, text))
    row = store.write(lambda tx: tx.move_trial(trial.id, TrialState.FAILED, "a\0b\udfff", text, NOW))
    event = store.read(lambda tx: tx.events(uid))[-1]
    attempt = store.read(lambda tx: tx.attempts(trial.id))[0]
    for message in (row.message, event.message, attempt.message):
        assert len(message.encode()) <= 4096
        assert message == "ü" * ((4096 - 3) // 2) + "…"
    assert row == read(store, trial)
    assert row.reason == event.reason == "ab?"
