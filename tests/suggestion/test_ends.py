"""Where trials that were stopped early would have ended, and what `tpe` makes of it."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.suggestion.studies import Study, make_spec

from tunesmith.services.traits import traits_of
from tunesmith.study import (
    CategoricalDomain,
    Condition,
    DoubleDomain,
    IntDomain,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    Strategy,
    TrialState,
)
from tunesmith.suggestion import _ends
from tunesmith.suggestion._ends import Ends
from tunesmith.suggestion._table import table_of
from tunesmith.suggestion._told import told
from tunesmith.suggestion._tpe_trials import Trials

PLANE = SearchSpace((Parameter("x", DoubleDomain(0, 1)), Parameter("y", DoubleDomain(0, 1))))
END = 27
Config = Mapping[str, ParameterValue]
Curve = Callable[[Config, int], float]


def crossing(one: Config, step: int) -> float:
    """What learns slowly, of small x, is behind at first and ends best; y is in the way."""
    x, y = float(one["x"]), float(one["y"])
    return 1 + 0.2 * x + 0.05 * (y - 0.5) ** 2 + (2 - 1.5 * x) * math.exp(-step / (9 - 6 * x))


def steep(noise: float, _: Config, step: int) -> float:
    """What all learn alike, but for a noise that stays."""
    return 1 / step + noise


def recorded(losses: list[float], _: Config, step: int) -> float:
    """What was seen before."""
    return losses[step - 1]


def started(
    strategy: Strategy = Strategy.MIN, goal: ObjectiveType = ObjectiveType.MINIMIZE, algorithm: str = "tpe"
) -> Study:
    spec = make_spec(algorithm, PLANE, seed=3)
    objective = Objective("loss", goal, strategy=strategy)
    return Study(dataclasses.replace(spec, objectives=(objective,)), cycle([TrialState.RUNNING]))


def train(study: Study, number: int, steps: int, curve: Curve = crossing, *, sign: int = 1, told: bool = True) -> None:
    """Let a trial run for so many steps; one that does not come to the end was stopped."""
    record = study.records[number]
    values = {step: sign * curve(record.assignment, step) for step in range(1, steps + 1)}
    study.records[number] = dataclasses.replace(record, steps=values if told else {})
    state = TrialState.SUCCEEDED if steps == END else TrialState.EARLY_STOPPED
    study.end(number, state, VALUES[study.spec.objective.strategy](list(values.values())))


VALUES: Mapping[Strategy, Callable[[list[float]], float]] = {
    Strategy.MIN: min,
    Strategy.MAX: max,
    Strategy.LATEST: lambda values: values[-1],
    Strategy.AVERAGE: lambda values: sum(values) / len(values),
}


def value_of(study: Study, assignment: Config) -> float:
    """The loss of a trial that runs to its end."""
    strategy = study.spec.objective.strategy
    losses = [crossing(assignment, step) for step in range(1, END + 1)]
    return VALUES[Strategy.MIN if strategy is Strategy.MAX else strategy](losses)


def random_trials(study: Study, count: int, lengths: Callable[[int], int], *, told: bool = True) -> None:
    rng = np.random.default_rng(5)
    for number in range(count):
        study.add({"x": float(rng.uniform()), "y": float(rng.uniform())})
        train(study, number, lengths(number), told=told)


def halved(number: int) -> int:
    """One in four goes on to the next of four rungs."""
    return next(steps for every, steps in ((32, END), (8, 9), (4, 3), (1, 1)) if number % every == 0)


class TestEnds:
    @pytest.mark.parametrize("goal", list(ObjectiveType))
    @pytest.mark.parametrize("strategy", ["best", Strategy.LATEST, Strategy.AVERAGE])
    def test_forecasts_are_of_the_ends_and_not_of_what_was_reached(self, goal: ObjectiveType, strategy: str) -> None:
        sign = 1 if goal is ObjectiveType.MINIMIZE else -1
        best = Strategy.MIN if sign == 1 else Strategy.MAX
        study = started(best if strategy == "best" else Strategy(strategy), goal)
        rng = np.random.default_rng(5)
        for number in range(96):
            study.add({"x": float(rng.uniform()), "y": float(rng.uniform())})
            train(study, number, halved(number), sign=sign)
        ends, records = Ends.of(study.view()), list(study.records.values())
        stopped = np.array([record.state is TrialState.EARLY_STOPPED for record in records])
        assert (ends.forecast == stopped).all()
        true = np.array([value_of(study, record.assignment) for record in records])
        reached = sign * np.array([record.values[0] for record in records])
        assert (ends.losses[~stopped] == reached[~stopped]).all()
        by_forecast, by_value = (np.corrcoef(one[stopped], true[stopped])[0, 1] for one in (ends.losses, reached))
        assert by_value < 0 or (strategy is Strategy.AVERAGE and by_value < by_forecast), "who is ahead ends behind"
        assert by_forecast > 0.8
        assert np.abs(ends.losses - true)[stopped].mean() < 0.1

    def test_nothing_is_forecast_of_trials_whose_steps_nobody_tells(self) -> None:
        study = started()
        random_trials(study, 40, halved, told=False)
        ends = Ends.of(study.view())
        assert not ends.forecast.any()
        assert ends.losses.tolist() == [record.values[0] for record in study.records.values()]

    def test_nor_where_trials_end_at_once(self) -> None:
        study = started()
        random_trials(study, 8, lambda _: 1)
        assert not Ends.of(study.view()).forecast.any()

    def test_only_of_the_latest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = started()
        random_trials(study, 40, halved)
        assert Ends.of(study.view()).forecast[:8].sum() == 7
        monkeypatch.setattr(_ends, "MOST_TRIALS", 30)
        ends = Ends.of(study.view())
        assert not ends.forecast[:10].any()
        assert ends.forecast[10:].sum() == 29

    def test_nothing_where_the_latest_still_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = started()
        random_trials(study, 8, halved)
        monkeypatch.setattr(_ends, "MOST_TRIALS", 2)
        study.run(2)
        ends = Ends.of(study.view())
        assert not ends.forecast.any()
        assert len(study.ask(1).suggestions) == 1

    def test_a_trial_that_ended_sooner_because_it_had_learned_teaches_that_nothing_more_comes(self) -> None:
        study = started()
        for number in range(12):
            study.add({"x": number / 12, "y": 0.5})
            train(study, number, END if number % 4 == 0 else 3, lambda _, step: 1 + 1 / min(step, 3))
            if number % 4 == 2:
                study.end(number, TrialState.SUCCEEDED, study.records[number].values[0])
        ends = Ends.of(study.view())
        assert ends.losses == pytest.approx(1 + 1 / 3, abs=0.01)

    def test_values_that_are_no_numbers_teach_nothing(self) -> None:
        study = started()
        random_trials(study, 40, halved)
        whole = Ends.of(study.view()).losses
        for number in (1, 4, 8):
            steps = {step: value if step % 3 else math.nan for step, value in study.records[number].steps.items()}
            study.records[number] = dataclasses.replace(study.records[number], steps=steps)
        study.restart()
        assert np.isfinite(Ends.of(study.view()).losses).all()
        assert Ends.of(study.view()).losses == pytest.approx(whole, abs=0.1)

    @pytest.mark.parametrize("begin", [0, 1000])
    def test_steps_may_begin_anywhere(self, begin: int) -> None:
        study, moved = started(), started()
        random_trials(study, 40, halved)
        random_trials(moved, 40, halved)
        for number, record in moved.records.items():
            steps = {begin - 1 + step: value for step, value in record.steps.items()}
            moved.records[number] = dataclasses.replace(record, steps=steps)
        moved.restart()
        assert Ends.of(moved.view()).losses.tolist() == Ends.of(study.view()).losses.tolist()

    def test_what_nobody_knows_is_not_taken_to_be_good(self) -> None:
        """One trial has finished; those that were stopped at once fell as steeply as it did at first."""
        study, rng = started(), np.random.default_rng(1)
        for number in range(20):
            study.add({"x": float(rng.uniform()), "y": float(rng.uniform())})
            noise = float(rng.normal(0, 0.05))
            train(study, number, END if number == 7 else 1, partial(steep, noise))
        ends = Ends.of(study.view())
        assert ends.losses.argmin() == 7

    def test_nor_worse_than_all(self) -> None:
        study = started(Strategy.LATEST)
        for number in range(12):
            study.add({"x": number / 12, "y": 0.5})
            train(study, number, END if number < 2 else 3, lambda one, step: 1 + float(one["x"]) * 1.2**step)
        ends = Ends.of(study.view())
        assert ends.losses.max() == pytest.approx(max(record.values[0] for record in study.records.values()))

    def test_what_is_kept_changes_nothing(self) -> None:
        kept = started()
        for number in range(40):
            kept.add({"x": number / 40, "y": (7 * number % 40) / 40})
            train(kept, number, halved(number))
            Ends.of(kept.view())
        found = Ends.of(kept.view()).losses
        again = [dataclasses.replace(record, steps=dict(record.steps)) for record in kept.records.values()]
        kept.history.apply(again)
        assert Ends.of(kept.view()).losses.tolist() == found.tolist(), "all was told twice"
        kept.restart()
        assert Ends.of(kept.view()).losses.tolist() == found.tolist()

    @given(
        ended=st.lists(
            st.tuples(
                st.sampled_from((TrialState.SUCCEEDED, TrialState.EARLY_STOPPED)),
                st.floats(allow_nan=False, allow_infinity=False),
                st.dictionaries(st.integers(0, 2**62), st.floats(), max_size=4),
            ),
            min_size=1,
            max_size=8,
        ),
        strategy=st.sampled_from((Strategy.MIN, Strategy.LATEST)),
    )
    @settings(deadline=None)
    def test_whatever_was_told_the_forecasts_are_numbers(
        self, ended: list[tuple[TrialState, float, dict[int, float]]], strategy: Strategy
    ) -> None:
        study = started(strategy)
        for number, (state, value, steps) in enumerate(ended):
            study.add({"x": number / 8, "y": 0.5})
            study.end(number, state, value)
            study.records[number] = dataclasses.replace(study.records[number], steps=steps)
        study.restart()
        ends = Ends.of(study.view())
        assert np.isfinite(ends.losses).all()
        done = [record.state is TrialState.SUCCEEDED for record in study.records.values()]
        assert not ends.forecast[done].any()


class TestTraits:
    def test_numbers_and_their_squares_and_categories_against_the_others(self) -> None:
        space = SearchSpace(
            (
                Parameter("x", DoubleDomain(0, 1)),
                Parameter("two", CategoricalDomain(("a", "b"))),
                Parameter("three", CategoricalDomain(("a", "b", "c"))),
                Parameter("n", IntDomain(0, 9), when=(Condition("two", ("b",)),)),
            )
        )
        points: list[Config] = [{"x": 0.75, "two": "a", "three": "b"}, {"x": 0.0, "two": "b", "three": "c", "n": 9}]
        traits = traits_of(space, np.array([space.encode(one, inactive=math.nan) for one in points]))
        assert traits[0] == pytest.approx([0.5, 0.25 - 1 / 3, -0.5, -1 / 3, 2 / 3, -1 / 3, 0, 0])
        assert traits[1, :6] == pytest.approx([-1, 2 / 3, 0.5, -1 / 3, -1 / 3, 2 / 3])
        assert traits[1, 6] > 0.8

    @pytest.mark.parametrize(("count", "traits"), [(32, 64), (33, 33), (64, 64), (65, 0)])
    def test_of_many_there_are_fewer_and_of_too_many_none(self, count: int, traits: int) -> None:
        many = SearchSpace(tuple(Parameter(f"p{place}", DoubleDomain(0, 1)) for place in range(count)))
        assert traits_of(many, np.zeros((5, count))).shape == (5, traits)
        assert traits_of(SearchSpace(many.parameters[:32]), np.zeros((5, 32))).shape == (5, 64)


def test_models_of_values_learn_from_forecasts() -> None:
    """As `bayesian` does; `gp` is asked."""
    study, untold = started(algorithm="gp"), started(algorithm="gp")
    random_trials(study, 96, halved)
    random_trials(untold, 96, halved, told=False)
    view = study.view()
    known = told(view, [], 200)
    assert known is not None
    assert known.losses.tolist() == Ends.of(view).losses.tolist()
    (found,), (blind,) = study.ask(1).suggestions, untold.ask(1).suggestions
    assert float(found.assignment["x"]) < 0.3 < 0.6 < float(blind.assignment["x"])


class TestTpe:
    def test_it_looks_where_trials_end_well_though_they_begin_badly(self) -> None:
        told, untold = started(), started()
        random_trials(told, 96, halved)
        random_trials(untold, 96, halved, told=False)
        asked = told.ask(60).suggestions
        assert np.mean([float(one.assignment["x"]) < 0.4 for one in asked]) > 0.8
        assert "; of 93 that were stopped the ends are forecast; candidate" in asked[0].explanation.text
        blind = untold.ask(60).suggestions
        assert np.mean([float(one.assignment["x"]) < 0.4 for one in blind]) < 0.5

    @pytest.mark.parametrize("noise", [0.0, 0.05])
    def test_it_does_not_lock_on_to_what_was_never_finished(self, noise: float) -> None:
        told, untold = (np.mean([second_half(seed, noise, told=one) for seed in range(5)]) for one in (True, False))
        assert told < untold + 0.03

    def test_a_finished_trial_that_was_bad_is_not_good_for_having_finished(self) -> None:
        study = started()
        random_trials(study, 40, lambda number: 3 if number else END)
        study.add({"x": 1.0, "y": 1.0})
        train(study, 40, END, lambda _, step: 9.0)
        view = study.view()
        good = Trials.of(table_of(view), Ends.of(view)).good(0.1)
        assert good.sum() == 5
        assert not good[40]


def second_half(seed: int, noise: float, *, told: bool) -> float:
    """Mean of where the second 30 of 60 trials would end, chosen by tpe and stopped by their order at rungs."""
    study, rng = started(), np.random.default_rng(seed)
    place, before, ends = rng.uniform(0.2, 0.8, 2), dict[int, list[float]](), []

    def curve(one: Config, step: int) -> float:
        x, y = float(one["x"]), float(one["y"])
        end = 0.2 + 2 * (x - place[0]) ** 2 + (y - place[1]) ** 2
        return float(end + math.exp(-step / (2 + 10 * x)) + noise * rng.normal())

    for number in range(60):
        study.run(1)
        losses = [curve(study.records[number].assignment, step) for step in range(1, END + 1)]
        last = END
        for rung in (1, 3, 9):
            there, own = before.setdefault(rung, []), min(losses[:rung])
            there.append(own)
            if sum(one < own for one in there) >= max(len(there) // 3, 1):
                last = rung
                break
        train(study, number, last, partial(recorded, losses), told=told)
        x, y = (float(study.records[number].assignment[name]) for name in "xy")
        ends.append(0.2 + 2 * (x - place[0]) ** 2 + (y - place[1]) ** 2)
    return float(np.mean(ends[30:]))
