"""CMA-ES along a study: what its generations are made of, and where it ends."""

from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest
from tests.suggestion.studies import MIXED, Study, make_spec

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
    TrialState,
)
from tunesmith.suggestion._cma_cube import Cube, from_label, to_label
from tunesmith.suggestion._cma_run import Options, Run

PLANE = SearchSpace((Parameter("x", DoubleDomain(-5, 5)), Parameter("y", DoubleDomain(-5, 5))))
LISTED = SearchSpace(
    (
        Parameter("rate", DoubleDomain(1e-6, 1, Distribution.LOG_UNIFORM)),
        Parameter("depth", IntDomain(1, 20)),
        Parameter("width", IntDomain(1, 4096, Distribution.LOG_UNIFORM)),
        Parameter("batch", DiscreteDomain((8, 16, 32, 64, 128))),
        Parameter("bias", CategoricalDomain((True, False))),
        Parameter("kernel", CategoricalDomain(("a", "b", "c", "d"))),
        Parameter("shape", DoubleDomain(0, 1), when=(Condition("kernel", ("c", "d")),)),
    )
)
"""Everything at once; see `far`."""


def far(one: Assignment) -> float:
    """0 at rate 1e-3, depth 13, width 64, batch 32, bias, kernel c, shape 0.7."""
    wrong = (one["kernel"] != "c") + (one["bias"] is not True)
    shape = abs(float(one.get("shape", 0.2)) - 0.7)
    powers = abs(np.log10(float(one["rate"])) + 3) / 3 + abs(np.log2(float(one["width"])) - 6) / 6
    return float(
        wrong + shape + powers + abs(float(one["depth"]) - 13) / 10 + abs(np.log2(float(one["batch"])) - 5) / 3
    )


def make_study(space: SearchSpace = PLANE, seed: int = 3, **given: ParameterValue) -> Study:
    return Study(make_spec("cmaes", space, seed=seed, given=given), cycle([TrialState.RUNNING]))


def sphere(one: Assignment) -> float:
    return sum((float(value) - 1) ** 2 for value in one.values())


def run(study: Study, count: int, loss: Callable[[Assignment], float] = sphere, pending: int = 1) -> float:
    """Run so many trials, so many at once; the least loss."""
    for _ in range(count):
        study.run(1)
        while len(study.pending) >= pending:
            number = study.pending[0]
            study.end(number, TrialState.SUCCEEDED, loss(study.records[number].assignment))
    return min(record.values[0] for record in study.records.values() if record.values)


def generations(study: Study) -> list[str]:
    return [record.labels["cmaes.generation"] for record in study.records.values()]


class TestGenerations:
    def test_one_follows_each_population(self) -> None:
        study = make_study()
        run(study, 18)
        assert generations(study) == ["0.0"] * 6 + ["0.1"] * 6 + ["0.2"] * 6

    def test_trials_under_way_are_not_lost(self) -> None:
        """With 8 at once, most trials were drawn by an earlier generation than the one that they are told to."""
        study = make_study()
        run(study, 60, pending=8)
        assert generations(study)[-1] == f"0.{(60 - 8) // 6}"

    def test_any_number_may_run_at_once(self) -> None:
        study = make_study()
        assert len(study.run(50).suggestions) == 50
        assert set(generations(study)) == {"0.0"}

    def test_own_trials_are_told_too(self) -> None:
        study = make_study()
        for number in range(6):
            study.add({"x": 4.0 + number / 10, "y": 4.0})
            study.end(number, TrialState.SUCCEEDED, -number)
        (suggestion,) = study.run(1).suggestions
        assert suggestion.labels["cmaes.generation"] == "0.1"
        xs = [float(one.assignment["x"]) for one in study.run(200).suggestions]
        assert 0.5 < float(np.mean(xs)) < 4, "the mean moves to the points, a step at a time"

    def test_failed_ones_are_the_worst_and_stopped_ones_next(self) -> None:
        """The better half decides where the mean goes."""
        means = []
        for bad in (TrialState.FAILED, TrialState.EARLY_STOPPED):
            study = make_study()
            study.run(6)
            for number, record in list(study.records.items()):
                good = float(record.assignment["x"]) > 0
                study.end(number, TrialState.SUCCEEDED if good else bad, 1.0 if good else -100.0)
            means.append(np.mean([float(one.assignment["x"]) for one in study.run(200).suggestions]))
        assert min(means) > 0.1
        assert means[0] == pytest.approx(means[1], abs=0.3)

    def test_a_generation_of_failures_moves_nothing(self) -> None:
        study = make_study()
        study.run(6)
        before = study.algorithm.suggest(study.view(), [("later", 99)]).suggestions[0].assignment
        for number in list(study.records):
            study.end(number, TrialState.FAILED, 0.0)
        after = study.algorithm.suggest(study.view(), [("later", 99)]).suggestions[0]
        assert after.assignment == before
        assert after.labels["cmaes.generation"] == "0.1"

    def test_the_order_of_completion_is_what_counts(self) -> None:
        ends = [make_study(), make_study()]
        for study, order in zip(ends, [(0, 1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1, 0)], strict=True):
            study.run(7)
            for number in order:
                study.end(number, TrialState.SUCCEEDED, sphere(study.records[number].assignment))
        assert ends[0].ask(1) != ends[1].ask(1)

    def test_it_says_what_drew_a_trial(self) -> None:
        study = make_study()
        run(study, 7)
        text = study.run(1).suggestions[0].explanation.text
        assert text.startswith("drawn in generation 1 of run 0 (population 6, sigma 0.")


