"""Regularised evolution: who is a parent, and what its children are."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import search_spaces
from tests.suggestion.studies import MIXED, Study, make_spec

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    Domain,
    DoubleDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
    TrialState,
)
from tunesmith.suggestion import Suggestion
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._mutation import Breeder
from tunesmith.suggestion.algorithms.evolution import Evolution

WORDS = SearchSpace(tuple(Parameter(f"c{k}", CategoricalDomain(tuple("abcdefgh"))) for k in range(10)))


def make_study(space: SearchSpace = WORDS, seed: int = 3, **given: ParameterValue) -> Study:
    settings = {"population_size": 10, "sample_size": 10, **given}
    return Study(make_spec("evolution", space, seed=seed, given=settings), cycle([TrialState.RUNNING]))


def run(study: Study, count: int, loss: Callable[[Assignment], float], pending: int = 1) -> float:
    """Run so many trials, so many at once; the least loss."""
    for _ in range(count):
        study.run(1)
        while len(study.pending) >= pending:
            number = study.pending[0]
            study.end(number, TrialState.SUCCEEDED, loss(study.records[number].assignment))
    return min(record.values[0] for record in study.records.values() if record.values)


def parents(suggestion: Suggestion) -> list[int]:
    """Who the explanation says they are."""
    return [int(number) for number in re.findall(r"trial (\d+)", suggestion.explanation.text)]


def others(one: Assignment, parent: Assignment) -> int:
    """How many values differ."""
    return sum(one[name] != value for name, value in parent.items())


class TestPopulation:
    def test_the_first_trials_are_random(self) -> None:
        study = make_study()
        texts = [one.explanation.text for one in study.run(10).suggestions]
        assert all(text.startswith("one of the first 10 trials, drawn from") for text in texts)
        random = Study(make_spec("random", WORDS, seed=3))
        random.run(10)
        assert study.assignments == random.assignments

    def test_while_nothing_has_ended_trials_are_random_and_nobody_waits(self) -> None:
        study = make_study()
        study.run(30)
        assert not any(parents(one) for one in study.run(5).suggestions)

    def test_the_best_of_the_sample_is_the_parent(self) -> None:
        study = make_study()
        study.run(10)
        for number in range(10):
            study.end(number, TrialState.SUCCEEDED, abs(number - 6))
        for suggestion in study.run(5).suggestions:
            assert parents(suggestion) == [6]
            assert suggestion.explanation.text.startswith("child of trial 6, best of 10 of the 10 that ended last")
            assert 1 <= others(suggestion.assignment, study.records[6].assignment) <= 6
            assert suggestion.parent is None

    def test_a_small_sample_gives_others_a_chance(self) -> None:
        study = make_study(sample_size=2)
        study.run(10)
        for number in range(10):
            study.end(number, TrialState.SUCCEEDED, float(number))
        found = Counter(parents(one)[0] for one in study.run(300).suggestions)
        assert found[0] == pytest.approx(300 * 2 / 10, rel=0.35)  # whenever it is among the two
        assert 9 not in found
        assert len(found) > 5

    def test_the_oldest_die_however_good_they_are(self) -> None:
        study = make_study()
        study.run(11)
        study.end(4, TrialState.SUCCEEDED, -100.0)
        for number in (0, 1, 2, 3, 5, 6, 7, 8, 9):
            study.end(number, TrialState.SUCCEEDED, float(number))
        assert parents(study.ask(1).suggestions[0]) == [4]
        study.end(10, TrialState.SUCCEEDED, 50.0)
        assert parents(study.ask(1).suggestions[0]) == [0]

    def test_failed_ones_are_not_in_it_and_stopped_ones_lose(self) -> None:
        study = make_study()
        study.run(10)
        for number in range(7):
            study.end(number, TrialState.FAILED, 0.0)
        study.end(7, TrialState.EARLY_STOPPED, -50.0)
        assert parents(study.ask(1).suggestions[0]) == [7]
        study.end(8, TrialState.SUCCEEDED, 3.0)
        assert parents(study.ask(1).suggestions[0]) == [8]

    def test_a_child_may_have_two_parents(self) -> None:
        study = make_study(crossover=1.0, sample_size=1)
        study.run(10)
        for number in range(10):
            study.end(number, TrialState.SUCCEEDED, float(number))
        both = [(one, parents(one)) for one in study.run(40).suggestions if len(parents(one)) == 2]
        assert len(both) > 25
        inherited = 0
        for one, (first, second) in both:
            values = [study.records[number].assignment for number in (first, second)]
            inherited += sum(one.assignment[name] in (values[0][name], values[1][name]) for name in WORDS.names)
        assert inherited / len(both) / 10 > 0.8


class TestChildren:
    @given(space=search_spaces(constraints=False), seed=st.integers(0, 10**6), two=st.booleans())
    def test_they_are_points_of_the_space(self, space: SearchSpace, seed: int, two: bool) -> None:
        rng = np.random.default_rng([seed])
        family = [space.sample(rng) for _ in range(2 if two else 1)]
        child = Breeder(space).child(family, rng)
        assert space.problems(child.assignment) == []
        for name, value in child.assignment.items():
            assert (name in child.changed) != any(repr(one.get(name)) == repr(value) for one in family)
        able = [one.domain for one in space.parameters if one.name in family[0] and one.domain.count() != 1]
        narrow = any(isinstance(one, DoubleDomain) and one.max - one.min < 1e-6 for one in able)  # a step may be lost
        if able and not two and not narrow:
            assert space.key(child.assignment) != space.key(family[0])

    @pytest.mark.parametrize(
        "domain",
        [
            IntDomain(0, 1),
            IntDomain(0, 10**6),
            IntDomain(1, 1024, Distribution.LOG_UNIFORM),
            IntDomain(0, 99, Distribution.NORMAL),
            DoubleDomain(0, 1, step=0.001),
            DiscreteDomain((1, 2)),
            CategoricalDomain(("a", "b")),
            CategoricalDomain((1, True, "1")),
        ],
    )
    def test_a_change_is_a_change(self, domain: Domain) -> None:
        breeder, rng = Breeder(SearchSpace((Parameter("x", domain),))), np.random.default_rng(1)
        for unit in (0.0, 0.3, 0.5, 1.0) * 20:
            parent = {"x": domain.decode(unit)}
            child = breeder.child([parent], rng).assignment
            assert breeder.space.key(child) != breeder.space.key(parent)

    def test_most_changes_of_numbers_are_small(self) -> None:
        space, rng = SearchSpace((Parameter("x", DoubleDomain(0, 1)),)), np.random.default_rng(2)
        moves = [abs(float(Breeder(space).child([{"x": 0.5}], rng).assignment["x"]) - 0.5) for _ in range(500)]
        assert 0.04 < float(np.median(moves)) < 0.12
        assert max(moves) > 0.35

    def test_what_does_not_change_keeps_its_value_to_the_last_bit(self) -> None:
        space = SearchSpace(
            tuple(Parameter(f"x{k}", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM)) for k in range(8))
        )
        rng = np.random.default_rng(3)
        parent = space.sample(rng)
        same = [
            sum(child[name] == value for name, value in parent.items())
            for child in (Breeder(space).child([parent], rng).assignment for _ in range(50))
        ]
        assert float(np.mean(same)) == pytest.approx(7, abs=0.6)

    def test_what_becomes_active_is_drawn(self) -> None:
        space = SearchSpace(
            (
                Parameter("kernel", CategoricalDomain(("a", "b"))),
                Parameter("deep", DoubleDomain(0, 1), when=(Condition("kernel", ("b",)),)),
            )
        )
        breeder, rng = Breeder(space), np.random.default_rng(4)
        drawn = [breeder.child([{"kernel": "a"}], rng) for _ in range(200)]
        assert all(child.changed == ("kernel", "deep") for child in drawn)
        assert np.std([float(child.assignment["deep"]) for child in drawn]) == pytest.approx(0.29, abs=0.03)


class TestQuality:
    """Seeds are fixed, so these cannot fail by bad luck."""

    @pytest.mark.parametrize("pending", [1, 8])
    def test_it_beats_random_search_by_far_on_words(self, pending: int) -> None:
        def loss(one: Assignment) -> float:
            return float(sum(value != "d" for value in one.values()))

        random = Study(make_spec("random", WORDS, seed=3), cycle([TrialState.RUNNING]))
        assert run(make_study(), 250, loss, pending) <= 2 < 5 <= run(random, 250, loss, pending)

    def test_everything_at_once(self) -> None:
        def loss(one: Assignment) -> float:
            wrong = (one["kernel"] != "poly") + (one.get("degree") != 4) + abs(float(one["layers"]) - 5) / 8
            return float(wrong + abs(np.log10(float(one["rate"])) + 3) + abs(float(one["decay"]) - 0.25))

        assert run(make_study(MIXED), 150, loss, 4) < 0.1


def test_a_sample_is_no_larger_than_the_population() -> None:
    spec = make_spec("evolution", WORDS, given={"population_size": 4, "sample_size": 5})
    _, (mistake,) = read_study(Evolution(), spec)
    assert mistake.path == "spec.algorithm.settings.sample_size"
    assert "(sample_size=5, population_size=4)" in mistake.message
