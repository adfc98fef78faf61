"""What an early-stopping service is told, and what becomes of its answers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.early_stopping import Stopper, stopping
from tests.running import job

from tunesmith.manager import _context, _decider, _told
from tunesmith.manager._context import Database
from tunesmith.manager._decider import Decider
from tunesmith.manager._told import PAGE
from tunesmith.manager.storage import NewDecision, NewTrial, ObservationRow, Tx, open_store
from tunesmith.services.errors import FixRequest, TryAgain
from tunesmith.study import AttemptEnding, StudyJob, StudyState, TrialState, read_study_job, wire

UID = "a" * 32


def document(early: dict[str, Any] | None = None, *, stops: bool = True, **more: Any) -> StudyJob:
    rule = {"earlyStopping": {"name": "scripted", **(early or {})}} if stops else {}
    spec: dict[str, Any] = {"metrics": [{"name": "noise"}], **rule, **more}
    return read_study_job(json.dumps(job("stopped", **spec)), base=Path("/"))


class Trials:
    """A study in a database, with trials that run."""

    def __init__(self, database: Database, count: int, **spec: Any) -> None:
        self.database = database
        database.store.write(lambda tx: self._begin(tx, count, document(**spec)))
        self.sequence = 0

    def _begin(self, tx: Tx, count: int, job: StudyJob) -> None:
        tx.insert_study(UID, job, 1.0)
        tx.move_study(UID, StudyState.RUNNING, "", "", 1.0)
        for trial in tx.add_trials(UID, [NewTrial({"x": number}) for number in range(count)], 1.0):
            self._open(tx, trial.number)

    def _open(self, tx: Tx, number: int) -> None:
        trial = tx.trial(UID, number)
        tx.open_attempt(trial.id, "/nowhere", 1.0)
        tx.launched(trial.id, 1.0)

    def report(self, number: int, *values: float, first: int = 0, metric: str = "loss") -> None:
        def work(tx: Tx) -> None:
            trial = tx.trial(UID, number)
            rows = []
            for step, value in enumerate(values, first):
                self.sequence += 1
                rows.append(ObservationRow(metric, value, step, 1.0, "test", self.sequence))
            tx.add_observations(trial.id, trial.attempt, rows)

        self.database.store.write(work)

    def end(self, number: int, state: TrialState) -> None:
        def work(tx: Tx) -> None:
            trial = tx.trial(UID, number)
            tx.close_attempt(trial.id, AttemptEnding.EXITED, 2.0)
            tx.move_trial(trial.id, state, "", "", 2.0)

        self.database.store.write(work)

    def again(self, number: int) -> None:
        self.end(number, TrialState.PENDING)
        self.database.store.write(lambda tx: self._open(tx, number))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(open_store(f"sqlite:///{tmp_path / 'test.db'}"))
    yield made
    made.close()


@pytest.fixture
def stopper() -> Stopper:
    return Stopper()


@pytest.fixture
async def decider(database: Database, stopper: Stopper) -> AsyncIterator[Decider]:
    async with stopping(stopper) as address:

        async def own() -> str:
            return address

        made = Decider(own, database.course, database.observations)
        yield made
        await made.close()


async def test_only_what_is_news_is_sent(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 3)
    trials.report(0, 5.0, 4.0)
    trials.report(1, 6.0)
    trials.report(1, 9.0, metric="noise")
    assert await decider.decide(UID) == []
    assert stopper.curves == {0: [(0, 5.0), (1, 4.0)], 1: [(0, 6.0)]}
    assert list(stopper.calls[0].trials) == [0, 1, 2]
    trials.report(1, 5.5, first=1)
    trials.end(0, TrialState.SUCCEEDED)
    await decider.decide(UID)
    assert stopper.curves[1] == [(0, 6.0), (1, 5.5)]
    assert stopper.rows == [3, 1]
    assert stopper.finished == [0]
    assert list(stopper.records[0].values) == [4.0]
    assert list(stopper.calls[1].trials) == [1, 2]
    await decider.decide(UID)
    assert stopper.rows == [3, 1, 0]


async def test_a_long_past_is_told_in_several_calls_of_which_the_last_decides(
    database: Database, stopper: Stopper, decider: Decider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a service that was started again could never be told in the time that a call has."""
    monkeypatch.setattr(_context, "PAGE", 2)
    monkeypatch.setattr(_told, "PAGE", 2)
    monkeypatch.setattr(_decider, "MOST_TOLD", 5)
    stopper.decide = lambda curves, trial: f"it has {len(curves[trial])}"
    trials = Trials(database, 3)
    for number in range(3):
        trials.report(number, *map(float, range(7 - number)))
    trials.end(0, TrialState.SUCCEEDED)
    made = await decider.decide(UID)
    assert stopper.rows == [6, 5, 6, 1]
    assert stopper.curves == {number: [(step, float(step)) for step in range(7 - number)] for number in range(3)}
    assert stopper.finished == [0]
    assert [(one.trial_number, one.reason) for one in made] == [(1, "it has 6"), (2, "it has 5")]
    trials.report(1, 7.0, first=6)
    await decider.decide(UID)
    assert stopper.rows[4:] == [1], "and only what is news from then on"


