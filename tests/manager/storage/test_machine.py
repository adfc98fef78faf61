"""Whatever is done in whatever order, the store says what a model in plain Python says: on both databases.

The model computes counters, summaries, best and digests anew from what happened; the store keeps them up to date.
Transactions that fail, batches that come again, and processes that begin anew are among what happens.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.store_model import Model
from tests.store_samples import NOW, make_job, new_study

from tunesmith.manager.storage import NewTrial, ObservationRow, Tx, open_store
from tunesmith.services.errors import NotNow
from tunesmith.study import AttemptEnding, MetricSpec, ObjectiveType, Strategy, TransitionError, TrialState

numbers = st.integers(0, 4)
values = st.sampled_from([0.1, 0.2, 0.3, -1.5, 1e-300, 1.7e308, -1.7e308, math.nan, math.inf, -math.inf]) | st.floats()
observations = st.lists(
    st.builds(
        ObservationRow,
        st.sampled_from(["acc", "loss", "t"]),
        values,
        st.none() | st.integers(0, 5),
        st.just(NOW),
        st.sampled_from(["stdout", "reports"]),
        st.integers(0, 12),
    ),
    max_size=8,
)
offsets = st.none() | st.tuples(st.sampled_from(["stdout", "file:/x"]), st.integers(0, 100))

Apply = Callable[[Any, Callable[[int], int]], Any]


class StoreMachine(RuleBasedStateMachine):
    """One study, done to in the store and in the model."""

    url: str
    strategy = Strategy.MAX
    type = ObjectiveType.MAXIMIZE

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store(self.url)
        metrics = (MetricSpec("loss", Strategy.MIN), MetricSpec("t", Strategy.AVERAGE))
        job = make_job(type=self.type, strategy=self.strategy, metrics=metrics)
        self.study = new_study(self.store, job)
        self.model = Model(self.study.job)
        self.waiting: list[tuple[Callable[[Tx], Any], Callable[[Model], Any]]] = []

    def teardown(self) -> None:
        self.store.close()

    def both(self, in_store: Callable[[Tx], Any], in_model: Callable[[Model], Any]) -> None:
        """The same in both: the same result, or the same error."""
        before = copy.deepcopy(self.model)
        try:
            expected = in_model(self.model)
        except (TransitionError, NotNow) as error:
            self.model = before
            with pytest.raises(type(error)):
                self.store.write(in_store)
            return
        found = self.store.write(in_store)
        assert expected is None or found == expected

    def id(self, number: int) -> int:
        return self.study.id << 32 | number

    def number(self, index: int) -> int:
        return index % len(self.model.trials)

    @rule(count=st.integers(1, 3), x=st.floats(0, 1))
    def add_trials(self, count: int, x: float) -> None:
        if len(self.model.trials) + count <= 8:
            assignments = [{"x": x + i} for i in range(count)]
            new = [NewTrial(assignment) for assignment in assignments]
            self.both(
                lambda tx: [t.number for t in tx.add_trials(self.study.uid, new, NOW)] and None,
                lambda model: model.add_trials(assignments),
            )

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers)
    def start(self, index: int) -> None:
        """The usual way, in one transaction."""
        number = self.number(index)

        def work(tx: Tx) -> None:
            tx.open_attempt(self.id(number), "/", NOW)
            tx.launched(self.id(number), NOW)

        def model(model: Model) -> None:
            model.open_attempt(number)
            model.launched(number)

        self.both(work, model)

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers)
    def open_attempt(self, index: int) -> None:
        number = self.number(index)
        self.both(lambda tx: tx.open_attempt(self.id(number), "/", NOW), lambda model: model.open_attempt(number))

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers)
    def launched(self, index: int) -> None:
        number = self.number(index)
        self.both(lambda tx: tx.launched(self.id(number), NOW), lambda model: model.launched(number))

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers, ending=st.sampled_from(AttemptEnding))
    def close_attempt(self, index: int, ending: AttemptEnding) -> None:
        number = self.number(index)
        self.both(
            lambda tx: tx.close_attempt(self.id(number), ending, NOW), lambda model: model.close_attempt(number, ending)
        )

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers, state=st.sampled_from(TrialState))
    def move_trial(self, index: int, state: TrialState) -> None:
        number = self.number(index)
        self.both(
            lambda tx: tx.move_trial(self.id(number), state, "why", "", NOW) and None,
            lambda model: model.move_trial(number, state),
        )

    @precondition(lambda self: self.model.trials)
    @rule(
        index=numbers,
        rows=observations,
        offset=offsets,
        state=st.sampled_from([TrialState.SUCCEEDED, TrialState.SUCCEEDED, TrialState.PENDING, TrialState.KILLED]),
    )
    def finish(self, index: int, rows: list[ObservationRow], offset: tuple[str, int] | None, state: TrialState) -> None:
        """The usual end, in one transaction."""
        number = self.number(index)

        def work(tx: Tx) -> None:
            tx.add_observations(self.id(number), tx.trial_by_id(self.id(number)).attempt, rows, offset)
            tx.close_attempt(self.id(number), AttemptEnding.EXITED, NOW)
            tx.move_trial(self.id(number), state, "", "", NOW)

        def model(model: Model) -> None:
            model.add_observations(number, len(model.trials[number].attempts), rows, offset)
            model.close_attempt(number, AttemptEnding.EXITED)
            model.move_trial(number, state)

        self.both(work, model)

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers, attempt=st.integers(0, 3), rows=observations, offset=offsets)
    def add_observations(
        self, index: int, attempt: int, rows: list[ObservationRow], offset: tuple[str, int] | None
    ) -> None:
        number = self.number(index)
        attempt = attempt or len(self.model.trials[number].attempts)
        self.both(
            lambda tx: tx.add_observations(self.id(number), attempt, rows, offset),
            lambda model: model.add_observations(number, attempt, rows, offset),
        )

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers, kind=st.sampled_from(["kill", "interrupt", "timeout"]))
    def request_stop(self, index: int, kind: str) -> None:
        number = self.number(index)
        self.both(
            lambda tx: tx.request_stop(self.id(number), kind, "", NOW) and None,
            lambda model: model.request_stop(number, kind),
        )

    @precondition(lambda self: self.model.trials)
    @rule(index=numbers, rows=observations)
    def fail(self, index: int, rows: list[ObservationRow]) -> None:
        """A transaction that does much, and is undone."""
        number = self.number(index)

        def work(tx: Tx) -> None:
            tx.add_trials(self.study.uid, [NewTrial({"x": 0.0})], NOW)
            trial = tx.trial_by_id(self.id(number))
            if trial.attempt and not trial.state.final:
                tx.add_observations(trial.id, trial.attempt, rows, ("stdout", 77))
                tx.close_attempt(trial.id, AttemptEnding.FAILED, NOW)
            if trial.state is TrialState.RUNNING:
                tx.move_trial(trial.id, TrialState.SUCCEEDED, "", "", NOW)
            raise KeyError("on purpose")

        with pytest.raises(KeyError):
            self.store.write(work)

    @rule()
    def begin_anew(self) -> None:
        self.store.close()
        self.store = open_store(self.url)

    @invariant()
    def the_study_is_the_models(self) -> None:
        def look(tx: Tx) -> None:
            study, model = tx.study(self.study.uid), self.model
            assert study.counts == model.counts()
            assert (study.total, study.next_number, study.rank) == (len(model.trials), len(model.trials), model.rank)
            assert (study.revision, study.digest) == (len(model.digests) - 1, model.digests[-1])
            assert (study.best_number, study.best_value) == model.best()
            assert tx.study_summaries(study.uid) == model.study_summaries()
            events = [(e.trial_number, e.state) for e in tx.events(study.uid) if e.trial_number is not None]
            assert events == model.events
            for revision, digest in enumerate(model.digests[-3:], max(0, len(model.digests) - 3)):
                assert tx.digest_at(study.uid, revision) == digest

        self.store.read(look)
        self.store.write(look)  # what the writer remembers, too

    @invariant()
    def the_trials_are_the_models(self) -> None:
        def look(tx: Tx) -> None:
            rows = tx.list_trials(self.study.uid)
            summaries = tx.summaries([row.id for row in rows])
            live = [trial for trial in self.model.trials if not trial.state.final]
            assert [row.number for row in tx.live_trials(self.study.uid)] == [trial.number for trial in live]
            changed = sorted(self.model.trials, key=lambda trial: trial.revision)
            assert [row.number for row in tx.trials_since(self.study.uid, 0)] == [trial.number for trial in changed]
            for row, trial in zip(rows, self.model.trials, strict=True):
                assert row == tx.trial_by_id(row.id)
                assert (row.number, row.state, row.assignment) == (trial.number, trial.state, trial.assignment)
                assert (row.value, row.completion_rank) == (trial.value, trial.rank)
                assert (row.revision, row.digest) == (trial.revision, trial.digest)
                assert (row.attempt, row.attempt_open) == (len(trial.attempts), trial.open)
                assert (row.failures, row.stop_kind) == (trial.failures, trial.stop_kind)
                assert [a.ending for a in tx.attempts(row.id)] == [a.ending for a in trial.attempts]
                assert summaries[row.id] == trial.summaries()
                for number, attempt in enumerate(trial.attempts, 1):
                    assert tx.offsets(row.id, number) == attempt.offsets
                    stored = tx.observations(row.id, number)
                    assert [o.position for o in stored] == list(range(1, len(attempt.rows) + 1))
                    found = [(o.metric, repr(o.value + 0.0), o.step, o.source, o.sequence) for o in stored]
                    assert found == [(m, repr(v + 0.0), step, s, q) for m, v, step, s, q in attempt.rows]

        self.store.read(look)
        self.store.write(look)


@pytest.fixture(
    params=[(Strategy.MAX, ObjectiveType.MAXIMIZE), (Strategy.AVERAGE, ObjectiveType.MINIMIZE)], ids=["max", "average"]
)
def machine(request: pytest.FixtureRequest, store_url: str) -> type[StoreMachine]:
    """The machine on a database, for one kind of objective."""
    strategy, type_ = request.param
    open_store(store_url).close()
    return type("Machine", (StoreMachine,), {"url": store_url, "strategy": strategy, "type": type_})


def test_the_store_does_what_the_model_does(machine: type[StoreMachine]) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    examples = 4 if "postgres" in machine.url else 8
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=checks),
    )