class TestStart:
    def test_it_begins_at_the_defaults(self) -> None:
        space = SearchSpace((Parameter("x", DoubleDomain(-5, 5), default=4.0), Parameter("y", DoubleDomain(-5, 5))))
        found = make_study(space).run(300).suggestions
        means = [np.mean([float(one.assignment[name]) for one in found]) for name in ("x", "y")]
        assert means[0] > 2.5
        assert abs(means[1]) < 0.4

    @pytest.mark.parametrize(("given", "deviation"), [({}, 1.67), ({"sigma": 0}, 1.67), ({"sigma": 0.05}, 0.5)])
    def test_sigma_is_the_first_deviation(self, given: dict[str, float], deviation: float) -> None:
        found = make_study(PLANE, 3, **given).run(300).suggestions
        assert np.std([float(one.assignment["x"]) for one in found]) == pytest.approx(deviation, rel=0.15)

    def test_the_population_may_be_given(self) -> None:
        study = make_study(population_size=4)
        run(study, 9)
        assert generations(study) == ["0.0"] * 4 + ["0.1"] * 4 + ["0.2"]


class TestRestarts:
    def test_ipop_doubles_the_population(self) -> None:
        study = make_study(restart_strategy="ipop")
        run(study, 600, lambda _: 1.0)
        runs = [label.split(".")[0] for label in generations(study)]
        sizes = [runs.count(number) for number in ("0", "1")]
        assert sizes == [(10 + 10) * 6, (10 + 5) * 12]  # so many generations are flat
        assert "population 24" in study.run(1).suggestions[0].explanation.text

    def test_bipop_alternates(self) -> None:
        study = make_study(restart_strategy="bipop")
        run(study, 900, lambda _: 1.0)
        texts = [study.records[number].labels["cmaes.generation"].split(".")[0] for number in study.records]
        sizes = [texts.count(str(number)) for number in range(3)]
        assert sizes[0] == 120
        assert sizes[1] == 180  # twice the population
        assert 120 <= sizes[2] <= 180  # a small one, until it has had as many evaluations

    @pytest.mark.parametrize("name", ["none", "None"])
    def test_without_a_strategy_there_is_one_run(self, name: str) -> None:
        study = make_study(restart_strategy=name)
        run(study, 400, lambda _: 1.0)
        assert {label.split(".")[0] for label in generations(study)} == {"0"}

    def test_what_an_earlier_run_drew_does_not_move_a_later_one(self) -> None:
        told, other = (make_study(restart_strategy="ipop") for _ in range(2))
        for study in (told, other):
            run(study, 119, lambda _: 1.0)
            study.run(4)
            for number in study.pending[:1]:
                study.end(number, TrialState.SUCCEEDED, 1.0)
            assert study.ask(1).suggestions[0].labels["cmaes.generation"] == "1.0"
        late = told.pending
        for study, value in ((told, -99.0), (other, 99.0)):
            for number in late:
                study.end(number, TrialState.SUCCEEDED, value)
            for number in range(12 - len(late)):
                study.run(1)
                study.end(max(study.records), TrialState.SUCCEEDED, float(number))
        assert told.ask(1).suggestions[0].labels["cmaes.generation"] == "1.1"
        assert told.ask(1) == other.ask(1)

    def test_a_run_that_is_spent_goes_on_without_an_error(self) -> None:
        study = make_study(SearchSpace((Parameter("x", DoubleDomain(-5, 5)),)))
        assert run(study, 1500) < 1e-12


