"""TPE: what it learns, from which trials, and how it says so. The suite in `conformance.py` holds it to the rest."""

import dataclasses
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import cycle

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.strategies import search_spaces
from tests.suggestion.studies import FINITE, MIXED, NARROW, Study, make_spec

from tunesmith.study import (
    CategoricalDomain,
    Condition,
    DoubleDomain,
    IntDomain,
    NoFeasiblePoint,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    TrialState,
)
from tunesmith.study import Objective as MetricObjective
from tunesmith.suggestion import Suggestion, TrialRecord
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._table import Standing
from tunesmith.suggestion._tpe_candidates import ROUNDS, Candidates
from tunesmith.suggestion._tpe_groups import Densities, Evidence, Group, groups_of
from tunesmith.suggestion._tpe_trials import Trials
from tunesmith.suggestion.algorithms.sobol import Sobol
from tunesmith.suggestion.algorithms.tpe import MultivariateTpe, Tpe

PLANE = SearchSpace((Parameter("x", DoubleDomain(-5, 5)), Parameter("y", DoubleDomain(-5, 5))))
BRANCHES = SearchSpace(
    (
        Parameter("depth", IntDomain(1, 9), when=(Condition("kind", ("tree",)),)),
        Parameter("kind", CategoricalDomain(("tree", "net", "line"))),
        Parameter("rate", DoubleDomain(0, 1), when=(Condition("kind", ("net",)),)),
        Parameter("leaves", IntDomain(2, 99), when=(Condition("kind", ("tree",)),)),
        Parameter("split", DoubleDomain(0, 1), when=(Condition("depth", (5, 6, 7, 8, 9)),)),
        Parameter("common", DoubleDomain(0, 1)),
        Parameter("fixed", IntDomain(3, 3)),
    )
)
Objective = Callable[[Mapping[str, ParameterValue]], float]


def sphere(assignment: Mapping[str, ParameterValue]) -> float:
    """Least at (2, -1)."""
    return (float(assignment["x"]) - 2) ** 2 + (float(assignment["y"]) + 1) ** 2


def make_study(
    space: SearchSpace = PLANE, *, name: str = "tpe", seed: int = 7, given: Mapping[str, ParameterValue] | None = None
) -> Study:
    return Study(make_spec(name, space, seed=seed, given=given), cycle([TrialState.RUNNING]))


def optimise(study: Study, objective: Objective, trials: int, pending: int = 1) -> list[float]:
    """Run so many trials, so many at once; the values in the order of their ends."""
    values: list[float] = []
    while len(values) < trials:
        study.run(pending - len(study.pending))
        number = study.pending[0]
        values.append(objective(study.records[number].assignment))
        study.end(number, TrialState.SUCCEEDED, values[-1])
    return values


def learned(study: Study, objective: Objective, trials: int = 40) -> list[Suggestion]:
    """Suggestions after so many Sobol points."""
    sobol = Study(make_spec("sobol", study.spec.space), cycle([TrialState.RUNNING]))
    sobol.run(trials)
    for assignment in sobol.assignments:
        study.add(assignment)
        study.end(len(study.records) - 1, TrialState.SUCCEEDED, objective(assignment))
    return list(study.ask(8).suggestions)


