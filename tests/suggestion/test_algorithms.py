"""What each of our algorithms does beyond what all of them do."""

import math
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest
from tests.suggestion.studies import FINITE, FINITE_COUNT, MIXED, NARROW, Study, make_spec, run_to_the_end

from tunesmith.study import Distribution, DoubleDomain, IntDomain, Limits, Parameter, SearchSpace, TrialState
from tunesmith.suggestion import Status
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._points import EXACT_UP_TO
from tunesmith.suggestion._sobol import SobolSequence
from tunesmith.suggestion.algorithms import sobol
from tunesmith.suggestion.algorithms.auto import choose

CONTINUOUS = SearchSpace(
    (Parameter("x", DoubleDomain(0, 1)), Parameter("rate", DoubleDomain(1e-4, 1, Distribution.LOG_UNIFORM)))
)
LARGE = SearchSpace((Parameter("n", IntDomain(0, EXACT_UP_TO)), Parameter("m", IntDomain(0, 9))))


def watched(monkeypatch: pytest.MonkeyPatch, method: str) -> list[Any]:
    """Collect what a method of the search space is called with."""
    seen: list[Any] = []
    real = getattr(SearchSpace, method)

    def watch(space: SearchSpace, argument: Any) -> Any:
        seen.append(argument)
        return real(space, argument)

    monkeypatch.setattr(SearchSpace, method, watch)
    return seen


class TestRandom:
    def test_a_trial_has_a_generator_of_its_own(self) -> None:
        study = Study(make_spec("random", CONTINUOUS, seed=3))
        study.run(5)
        expected = [CONTINUOUS.sample(np.random.default_rng([3, number])) for number in range(5)]
        assert study.assignments == expected

    def test_draws_follow_the_distributions(self) -> None:
        study = Study(make_spec("random", CONTINUOUS))
        study.run(400)
        below = sum(one["rate"] < 1e-2 for one in study.assignments if isinstance(one["rate"], float))
        assert 150 < below < 250

    def test_the_last_points_are_chosen_among_those_left(self) -> None:
        study = Study(make_spec("random", FINITE))
        texts = [suggestion.explanation.text for suggestion in study.run(FINITE_COUNT).suggestions]
        assert texts[0] == "drawn from the distributions of the search space"
        assert "chosen among the 2 points left" in texts

    def test_a_skewed_distribution_leaves_no_point_out(self) -> None:
        space = SearchSpace((Parameter("n", IntDomain(0, 2000, Distribution.NORMAL)),))
        study = Study(make_spec("random", space))
        run_to_the_end(study, [97], 2001)
        assert len(set(study.keys)) == 2001

    def test_a_space_too_large_to_list_is_searched_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = Study(make_spec("random", LARGE))
        study.run(3)
        point = dict(study.assignments[0])
        monkeypatch.setattr(SearchSpace, "sample", lambda space, rng: dict(point))
        answer = study.ask(1)
        assert answer.status is Status.OK
        assert answer.suggestions[0].explanation.text.startswith("drawn again")