class TestLabels:
    def test_a_place_survives_being_text(self) -> None:
        place = (0.1, -0.3, 1.7e-300, 1 / 3)
        assert from_label(to_label(place), 4) == place
        assert from_label("", 0) == ()

    @pytest.mark.parametrize("text", ["", "x", "=" * 12, "ü" * 12, to_label((1.0, 2.0)), to_label((float("nan"),))])
    def test_anything_else_is_no_place(self, text: str) -> None:
        assert from_label(text, 1) is None
        assert from_label(to_label((1e9,)), 1) is None

    def test_the_place_within_a_cell_is_known_again(self) -> None:
        cube, study = Cube(LISTED), make_study(LISTED)
        for suggestion in study.run(50).suggestions:
            label = suggestion.labels["cmaes.point"]
            sample = cube.read(suggestion.assignment, label)
            assert sample is not None
            assert sample.place == from_label(label, 5)
            assert (
                cube.space.decode(cube.unit(sample)) == suggestion.assignment if -1 not in sample.categories else True
            )

    def test_a_place_of_other_values_is_not_believed(self) -> None:
        cube, study = Cube(LISTED), make_study(LISTED)
        one, other = study.run(2).suggestions
        sample = cube.read(one.assignment, other.labels["cmaes.point"])
        assert sample is not None
        expected = dict(zip(LISTED.names, LISTED.encode(one.assignment), strict=True))
        assert sample.place[:4] == pytest.approx([expected[name] for name in ("rate", "depth", "width", "batch")])

    def test_what_is_no_point_of_the_space_is_not_told(self) -> None:
        cube = Cube(LISTED)
        good = dict(make_study(LISTED).run(1).suggestions[0].assignment)
        for bad in ({}, {**good, "depth": 21}, {**good, "more": 1}, {**good, "kernel": "z"}, {**good, "bias": 1}):
            assert cube.read(bad, "") is None

    def test_nor_is_another_value_of_a_parameter_that_has_but_one(self) -> None:
        cube = Cube(SearchSpace((Parameter("x", DoubleDomain(0, 1)), Parameter("one", IntDomain(3, 3)))))
        assert cube.read({"x": 0.5, "one": 4}, "") is None
        assert cube.read({"x": 0.5, "one": 3}, "") is not None


class TestQuality:
    """Seeds are fixed, so these cannot fail by bad luck; the bounds are far from what is reached."""

    @pytest.mark.parametrize("pending", [1, 8])
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_it_closes_in_on_a_bowl(self, seed: int, pending: int) -> None:
        assert run(make_study(seed=seed), 150, pending=pending) < 0.01

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_everything_at_once(self, seed: int) -> None:
        ours, random = (
            make_study(LISTED, seed),
            Study(make_spec("random", LISTED, seed=seed), cycle([TrialState.RUNNING])),
        )
        assert run(ours, 400, far, pending=4) < 0.5 * run(random, 400, far, pending=4)

    def test_one_parameter_is_enough(self) -> None:
        for domain in (DoubleDomain(-5, 5), IntDomain(-5, 5), DiscreteDomain((0.5, 1, 7)), DiscreteDomain((1, 2))):
            space = SearchSpace((Parameter("x", domain),))
            assert run(make_study(space), min(space.count() or 60, 60)) < 0.001

    def test_categories_alone_are_enough(self) -> None:
        space = SearchSpace(tuple(Parameter(f"c{k}", CategoricalDomain(("a", "b", "c"))) for k in range(12)))
        assert run(make_study(space), 300, lambda one: float(sum(value != "b" for value in one.values()))) <= 1

    def test_a_space_of_constants_is_soon_done(self) -> None:
        assert Run(Cube(SearchSpace((Parameter("x", IntDomain(3, 3)),))), make_options()).gaussian is None

    def test_a_bound_is_reached(self) -> None:
        study = make_study(MIXED)
        run(study, 200, lambda one: float(one["layers"]) + float(one["decay"]))
        late = [record.assignment for record in list(study.records.values())[-40:]]
        assert np.mean([one["layers"] == 1 for one in late]) > 0.5


def make_options() -> Options:
    return Options(seed=1, sigma=0.2, restart="none")