class TestWhatItLearns:
    @pytest.mark.parametrize("pending", [1, 8])
    @pytest.mark.parametrize("given", [{}, {"multivariate": False}], ids=["together", "each"])
    def test_it_comes_near_the_optimum_sooner_than_random_search(self, given: dict[str, bool], pending: int) -> None:
        ours, random = [], []
        for seed in range(5):
            ours.append(min(optimise(make_study(seed=seed, given=given), sphere, 60, pending)))
            random.append(min(optimise(make_study(name="random", seed=seed), sphere, 60, pending)))
        assert np.median(ours) < np.median(random) / 4

    @pytest.mark.parametrize("kind", ObjectiveType)
    def test_it_goes_the_way_of_the_objective(self, kind: ObjectiveType) -> None:
        study = make_study(SearchSpace((Parameter("n", IntDomain(0, 99)),)))
        study.spec = dataclasses.replace(study.spec, objectives=(MetricObjective("loss", kind),))
        found = [float(one.assignment["n"]) for one in learned(study, lambda one: float(one["n"]))]
        assert np.median(found) < 30 if kind is ObjectiveType.MINIMIZE else np.median(found) > 70

    def test_parameters_that_go_together_are_found_together(self) -> None:
        """The good points are (high, high) and (low, low): each parameter alone tells nothing."""

        def crossed(one: Mapping[str, ParameterValue]) -> float:
            return -float(one["x"]) * float(one["y"])

        def share(given: Mapping[str, ParameterValue]) -> float:
            found = []
            for seed in range(6):
                study = make_study(seed=seed, given=given)
                found += [crossed(one.assignment) < 0 for one in learned(study, crossed, 60)]
            return sum(found) / len(found)

        assert share({}) > 0.9
        assert share({"multivariate": False}) < share({})
        assert MultivariateTpe().description.settings == Tpe().description.settings[:-1]

    def test_where_trials_fail_fewer_are_proposed(self) -> None:
        def low(study: Study) -> int:
            return sum(float(one.assignment["x"]) < 0 for one in study.ask(20).suggestions)

        clean, failing = make_study(), make_study()
        for study in (clean, failing):
            learned(study, lambda one: abs(float(one["y"])))
        rng = np.random.default_rng(0)
        for _ in range(30):
            failing.add({"x": float(rng.uniform(-5, 0)), "y": float(rng.uniform(-1, 1))})
            failing.end(len(failing.records) - 1, TrialState.FAILED, 0.0)
        assert low(failing) < 0.7 * low(clean)

    def test_trials_at_once_are_spread(self) -> None:
        """Each of a batch is proposed with those before it pending: the liar makes room around them."""
        study = make_study()
        batch = learned(study, sphere, 60)
        places = np.array([[float(one.assignment[name]) for name in ("x", "y")] for one in batch])
        distances = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(len(batch), 1)]
        assert distances.min() > 1e-3
        study.run(1)
        again = study.ask(1).suggestions[0]
        assert again.assignment == batch[1].assignment != batch[0].assignment


class TestConditions:
    def test_parameters_under_the_same_conditions_are_a_group(self) -> None:
        names = [tuple(BRANCHES.names[place] for place in group.members) for group in groups_of(BRANCHES, joint=True)]
        assert names == [("depth", "leaves"), ("kind", "common", "fixed"), ("rate",), ("split",)]
        assert [group.conditional for group in groups_of(BRANCHES, joint=True)] == [True, False, True, True]
        assert [len(group.members) for group in groups_of(BRANCHES, joint=False)] == [1] * 7

    def test_values_that_python_takes_for_equal_are_other_conditions(self) -> None:
        space = SearchSpace(
            (
                Parameter("kind", CategoricalDomain((1, True))),
                Parameter("a", DoubleDomain(0, 1), when=(Condition("kind", (1,)),)),
                Parameter("b", DoubleDomain(0, 1), when=(Condition("kind", (True,)),)),
            )
        )
        assert len(groups_of(space, joint=True)) == 3

    @pytest.mark.parametrize("joint", [True, False])
    def test_each_branch_is_learned_from_the_trials_in_it(self, joint: bool) -> None:
        def objective(one: Mapping[str, ParameterValue]) -> float:
            if one["kind"] != "tree":
                return 10.0
            return abs(float(one["leaves"]) - 20) / 10 + 9 - float(one["depth"])

        study = make_study(BRANCHES, given={"multivariate": joint})
        suggestions = learned(study, objective, 120)
        assert [one.assignment["kind"] for one in suggestions].count("tree") >= 7
        trees = [one.assignment for one in suggestions if one.assignment["kind"] == "tree"]
        assert np.median([float(one["depth"]) for one in trees]) >= 7
        assert 5 < np.median([float(one["leaves"]) for one in trees]) < 40

    def test_a_group_that_no_good_trial_had_is_drawn_from_the_space(self) -> None:
        study = make_study(BRANCHES, given={"n_startup_trials": 1})
        study.add({"kind": "line", "common": 0.5, "fixed": 3})
        study.end(0, TrialState.SUCCEEDED, 1.0)
        kinds = {str(one.assignment["kind"]) for one in study.ask(40).suggestions}
        assert kinds == {"tree", "net", "line"}


