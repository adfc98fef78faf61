"""The rule `curve`: what it expects, and whom it stops."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.earlystop.studies import Study, make_spec

from tunesmith.study import DoubleDomain, Parameter, ParameterValue, SearchSpace, Strategy, TrialState


def falling(c: float, a: float, last: int) -> list[float]:
    """A power law."""
    return [c + a / math.sqrt(step) for step in range(1, last + 1)]


def noisy(rng: np.random.Generator, last: int) -> list[float]:
    """A power law whose exponent early values do not tell."""
    c, a, power = rng.uniform(0, 1), rng.uniform(1, 3), rng.uniform(0.2, 1)
    return [float(c + a / step**power + rng.normal(0, 0.1)) for step in range(1, last + 1)]


def one_that_falls_late(x: int) -> list[float]:
    """27 steps; nothing is seen for 5 of them, and then it falls by as much as its parameter says."""
    return [1.0 - x / 10 * min(max(step - 5, 0) / 15, 1.0) for step in range(1, 28)]


class TestCurve:
    def test_a_hopeless_trial_is_stopped_and_a_slow_starter_is_not(self) -> None:
        study = Study(make_spec("curve", maximize=True))
        for number in range(8):
            study.finish(number, [0.8 + number / 100 - (0.3 + number % 3 / 5) / step for step in range(1, 21)])
        study.report(8, [0.3] * 10)
        study.report(9, [0.93 - 0.9 / step for step in range(1, 11)])
        hopeless, slow = study.ask(8, 9)
        assert hopeless.stop
        assert not slow.stop
        assert hopeless.predicted_final is not None
        assert hopeless.predicted_final < 0.6
        assert slow.predicted_final is not None
        assert abs(slow.predicted_final - (0.93 - 0.9 / 20)) < 0.05
        assert hopeless.reason.startswith("at step 10 it is expected to end at 0.3, ")
        assert "and to beat 0.845, the best of the others, with a probability of " in hopeless.reason
        assert hopeless.reason.endswith("; its steps are worth more in a new trial")

    def test_slow_beginners_that_caught_up_are_not_stopped_for_their_beginning(self) -> None:
        """Here who is worse early ends better, as with small rates of learning."""
        study = Study(make_spec("curve", maxResource=81))
        rates = np.random.default_rng(0).uniform(0.1, 0.3, 30)
        for number, rate in enumerate(rates):
            study.finish(number, [float(rate + math.exp(-rate * step)) for step in range(1, 82)])
        study.report(40, [0.06 + math.exp(-0.06 * step) for step in range(1, 13)])
        study.report(41, [0.28 + math.exp(-0.28 * step) for step in range(1, 13)])
        slow, fast = study.ask(40, 41)
        assert study.held.curves.curves[40].best(12) > study.held.curves.curves[41].best(12)
        assert not slow.stop
        assert fast.stop

    @pytest.mark.parametrize("step", [20, 21, 24, 27, 29])
    def test_what_was_gained_since_a_rung_is_not_expected_again(self, step: int) -> None:
        """Rungs are at 20 and 30."""
        study = Study(make_spec("curve", maxResource=30))

        def values(height: float, until: int) -> list[float]:
            return [height / 20 + (0.5 + height / 30) * math.exp(-step / 8) for step in range(1, until + 1)]

        for number in range(12):
            study.finish(number, values(number % 7, 30))
        study.report(20, values(3.3, step))
        assert study.one(20).predicted_final == pytest.approx(values(3.3, 30)[-1], abs=0.004)

    @pytest.mark.parametrize("state", [TrialState.SUCCEEDED, TrialState.EARLY_STOPPED])
    def test_what_curves_do_not_show_is_not_learned(self, state: TrialState) -> None:
        """As of trials that report a step several times, and whose value is the best of all."""
        study, again = Study(make_spec("curve", maxResource=30)), Study(make_spec("curve", maxResource=30))
        for number in range(8):
            values = [0.3 + number / 100 + 0.5 / step for step in range(1, 31)]
            for one, value in ((study, min(values)), (again, 0.01)):
                one.report(number, values)
                one.end(number, value, state)
                one.report(20, [0.3 + 0.6 / step for step in range(1, 15)])
        assert again.one(20) == study.one(20)

    def test_parameters_tell_trials_apart_whose_curves_are_alike(self) -> None:
        study = Study(make_spec("curve", maxResource=27))
        for number in range(30):
            study.give(number, x=number % 10)
            study.finish(number, one_that_falls_late(number % 10))
        for number in (40, 41, 42):
            study.report(number, [1.0, 1.0, 1.0])
        study.give(40, x=9)
        study.give(41, x=0)
        good, bad, unknown = study.ask(40, 41, 42)
        assert not good.stop
        assert bad.stop
        assert good.predicted_final == pytest.approx(0.1, abs=0.05)
        assert bad.predicted_final == pytest.approx(1.0, abs=0.1)
        assert unknown.predicted_final == pytest.approx(0.55, abs=0.2), "of which nobody said what it was given"
        study.give(42, x=9)
        study.report(42, {4: 1.0})
        assert study.one(42).predicted_final == pytest.approx(0.1, abs=0.05), "it was told late"

    def test_what_is_told_again_of_trials_that_ended_counts(self) -> None:
        study = Study(make_spec("curve", maxResource=27))
        for number in range(30):
            study.give(number, x=0)
            study.finish(number, one_that_falls_late(number % 10))
        study.give(40, x=9)
        study.report(40, [1.0, 1.0, 1.0])
        assert study.one(40).predicted_final != pytest.approx(0.1, abs=0.05)
        for number in range(30):
            study.give(number, x=number % 10)
        assert study.one(40).predicted_final == pytest.approx(0.1, abs=0.05)

    @pytest.mark.parametrize("strategy", [Strategy.MIN, Strategy.LATEST])
    def test_what_is_kept_between_calls_changes_no_decision(self, strategy: Strategy) -> None:
        rng = np.random.default_rng(0)
        study, others = Study(make_spec("curve", maxResource=27, strategy=strategy)), list(range(12))
        for number in others:
            study.give(number, x=number % 10)
        for _ in range(150):
            number, step = int(rng.choice(others)), int(rng.integers(1, 27))
            study.report(number, {step: float(number / 10 + 1 / step + rng.normal(0, 0.1))})  # many come late
            if rng.random() < 0.03:
                study.end(number, float(rng.uniform(0, 1)))
                others.remove(number)
            kept = study.ask(*range(12))
            study.held.memo.clear()
            assert study.ask(*range(12)) == kept

    @pytest.mark.parametrize(("count", "learns"), [(40, True), (64, True), (65, False)])
    def test_more_parameters_than_can_be_learned_from_are_left_alone(self, count: int, learns: bool) -> None:
        space = SearchSpace(tuple(Parameter(f"x{place}", DoubleDomain(0, 1)) for place in range(count)))
        study = Study(replace(make_spec("curve", maxResource=27), space=space))
        for number in range(30):
            study.give(number, **dict.fromkeys(space.names, number % 10 / 9))
            study.finish(number, one_that_falls_late(number % 10))
        for number in (40, 41):
            study.report(number, [1.0, 1.0, 1.0])
            study.give(number, **dict.fromkeys(space.names, float(number == 41)))
        bad, good = study.ask(40, 41)
        assert bad.predicted_final is not None
        assert good.predicted_final is not None
        assert bad.predicted_final - good.predicted_final == pytest.approx(0.9 if learns else 0.0, abs=0.2)

    @pytest.mark.parametrize("assignment", [{}, {"x": 99}, {"x": "blue"}, {"y": 1}, {"x": 1, "y": 2}])
    def test_an_assignment_that_is_no_point_of_the_space_tells_nothing(
        self, assignment: dict[str, ParameterValue]
    ) -> None:
        """As of a trial from before an edit of the study."""

        def predicted(*given: dict[str, ParameterValue]) -> float | None:
            study = Study(make_spec("curve", maxResource=27))
            for number in range(30):
                study.give(number, x=number % 10)
                study.finish(number, one_that_falls_late(number % 10))
            study.report(40, [1.0, 1.0, 1.0])
            for one in given:
                study.give(40, **one)
            return study.one(40).predicted_final

        assert predicted(assignment) == predicted()

    def test_trials_that_were_stopped_teach_too(self) -> None:
        study = Study(make_spec("curve", maxResource=100))
        rng = np.random.default_rng(0)
        for number in range(40):
            c, a = rng.uniform(0, 1), rng.uniform(1, 3)
            study.report(number, falling(c, a, 100 if number % 4 == 0 else 36))
            if number % 4:
                study.end(number, None, TrialState.EARLY_STOPPED)
        study.report(50, falling(0.5, 2.0, 20))
        decision = study.one(50)
        assert decision.predicted_final == pytest.approx(0.5 + 2 / 10, abs=0.05)

    def test_it_begins_with_the_first_trials_when_it_knows_where_they_end(self) -> None:
        told = [[3.0 - number for _ in range(9)] for number in range(4)]
        known, unknown = Study(make_spec("curve", maxResource=27)), Study(make_spec("curve"))
        for study in (known, unknown):
            for number, values in enumerate(told):
                study.report(number, values)
        assert [decision.stop for decision in known.ask(0, 1, 2, 3)] == [True, True, False, False]
        assert unknown.ask(0, 1, 2, 3) == []

    def test_an_end_that_is_set_too_far_away_is_corrected_by_trials_that_end(self) -> None:
        study = Study(make_spec("curve", maxResource=10**6))
        study.report(8, [9.0] * 10)
        for number in range(2):
            study.finish(number, falling(number / 10, 1.0, 20))
        assert study.ask(8) == [], "the first rung is far away"
        study.report(2, falling(0.2, 1.0, 15))
        study.end(2, None)
        assert study.ask(8) == [], "it has no value"
        study.finish(3, falling(0.2, 1.0, 15))
        decision = study.one(8)
        assert decision.stop
        assert decision.step == 10

    @pytest.mark.parametrize("last", [1, 5])
    def test_trials_that_were_done_early_do_not_show_where_the_others_end(self, last: int) -> None:
        study = Study(make_spec("curve", maxResource=81))
        for number in range(3):
            study.finish(number, falling(number / 10, 1.0, last))
        study.report(8, [9.0] * 30)
        assert study.one(8).stop

    def test_nobody_is_judged_beside_too_few_or_too_soon(self) -> None:
        study = Study(make_spec("curve", maxResource=27, minTrials=3, startStep=5))
        for number in range(3):
            study.report(number, [3.0 - number] * 9)
        assert study.ask(0, 1, 2) == []
        study.report(4, [math.nan] * 9)
        assert study.ask(0, 1, 2) == [], "a trial without a finite value is nothing to compare with"
        study.report(3, [0.1] * 4)
        assert [decision.trial for decision in study.ask(0, 1, 2, 3)] == [0, 1, 2]

    def test_more_eagerness_stops_more(self) -> None:
        def stops(eagerness: float) -> int:
            study, rng = Study(make_spec("curve", maxResource=100, eagerness=eagerness)), np.random.default_rng(0)
            for number in range(20):
                study.finish(number, noisy(rng, 100))
            for number in range(20, 60):
                study.report(number, noisy(rng, 6))
            return sum(decision.stop for decision in study.ask(*range(20, 60)))

        assert 0 == stops(0) < stops(0.2) < stops(20)

    def test_a_trial_without_a_finite_value_is_stopped(self) -> None:
        study = Study(make_spec("curve"))
        for number in range(6):
            study.finish(number, [1 / step + number / 10 for step in range(1, 21)])
        study.report(8, [math.nan] * 4)
        assert study.one(8).stop
        assert study.one(8).reason == "up to step 4 it has no finite value to set against 0.05, the best of the others"
        study.report(7, [math.nan, math.nan, math.nan, 9.0])
        assert study.one(7).reason.startswith("at step 4 it is expected to end at ")

    @pytest.mark.parametrize("trials", [10, 50])
    @pytest.mark.parametrize("strategy", [Strategy.MIN, Strategy.LATEST])
    def test_the_worse_a_trial_stands_the_less_its_chance(self, trials: int, strategy: Strategy) -> None:
        rng, study = np.random.default_rng(0), Study(make_spec("curve", maxResource=27, strategy=strategy))
        for number in range(trials):
            study.finish(
                number, [loss + float(rng.normal(0, 0.01)) for loss in falling(rng.uniform(0.1, 0.5), 0.7, 27)]
            )
        for place, factor in enumerate((1.2, 2.0, 10.0, 1e3, 1e9)):
            study.report(100 + place, [factor * loss for loss in falling(0.3, 0.75, 5)])
        found = study.ask(*range(100, 105))
        assert all(decision.stop for decision in found)
        chances = [float(re.findall(r"probability of ([\d.e-]+);", decision.reason)[0]) for decision in found]
        assert max(chances[2:]) < 1e-3

    def test_what_is_expected_is_not_worse_than_what_there_is(self) -> None:
        study = Study(make_spec("curve", maxResource=81))
        for number in range(12):
            study.finish(number, [1 - 0.005 * step for step in range(81)])
        study.report(20, [3.0] * 54 + [0.7] * 26)
        predicted = study.one(20).predicted_final
        assert predicted is not None
        assert predicted <= 0.7
        study.report(21, [math.nan] * 54 + [0.61] * 26)
        assert "no finite value" not in study.one(21).reason

    def test_curves_that_explode_break_nothing(self) -> None:
        study = Study(make_spec("curve", maxResource=5, strategy=Strategy.LATEST))
        study.report(0, [100.0])
        study.report(1, [2.0, 1e9, 2.0, 0.0, 0.0])
        study.end(1, None)
        study.report(2, [1e9])
        assert [decision.trial for decision in study.ask(0, 1, 2)] == [0, 2]

    def test_the_unit_of_the_metric_does_not_matter(self) -> None:
        def stops(unit: float) -> list[bool]:
            study = Study(make_spec("curve", maxResource=27))
            for number, value in enumerate((0.5, 0.5, 5.0)):
                study.report(number, [value * unit] * 9)
            return [decision.stop for decision in study.ask(0, 1, 2)]

        assert stops(1e-6) == stops(1.0) == stops(1e6) == [False, False, True]

    def test_one_that_has_come_to_the_end_is_left_to_finish(self) -> None:
        study = Study(make_spec("curve", maxResource=20))
        for number in range(6):
            study.finish(number, [1 / step + number / 10 for step in range(1, 21)])
        study.report(7, [9.0] * 20)
        assert study.ask(7) == []

    @pytest.mark.parametrize("strategy", [Strategy.LATEST, Strategy.AVERAGE, Strategy.MAX])
    def test_other_strategies(self, strategy: Strategy) -> None:
        study = Study(make_spec("curve", strategy=strategy))
        for number in range(6):
            study.report(number, [1 / step + number / 10 for step in range(1, 21)])
            study.end(number, number / 10 + 0.05)
        study.report(7, [3.0 + 1 / step for step in range(1, 11)])
        assert study.one(7).stop

    def test_a_best_trial_of_long_ago_is_still_the_bar(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tunesmith.earlystop._ladder.MOST_TRIALS", 10)
        study = Study(make_spec("curve", maxResource=20))
        study.finish(0, falling(0.0, 0.1, 20))
        for number in range(1, 40):
            study.finish(number, falling(1 + number / 100, 1.0, 20))
        study.report(50, falling(0.9, 1.0, 8))
        decision = study.one(50)
        assert decision.stop
        assert "to beat 0.0223607, the best of the others" in decision.reason
