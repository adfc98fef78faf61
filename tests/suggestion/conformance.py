"""What holds of every algorithm.

`test_conformance.py` runs it over all that the registry finds, so that an algorithm is under test when its file is
there.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from itertools import cycle
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.strategies import search_spaces
from tests.suggestion.studies import (
    FINITE,
    FINITE_COUNT,
    MIXED,
    NARROW,
    ONE_POINT,
    RESOURCE,
    STATES,
    Study,
    algorithm,
    make_spec,
    pure,
    run_to_the_end,
)

from tunesmith.study import NoFeasiblePoint, ParameterValue, SearchSpace, TrialState
from tunesmith.suggestion import Status, TrialRecord
from tunesmith.suggestion._check import read_study

LONG: Mapping[str, Mapping[str, ParameterValue]] = {"grid": {"points": 41}, "bayesian": {"n_initial_points": 3}}
"""Settings with which a long study shows more."""

SPACES = st.one_of(search_spaces(finite=True, max_parameters=4), search_spaces(constraints=False))
"""Constraints over large spaces can leave next to nothing, which takes long to find; see `NARROW` for such a space."""

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

LABELS = (
    "grid.index",
    "sobol.index",
    "hyperband.iteration",
    "hyperband.bracket",
    "hyperband.rung",
    "cmaes.generation",
    "cmaes.point",
)
ENDS = (*STATES, TrialState.SUCCEEDED, TrialState.SUCCEEDED, TrialState.SUCCEEDED)
EVENTS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ENDS), st.integers(-9, 9)), max_size=4),
    ),
    max_size=10,
)
"""How many trials are asked for; which of those that are pending end then, how, and with which value."""

_VALUES = st.one_of(st.floats(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=5), st.booleans())
_POINTS = st.builds(
    lambda place, more: {**list(FINITE.enumerate())[place], **more},
    st.integers(0, FINITE_COUNT - 1),
    st.one_of(st.just({}), st.sampled_from([{RESOURCE: 1}, {RESOURCE: 3}, {RESOURCE: 9}])),
)
HOSTILE_RECORDS = st.builds(
    TrialRecord,
    number=st.just(0),
    name=st.just(""),
    state=st.sampled_from(STATES),
    assignment=st.one_of(
        _POINTS,
        st.dictionaries(
            st.one_of(st.sampled_from((*FINITE.names, RESOURCE)), st.text(max_size=5)), _VALUES, max_size=4
        ),
        st.fixed_dictionaries(dict.fromkeys(FINITE.names, _VALUES)),
    ),
    values=st.lists(st.floats(), max_size=3).map(tuple),
    labels=st.dictionaries(
        st.one_of(st.sampled_from(LABELS), st.text(max_size=5)),
        st.one_of(st.text(max_size=5), st.integers(-5, 10**18).map(str)),
        max_size=3,
    ),
    parent=st.one_of(st.none(), st.integers(0, 2**62)),
    group=st.text(max_size=3),
    completion_rank=st.integers(0, 2**62),
    steps=st.dictionaries(st.integers(0, 2**62), st.floats(), max_size=3),
)


class Conformance:
    """The suite; `name` is that of an algorithm."""

    @given(
        space=SPACES,
        seed=st.integers(0, 2**64 - 1),
        batches=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    )
    @settings(SLOW, max_examples=20)
    def test_every_suggestion_is_a_point_of_the_space(
        self, name: str, space: SearchSpace, seed: int, batches: list[int]
    ) -> None:
        study = Study(make_spec(name, space, seed=seed))
        try:
            for size in batches:
                study.run(size)
        except NoFeasiblePoint:
            assume(False)
        for assignment in study.assignments:
            assert study.spec.space.problems(assignment) == []

    @given(
        space=SPACES,
        seed=st.integers(0, 2**32),
        batches=st.lists(st.integers(1, 6), min_size=2, max_size=4),
        states=st.lists(st.sampled_from(STATES), min_size=1, max_size=5),
        labels=st.booleans(),
        restarts=st.booleans(),
    )
    @settings(SLOW, max_examples=20)
    def test_a_batch_may_be_split_anyhow(
        self,
        name: str,
        space: SearchSpace,
        seed: int,
        batches: list[int],
        states: list[TrialState],
        labels: bool,
        restarts: bool,
    ) -> None:
        if not pure(name):
            pytest.skip("its suggestions depend on values, and so on what was finished when they were made")
        spec = make_spec(name, space, seed=seed)
        one, other = Study(spec), Study(spec, cycle(states), labels)
        try:
            one.run(sum(batches))
            for size in batches:
                other.run(size)
                if restarts:
                    other.restart()
        except NoFeasiblePoint:
            assume(False)
        assert one.assignments == other.assignments

    @given(space=SPACES, batches=st.lists(st.integers(1, 4), min_size=1, max_size=4), size=st.integers(1, 4))
    @settings(SLOW, max_examples=20)
    def test_the_same_question_has_the_same_answer(
        self, name: str, space: SearchSpace, batches: list[int], size: int
    ) -> None:
        study = Study(make_spec(name, space))
        try:
            for number in batches:
                study.run(number)
            first = study.ask(size)
        except NoFeasiblePoint:
            assume(False)
        assert study.ask(size) == first  # its reply was lost
        study.ask(size + 3)
        assert study.ask(size) == first
        study.restart()
        assert study.ask(size) == first

    @pytest.mark.timeout(400)  # a Gaussian process on a machine that has other things to do
    @given(space=SPACES, seed=st.integers(0, 99), trials=st.one_of(st.none(), st.integers(1, 30)), events=EVENTS)
    @settings(SLOW, max_examples=20)
    def test_trials_may_end_in_any_order_and_the_service_at_any_time(
        self, name: str, space: SearchSpace, seed: int, trials: int | None, events: list[Any]
    ) -> None:
        """One that is killed between any two calls answers like one that lives."""
        spec = make_spec(name, space, seed=seed, trials=trials)
        lives, killed = (Study(spec, cycle([TrialState.RUNNING])) for _ in range(2))
        for size, ends in events:
            try:
                answer = lives.run(size)
            except NoFeasiblePoint:
                assume(False)
            killed.restart()
            assert killed.run(size) == answer
            assert answer.status is not Status.WAIT or lives.pending, "nothing can change what it waits for"
            for place, state, value in ends:
                for study in (lives, killed) if lives.pending else ():
                    study.end(study.pending[place % len(study.pending)], state, float(value))
        if lives.records:  # as when its user retries a trial
            for study in (lives, killed):
                study.end(min(study.records), TrialState.PENDING, 0.0)
            killed.restart()
            assert killed.ask(3) == lives.ask(3)

    @pytest.mark.parametrize("space", [MIXED, FINITE, NARROW], ids=["mixed", "finite", "narrow"])
    def test_a_long_study_survives_a_kill_before_every_call(self, name: str, space: SearchSpace) -> None:
        """As above, over so many trials that generations and rungs come to their ends."""
        spec = make_spec(name, space, given=LONG.get(name))
        lives, killed = (Study(spec, cycle([TrialState.RUNNING])) for _ in range(2))
        random, rounds = Random(name), 10 if lives.algorithm.description.heavy else 60
        for _ in range(rounds):
            killed.restart()
            answer = lives.run(random.randint(1, 3))
            assert killed.run(len(answer.suggestions) or 1) == answer or answer.status is Status.EXHAUSTED
            while len(lives.pending) > 4 or (lives.pending and answer.status is Status.WAIT):
                number, state = random.choice(lives.pending), random.choice(ENDS)
                value = sum(one for one in lives.records[number].assignment.values() if isinstance(one, float))
                for study in (lives, killed):
                    study.end(number, state, value)
            if random.random() < 0.1:  # a user retries one
                number = random.choice(list(lives.records))
                for study in (lives, killed):
                    study.end(number, TrialState.PENDING, 0.0)
        assert len(lives.records) > rounds or answer.status is Status.EXHAUSTED

    @given(space=SPACES, batches=st.lists(st.integers(1, 7), min_size=1, max_size=4), restarts=st.booleans())
    @settings(SLOW, max_examples=20)
    def test_no_point_comes_again_while_others_are_left(
        self, name: str, space: SearchSpace, batches: list[int], restarts: bool
    ) -> None:
        study = Study(make_spec(name, space))
        count_ = study.spec.space.count(60)
        if count_ is None:
            try:
                for size in batches:
                    study.run(size)
            except NoFeasiblePoint:
                assume(False)
            assert len(set(study.keys)) == len(study.keys)
            return
        if restarts:
            study.restart()
        run_to_the_end(study, batches, count_)
        assert len(set(study.keys)) == len(study.keys) == count_
        assert study.ask(1) == study.ask(3)  # and nothing after the end

    @pytest.mark.parametrize("state", STATES)
    def test_trials_count_as_tried_in_every_state(self, name: str, state: TrialState) -> None:
        study = Study(make_spec(name, FINITE), cycle([state]))
        for assignment in list(study.spec.space.enumerate())[3:17:2]:  # by hand, or as `initial`
            study.add(assignment)
        run_to_the_end(study, [2, 1, 5], study.count)
        assert len(set(study.keys)) == len(study.keys) == study.count

    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_a_space_of_one_point_is_soon_exhausted(self, name: str, size: int) -> None:
        study = Study(make_spec(name, ONE_POINT))
        run_to_the_end(study, [size], 1)
        assert study.assignments == list(study.spec.space.enumerate())

    def test_a_continuum_is_not_exhausted(self, name: str) -> None:
        study = Study(make_spec(name, MIXED))
        for size in (1, 20, 7, 30):
            # A grid over a continuum has an end, though this one's is not near.
            assert study.run(size).status is Status.OK or _ends_early(name, MIXED)
        assert len(set(study.keys)) == 58

    def test_constraints_may_leave_little(self, name: str) -> None:
        study = Study(make_spec(name, NARROW, given={"points": 41} if name == "grid" else None))
        for _ in range(4):
            assert study.run(3).status is Status.OK
            study.restart()
        assert len(set(study.keys)) == 12
        assert all(study.spec.space.problems(assignment) == [] for assignment in study.assignments)

    def test_inactive_parameters_have_no_value(self, name: str) -> None:
        study = Study(make_spec(name, MIXED))
        study.run(60)
        assert {"degree" in assignment for assignment in study.assignments} == {True, False}
        assert all(("degree" in one) == (one["kernel"] == "poly") for one in study.assignments)

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"sead": 1}, "did you mean 'seed'"),
            ({"x" * 10**5: 1}, "has no setting"),
            ({"seed": "7"}, "must be of type int"),
            ({"seed": True}, "must be of type int"),
            ({"seed": 1.5}, "must be of type int"),
            ({"seed": math.nan}, "must be of type int"),
            ({"seed": math.inf}, "must be of type int"),
            ({"seed": -1}, "`seed >= 0` must hold"),
            ({"seed": -(10**5000)}, "`seed >= 0` must hold"),
        ],
    )
    def test_hostile_settings_are_refused(self, name: str, given: dict[str, ParameterValue], why: str) -> None:
        _, mistakes = read_study(algorithm(name), make_spec(name, MIXED, given=given))
        assert [mistake.path for mistake in mistakes] == [f"spec.algorithm.settings.{next(iter(given))}"]
        assert why in mistakes[0].message
        assert len(mistakes[0].message) < 500 + len(name)

    def test_its_own_settings_are_checked(self, name: str) -> None:
        found = algorithm(name)
        for setting in found.description.settings:
            for value in _hostile_values(setting.type.value, setting.min, setting.max):
                _, mistakes = read_study(found, make_spec(name, MIXED, given={setting.name: value}))
                assert [mistake.path for mistake in mistakes] == [f"spec.algorithm.settings.{setting.name}"], value

    def test_all_mistakes_in_settings_are_told_at_once(self, name: str) -> None:
        _, mistakes = read_study(
            algorithm(name), make_spec(name, MIXED, given={"seed_": 1, "other": "x", "third": math.nan})
        )
        assert len(mistakes) == 3

    def test_the_seed_matters_unless_nothing_is_random(self, name: str) -> None:
        runs = []
        for seed in (0, 1, 2**64 - 1):
            study = Study(make_spec(name, MIXED, seed=seed))
            study.run(8)
            runs.append(study.keys)
        assert len({tuple(run) for run in runs}) == (1 if name == "grid" else 3)

    @pytest.mark.timeout(400)
    @given(
        records=st.lists(HOSTILE_RECORDS, min_size=1, max_size=8),
        batches=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    )
    @settings(SLOW, max_examples=20)
    def test_hostile_history_does_no_harm(self, name: str, records: list[TrialRecord], batches: list[int]) -> None:
        study = Study(make_spec(name, FINITE))
        spoilt = {
            10**6 + place: dataclasses.replace(record, number=10**6 + place, name=f"h-{place}")
            for place, record in enumerate(records)
        }
        study.records.update(spoilt)
        study.restart()
        space = study.spec.space
        whole = {space.key(point) for point in space.enumerate()}
        done = whole & set(study.history.tried)
        for size in cycle(batches):
            answer = study.run(size)
            if answer.status is Status.EXHAUSTED:
                break
            assert len(study.records) < study.count + len(records) + 10
        added = [space.key(record.assignment) for number, record in study.records.items() if number not in spoilt]
        assert sorted([*added, *done]) == sorted(whole)

    @pytest.mark.parametrize(
        "text", ["-1", "0", "3", "23", "24", "999999", "9" * 15, "9" * 5000, "1e3", "٣", " 3", "x", ""]
    )
    def test_labels_that_lie_do_no_harm(self, name: str, text: str) -> None:
        study = Study(make_spec(name, FINITE))
        for assignment in list(study.spec.space.enumerate())[:4]:
            study.add(assignment, dict.fromkeys(LABELS, text), 0)
            study.restart()
        run_to_the_end(study, [3, 1], study.count)
        assert len(set(study.keys)) == study.count

    def test_a_rewritten_history_is_believed(self, name: str) -> None:
        """A trial whose assignment changes: its old point is free again."""
        study = Study(make_spec(name, FINITE))
        run_to_the_end(study, [4], study.count)
        number, freed = 5, study.records[5]
        study.records[number] = dataclasses.replace(freed, assignment={"unknown": 1})
        if study.history.apply([study.records[number]]):
            study.memo.clear()  # as the service does
        assert [one.assignment for one in study.run(2).suggestions] == [freed.assignment]


def _ends_early(name: str, space: SearchSpace) -> bool:
    """Whether the algorithm may call a space exhausted that has points left: a grid takes some of a continuum."""
    return name == "grid" and any(parameter.domain.count() is None for parameter in space.parameters)


def _hostile_values(kind: str, least: float | None, most: float | None) -> Iterator[ParameterValue]:
    """Values that a setting of this kind must refuse."""
    numbers: list[ParameterValue] = ["7", "", True, math.nan, math.inf, -math.inf]
    wrong: dict[str, list[ParameterValue]] = {
        "int": [*numbers, 2.5],
        "double": numbers,
        "string": [1, 1.5, True],
        "bool": [1, 0.0, "true"],
    }
    yield from wrong[kind]
    if kind in ("int", "double") and least is not None:
        yield from (least - 1, -(10**400) if kind == "int" else -1e300)
    if kind in ("int", "double") and most is not None:
        yield from (most + 1, 10**5000)