class TestGrid:
    def test_the_order_is_the_spaces(self) -> None:
        study = Study(make_spec("grid", FINITE))
        run_to_the_end(study, [5], FINITE_COUNT)
        assert study.assignments == list(FINITE.enumerate())
        assert [record.labels["grid.index"] for record in study.records.values()] == [str(n) for n in range(24)]

    @pytest.mark.parametrize(("given", "count"), [({}, 25), ({"points": 2}, 4), ({"points": 7.0}, 49)])
    def test_points_of_a_continuum(self, given: dict[str, Any], count: int) -> None:
        study = Study(make_spec("grid", CONTINUOUS, given=given))
        run_to_the_end(study, [count], count)
        side = math.isqrt(count)
        assert len(study.keys) == len(set(study.keys)) == count
        xs = sorted({float(one["x"]) for one in study.assignments})
        assert xs == pytest.approx([n / (side - 1) for n in range(side)])
        rates = sorted({float(one["rate"]) for one in study.assignments})
        assert rates == pytest.approx([1e-4 ** (1 - n / (side - 1)) for n in range(side)])

    def test_points_tried_before_are_left_out(self) -> None:
        study = Study(make_spec("grid", FINITE))
        done = list(FINITE.enumerate())[2:20:3]
        for assignment in done:
            study.add(assignment)
        run_to_the_end(study, [4], FINITE_COUNT)
        assert study.assignments[len(done) :] == [point for point in FINITE.enumerate() if point not in done]

    def test_a_restarted_service_goes_on_where_the_labels_say(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a look at the key of each point before."""
        study = Study(make_spec("grid", LARGE))
        study.run(500)
        study.restart()
        looked_at = watched(monkeypatch, "key")
        answer = study.ask(2)
        assert [suggestion.labels["grid.index"] for suggestion in answer.suggestions] == ["500", "501"]
        assert len(looked_at) == 2

    def test_a_held_study_goes_on_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = Study(make_spec("grid", LARGE), keep_labels=False)
        study.run(50)
        monkeypatch.setattr(SearchSpace, "enumerate", lambda *_: pytest.fail("begins again"))
        study.run(50)
        assert study.assignments == list(islice(iter(_points(LARGE)), 100))

    def test_a_grid_without_a_point_is_refused(self) -> None:
        space = SearchSpace(CONTINUOUS.parameters, ("params.x > 0.3", "params.x < 0.4"))
        algorithm = Study(make_spec("grid", CONTINUOUS)).algorithm
        for points, paths in [(5, ["spec.constraints"]), (4, []), (21, [])]:
            _, mistakes = read_study(algorithm, make_spec("grid", space, given={"points": points}))
            assert [mistake.path for mistake in mistakes] == paths

    def test_limits_below_the_grid_are_remarked_on(self) -> None:
        algorithm = Study(make_spec("grid", CONTINUOUS)).algorithm
        for trials, remarks in [(24, 1), (25, 0), (26, 0), (10**9, 0)]:
            study = Study(make_spec("grid", CONTINUOUS, trials=trials))
            assert len(algorithm.remarks(study.spec, study.settings)) == remarks  # type: ignore[attr-defined]


def _points(space: SearchSpace) -> list[dict[str, Any]]:
    """The first points of LARGE, counted by hand: the last parameter changes fastest."""
    assert space is LARGE
    return [{"n": n, "m": m} for n in range(11) for m in range(10)]


class TestSobol:
    def test_it_follows_the_scrambled_sequence(self) -> None:
        study = Study(make_spec("sobol", CONTINUOUS, seed=5))
        study.run(32)
        cube = SobolSequence(2, np.random.default_rng([5])).points(0, 32)
        assert study.assignments == [CONTINUOUS.decode(point) for point in cube.tolist()]
        assert study.records[31].labels == {"sobol.index": "31"}

    def test_it_is_even_from_the_first_trials_on(self) -> None:
        study = Study(make_spec("sobol", CONTINUOUS))
        study.run(16)
        assert {int(float(one["x"]) * 16) for one in study.assignments} == set(range(16))

    def test_where_hardly_anything_is_allowed_it_draws_at_random_and_says_so(self) -> None:
        study = Study(make_spec("sobol", NARROW))
        suggestions = study.run(6).suggestions
        drawn = [one for one in suggestions if one.explanation.model == "random"]
        assert drawn
        assert all("no point is left among the first" in one.explanation.text for one in drawn)
        assert all(int(one.labels["sobol.index"]) % sobol.PLACES_PER_TRIAL == 99 for one in drawn)

    def test_a_restarted_service_goes_on_where_the_labels_say(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = Study(make_spec("sobol", CONTINUOUS))
        study.run(300)
        study.restart()
        looked_at = watched(monkeypatch, "decode")
        study.ask(1)
        assert len(looked_at) <= 8

    def test_gaps_in_the_numbers_do_not_ask_for_endless_work(self) -> None:
        study = Study(make_spec("sobol", FINITE))
        study.add({"kernel": "rbf", "width": 0.1})
        study.records[2**40] = study.records.pop(0)
        study.restart()
        run_to_the_end(study, [FINITE_COUNT + 5], FINITE_COUNT + 5)


BEGINS = "a model begins when 10 trials have a value"


class TestAuto:
    @pytest.mark.parametrize(
        ("space", "trials", "why"),
        [
            (FINITE, 24, "auto chose grid because the 24 points of the space fit into the limit of 24 trials"),
            (FINITE, None, "auto chose grid because the 24 points of the space can all be tried"),
            (FINITE, 23, "auto chose sobol because a model begins when 7 trials have a value"),
            (LARGE, None, "auto chose sobol because a model begins when 10 trials have a value"),
            (CONTINUOUS, 10**6, "auto chose sobol because a model begins when 10 trials have a value"),
        ],
    )
    def test_it_says_what_it_chose_and_why(self, space: SearchSpace, trials: int | None, why: str) -> None:
        study = Study(make_spec("auto", space, trials=trials))
        assert all(why in suggestion.explanation.text for suggestion in study.run(3).suggestions)

    @pytest.mark.parametrize(
        ("parameters", "parallel", "valued", "name", "reason"),
        [
            (3, 1, 9, "sobol", BEGINS),
            (3, 1, 10, "gp", "it sees most in few values (10)"),
            (30, 50, 200, "gp", "it sees most in few values (200)"),
            (3, 1, 201, "tpe", "it stays fast with more than 200 values"),
            (31, 1, 10, "tpe", "the space has more than 30 parameters"),
            (3, 51, 10, "tpe", "more than 50 trials run in parallel"),
            (
                257,
                1,
                0,
                "random",
                "a model begins when 10 trials have a value, and `sobol` takes at most 256 parameters",
            ),
        ],
    )
    def test_the_choice(self, parameters: int, parallel: int, valued: int, name: str, reason: str) -> None:
        space = SearchSpace(tuple(Parameter(f"p{number}", DoubleDomain(0, 1)) for number in range(parameters)))
        choice = choose(space, Limits(trials=1000, parallel=parallel), valued)
        assert (choice.algorithm.description.name, choice.reason) == (name, reason)

    @pytest.mark.parametrize(("trials", "name"), [(30, "grid"), (5, "sobol")])
    def test_it_does_what_the_chosen_one_does(self, trials: int, name: str) -> None:
        auto, chosen = (
            Study(make_spec(it, FINITE, trials=trials), cycle([TrialState.RUNNING])) for it in ("auto", name)
        )
        for study in (auto, chosen):
            study.run(4)
        assert auto.assignments == chosen.assignments

    def test_it_goes_from_start_to_model(self) -> None:
        study = Study(make_spec("auto", MIXED, trials=60), cycle([TrialState.RUNNING]))
        for number in range(14):
            study.run(1)
            study.end(number, TrialState.SUCCEEDED, math.sin(number))
        (suggestion,) = study.ask(1).suggestions
        assert suggestion.explanation.model == "gp"
        assert suggestion.explanation.text.endswith("auto chose gp because it sees most in few values (14)")

    def test_mixed_spaces_are_its_everyday_work(self) -> None:
        study = Study(make_spec("auto", MIXED, trials=20))
        study.run(20)
        assert len(set(study.keys)) == 20