class TestWhichAreGood:
    def of(self, *trials: tuple[Standing, float]) -> list[int]:
        """Numbers of those that are good, of trials with a standing and a loss; with gamma = 0.5."""
        standings, losses = zip(*trials, strict=True)
        rows = Trials(
            np.arange(len(trials)), np.zeros((1, len(trials))), np.array(losses), np.array(standings, np.int8)
        )
        return np.flatnonzero(rows.good(0.5)).tolist()

    def test_the_best_share_of_those_with_a_value(self) -> None:
        done = Standing.DONE
        assert self.of((done, 3), (done, 1), (done, 2), (done, 0)) == [1, 3]
        assert self.of((done, 1), (Standing.FAILED, math.nan), (Standing.PENDING, math.nan)) == [0]

    def test_of_equal_ones_the_first(self) -> None:
        assert self.of(*[(Standing.DONE, 1.0)] * 5, (Standing.DONE, 0.0)) == [0, 1, 5]

    def test_twenty_five_at_most(self) -> None:
        assert self.of(*[(Standing.DONE, -float(place)) for place in range(100)]) == list(range(75, 100))

    def test_stopped_ones_come_after_those_that_ran_to_their_end(self) -> None:
        stopped = Standing.STOPPED
        assert self.of((stopped, -9), (Standing.DONE, 5), (stopped, -8), (stopped, -7)) == [0, 1]

    def test_and_among_themselves_by_loss(self) -> None:
        stopped = Standing.STOPPED
        assert self.of((stopped, 3), (stopped, 1), (stopped, 2), (stopped, 0)) == [1, 3]


def test_densities_are_made_once_for_all_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    made, densities = list[Group](), Evidence.densities

    def counted(evidence: Evidence, space: SearchSpace, group: Group) -> Densities:
        made.append(group)
        return densities(evidence, space, group)

    monkeypatch.setattr(Evidence, "densities", counted)
    space = SearchSpace((Parameter("x", IntDomain(1, 3)), Parameter("y", DoubleDomain(0, 1))))
    evidence = Evidence(np.array([[1 / 6, 1 / 2, 5 / 6], [0.1, 0.2, 0.9]]), np.array([True, False, False]), 1.0)
    groups = groups_of(space, joint=False)
    drawn = list(Candidates(space, groups, evidence, 24, np.random.default_rng(0)))
    assert len(drawn) == 24 * ROUNDS
    assert made == groups


class TestStartup:
    def test_it_begins_as_sobol_does(self) -> None:
        study, sobol = make_study(MIXED), Study(make_spec("sobol", MIXED), cycle([TrialState.RUNNING]))
        answer = study.run(12)
        sobol.run(12)
        assert study.assignments == sobol.assignments
        assert {one.explanation.model for one in answer.suggestions} == {"startup"}
        assert "the model is asked when 10 trials have a value" in answer.suggestions[0].explanation.text
        assert answer.suggestions[0].labels == {"sobol.index": "0"}

    def test_only_trials_with_a_value_count(self) -> None:
        study = make_study(given={"n_startup_trials": 3})
        study.run(5)
        for number, state in enumerate((TrialState.SUCCEEDED, TrialState.FAILED, TrialState.EARLY_STOPPED)):
            study.end(number, state, 1.0)
        assert study.ask(1).suggestions[0].explanation.model == "startup"
        study.end(3, TrialState.SUCCEEDED, 1.0)
        assert study.ask(1).suggestions[0].explanation.model == "tpe"

    def test_without_startup_the_space_itself_is_the_model(self) -> None:
        suggestion = make_study(given={"n_startup_trials": 0}).ask(1).suggestions[0]
        assert suggestion.explanation.model == "tpe"
        assert suggestion.explanation.acquisition == pytest.approx(0)

    def test_more_parameters_than_sobol_has_dimensions(self) -> None:
        space = SearchSpace(tuple(Parameter(f"p{place}", DoubleDomain(0, 1)) for place in range(300)))
        assert Sobol().check(make_spec("sobol", space), make_study().settings)
        study = make_study(space, given={"n_startup_trials": 2})
        optimise(study, lambda one: float(one["p7"]), 4)
        assert study.ask(1).suggestions[0].explanation.model == "tpe"