async def test_a_service_that_dies_while_a_long_past_is_told_is_told_all_of_it_again(
    database: Database, stopper: Stopper, decider: Decider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die_once() -> None:
        stopper.before_reply = None
        stopper.forget()

    monkeypatch.setattr(_decider, "MOST_TOLD", 3)
    stopper.before_reply = die_once
    trials = Trials(database, 2)
    for number in range(2):
        trials.report(number, *map(float, range(4)))
    trials.again(1)  # another attempt, of which the first one is void
    trials.report(1, 9.0, 8.0)
    await decider.decide(UID)
    assert stopper.curves == {0: [(step, float(step)) for step in range(4)], 1: [(0, 9.0), (1, 8.0)]}
    trials.again(0)
    trials.report(0, 7.0)
    await decider.decide(UID)
    assert stopper.curves[0] == [(0, 7.0)]
    assert stopper.restarted == [0]


async def test_what_trials_were_given_is_told_once_when_they_begin(
    database: Database, stopper: Stopper, decider: Decider
) -> None:
    trials = Trials(database, 2)
    trials.report(0, 5.0)
    await decider.decide(UID)
    given = {number: wire.assignment_from_proto(one.assignment) for number, one in stopper.records.items()}
    assert given == {0: {"x": 0}, 1: {"x": 1}}
    assert {wire.TRIAL_STATE_FROM_PROTO[one.state] for one in stopper.records.values()} == {TrialState.RUNNING}
    stopper.records.clear()
    trials.report(0, 4.0, first=1)
    await decider.decide(UID)
    assert stopper.records == {}


async def test_a_service_that_holds_nothing_is_told_everything(
    database: Database, stopper: Stopper, decider: Decider
) -> None:
    trials = Trials(database, 2)
    trials.report(0, *map(float, range(PAGE + 7)))
    await decider.decide(UID)
    stopper.forget()
    trials.report(1, 1.0)
    await decider.decide(UID)
    assert stopper.rows == [PAGE + 7, PAGE + 8]
    assert {number: wire.assignment_from_proto(one.assignment) for number, one in stopper.records.items()} == {
        0: {"x": 0},
        1: {"x": 1},
    }
    assert [call.base_revision for call in stopper.calls] == [0, 1, 0]


async def test_a_new_attempt_begins_anew(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 1)
    trials.report(0, 5.0, 4.0)
    await decider.decide(UID)
    trials.again(0)
    trials.report(0, 7.0)
    await decider.decide(UID)
    assert stopper.curves == {0: [(0, 7.0)]}


async def test_the_first_attempt_is_not_another_one(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 1)
    database.store.write(lambda tx: tx.add_trials(UID, [NewTrial({"x": 7})], 1.0))
    trials.report(0, 5.0)
    await decider.decide(UID)
    assert sorted(stopper.records) == [0, 1], "one that waits is told, too"
    database.store.write(lambda tx: trials._open(tx, 1))
    trials.report(1, 6.0)
    await decider.decide(UID)
    assert stopper.curves[1] == [(0, 6.0)]
    assert stopper.restarted == []
    trials.again(1)
    await decider.decide(UID)
    assert stopper.restarted == [1]


async def test_a_retried_trial_is_told_to_run_again(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 2)
    trials.report(1, 3.0)
    trials.end(0, TrialState.FAILED)
    await decider.decide(UID)
    assert stopper.finished == [0]
    database.store.write(lambda tx: tx.move_trial(tx.trial(UID, 0).id, TrialState.PENDING, "", "", 3.0))
    await decider.decide(UID)
    assert wire.TRIAL_STATE_FROM_PROTO[stopper.records[0].state] is TrialState.PENDING


async def test_a_decision_is_news_once_a_step(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 2)
    stopper.decide = lambda curves, trial: ""
    trials.report(0, 5.0)
    assert await decider.decide(UID) == [NewDecision(0, 1, "scripted", stop=False, step=0)]
    trials.report(1, 6.0)
    assert await decider.decide(UID) == [NewDecision(1, 1, "scripted", stop=False, step=0)]
    stopper.decide = lambda curves, trial: "it is bad" if trial == 1 else ""
    assert await decider.decide(UID) == [NewDecision(1, 1, "scripted", stop=True, reason="it is bad", step=0)]


async def test_one_that_is_to_stop_is_not_asked_about(database: Database, stopper: Stopper, decider: Decider) -> None:
    trials = Trials(database, 2)
    trials.report(0, 1.0)
    database.store.write(lambda tx: tx.request_stop(tx.trial(UID, 0).id, "early", "", 1.0))
    await decider.decide(UID)
    assert list(stopper.calls[0].trials) == [1]


async def test_an_answer_about_another_trial_is_refused(database: Database, stopper: Stopper, decider: Decider) -> None:
    Trials(database, 1)
    stopper.unasked = (7,)
    with pytest.raises(FixRequest, match="decided on trial 7, which nobody asked about"):
        await decider.decide(UID)


async def test_two_answers_about_one_trial_are_refused(database: Database, stopper: Stopper, decider: Decider) -> None:
    Trials(database, 1)
    stopper.unasked = (0, 0)
    with pytest.raises(FixRequest, match="decided on trial 0, which nobody asked about, or decided on it twice"):
        await decider.decide(UID)


async def test_what_was_said_is_no_news_after_the_service_restarted(
    database: Database, stopper: Stopper, decider: Decider
) -> None:
    trials = Trials(database, 1)
    stopper.decide = lambda curves, trial: ""
    trials.report(0, 5.0)
    assert len(await decider.decide(UID)) == 1
    stopper.forget()
    assert await decider.decide(UID) == []
    assert stopper.rows == [1, 1], "it was told everything again"


async def test_the_rule_is_checked_by_its_service(stopper: Stopper, decider: Decider) -> None:
    assert await decider.validate(document().spec) == ["it is scripted"]
    with pytest.raises(FixRequest) as caught:
        await decider.validate(document({"name": "median"}).spec)
    assert [mistake.path for mistake in caught.value.mistakes] == ["spec.earlyStopping.name"]


async def test_a_study_with_an_endpoint_is_asked_there(database: Database) -> None:
    other = Stopper()

    async def own() -> str:
        raise AssertionError("the study names its service")

    async with stopping(other) as address:
        decider = Decider(own, database.course, database.observations)
        assert await decider.validate(document({"endpoint": address}).spec) == ["it is scripted"]
        await decider.close()
    decider = Decider(own, database.course, database.observations)
    with pytest.raises(TryAgain, match=f"the early-stopping service {address} does not answer"):
        await decider.validate(document({"endpoint": address}).spec)
    await decider.close()