class TestExplanation:
    def test_it_tells_what_was_learned_from(self) -> None:
        study = make_study()
        learned(study, sphere)
        study.run(2)
        study.add({"x": 0.0, "y": 0.0})
        study.end(42, TrialState.FAILED, 0.0)
        explanation = study.ask(1).suggestions[0].explanation
        assert explanation.acquisition is not None
        density = f"e^{explanation.acquisition:.2f} times as dense in the 4 good trials as in the 39 others"
        assert explanation.text.startswith(f"{density} (2 of them pending, 1 failed)")

    def test_a_random_draw_says_that_it_is_one(self) -> None:
        study = make_study(FINITE, given={"n_startup_trials": 1, "n_ei_candidates": 1})
        models = set()
        for _ in range(24):
            suggestion = study.run(1).suggestions[0]
            models.add(suggestion.explanation.model)
            if suggestion.explanation.model == "random":
                assert "none of the candidates was allowed and new" in suggestion.explanation.text
                assert suggestion.explanation.acquisition is None
            study.end(len(study.records) - 1, TrialState.SUCCEEDED, 0.0)
        assert models == {"startup", "tpe", "random"}

    def test_the_best_of_the_candidates_that_are_allowed_is_taken(self) -> None:
        study = make_study(NARROW, given={"n_startup_trials": 5})
        models = []
        for _ in range(30):
            suggestion = study.run(1).suggestions[0]
            study.end(len(study.records) - 1, TrialState.SUCCEEDED, float(suggestion.assignment["x"]))
            models.append(suggestion.explanation.model)
        assert models.count("tpe") >= 20
        assert all(NARROW.problems(assignment) == [] for assignment in study.assignments)


class TestBatches:
    @given(
        space=search_spaces(max_parameters=4),
        seed=st.integers(0, 99),
        trials=st.integers(0, 30),
        size=st.integers(2, 6),
        values=st.lists(st.floats(-3, 3), min_size=1, max_size=9),
    )
    @settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def test_a_batch_is_as_one_by_one(
        self, space: SearchSpace, seed: int, trials: int, size: int, values: list[float]
    ) -> None:
        study = make_study(space, seed=seed, given={"n_startup_trials": 3})
        try:
            study.run(trials)
            for number in list(study.records)[: trials - 2]:
                study.end(number, TrialState.SUCCEEDED, values[number % len(values)])
            batch = study.ask(size).suggestions
        except NoFeasiblePoint:
            assume(False)
        for wanted in batch:
            study.restart()
            assert study.run(1).suggestions == (wanted,)

    def test_trials_that_are_asked_for_late_are_where_their_numbers_are(self) -> None:
        """Names left unanswered come again when later trials are there; then too, rows lie by number."""
        one, other = make_study(), make_study()
        for study in (one, other):
            learned(study, sphere)
            study.records = {number + 1000 if number > 30 else number: r for number, r in study.records.items()}
            study.records = {n: dataclasses.replace(r, number=n, name=f"t{n}") for n, r in study.records.items()}
            study.restart()
        names = [("a", 31), ("b", 32)]
        both = one.algorithm.suggest(one.view(), names).suggestions
        first = other.algorithm.suggest(other.view(), names[:1]).suggestions[0]
        other.history.apply([TrialRecord(31, "a", TrialState.PENDING, first.assignment)])
        assert other.algorithm.suggest(other.view(), names[1:]).suggestions == both[1:]


@pytest.mark.parametrize("name", ["tpe", "multivariate-tpe"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gamma": 0.0}, "`0 < gamma < 1` must hold, but got 0.0"),
        ({"gamma": 1}, "`0 < gamma < 1` must hold, but got 1.0"),
        ({"gamma": 1.5}, "`gamma <= 1` must hold, but got 1.5"),
        ({"prior_weight": 0}, "`prior_weight > 0` must hold, but got 0.0"),
        ({"n_EI_candidates": 0}, "`n_EI_candidates >= 1` must hold, but got 0"),
        ({"random_state": -1}, "`random_state >= 0` must hold, but got -1"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, given: dict[str, ParameterValue], message: str) -> None:
    _, mistakes = read_study(make_study(name=name).algorithm, make_spec(name, PLANE, given=given))
    path = f"spec.algorithm.settings.{next(iter(given))}"
    assert [(mistake.path, mistake.message) for mistake in mistakes] == [(path, message)]


def test_scipy_and_optuna_are_not_needed() -> None:
    code = "import sys, tunesmith.suggestion.algorithms.tpe as _; print({'scipy', 'optuna'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
