"""Each rule but the median: cases computed by hand, and Optuna's pruners where they are the same rule."""

import math

import numpy as np
import optuna
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.earlystop.conformance import EVENTS, Event, spec_of, tell
from tests.earlystop.studies import Study, make_spec

from tunesmith.earlystop._others import Pool, is_best
from tunesmith.earlystop._rungs import highest_rung
from tunesmith.earlystop._signed_rank import p_greater
from tunesmith.earlystop.rules.hyperband import weights
from tunesmith.study import ParameterValue, Strategy, TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)


def curves(trials: int, steps: int, seed: int = 0) -> list[list[float]]:
    """Noisy falling curves that cross."""
    rng = np.random.default_rng(seed)
    times = np.arange(1, steps + 1)
    made = []
    for _ in range(trials):
        fall = rng.uniform(0.5, 3) * times ** -rng.uniform(0.2, 1.5)
        made.append((rng.uniform(0, 1) + fall + rng.normal(0, 0.05, steps)).tolist())
    return made


def stops_of_optuna(pruner: optuna.pruners.BasePruner, told: list[list[float]], maximize: bool) -> list[int | None]:
    """At which report each of the trials, one after the other, is stopped."""
    study = optuna.create_study(direction="maximize" if maximize else "minimize", pruner=pruner)
    found: list[int | None] = []
    for values in told:
        trial, stop = study.ask(), None
        for step, value in enumerate(values, 1):
            trial.report(value, step)
            if trial.should_prune():
                stop = step
                break
        best = max(values) if maximize else min(values)
        study.tell(trial, best if stop is None else None, optuna.trial.TrialState.PRUNED if stop else None)
        found.append(stop)
    return found


def stops_of_ours(name: str, told: list[list[float]], maximize: bool, **given: ParameterValue) -> list[int | None]:
    """The same with our rule."""
    study = Study(make_spec(name, given, maximize=maximize))
    found: list[int | None] = []
    for number, values in enumerate(told):
        stop = None
        for step, value in enumerate(values, 1):
            study.report(number, {step: value})
            if any(decision.stop for decision in study.ask(number)):
                stop = step
                break
        best = max(values) if maximize else min(values)
        study.end(number, best, TrialState.EARLY_STOPPED if stop else TrialState.SUCCEEDED)
        found.append(stop)
    return found


@pytest.mark.filterwarnings("ignore:.*is experimental:optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("maximize", [False, True])
class TestAgreementWithOptuna:
    @pytest.mark.parametrize(("percentile", "start", "interval"), [(25.0, 0, 1), (50.0, 3, 1), (60.0, 2, 3)])
    def test_percentile(self, maximize: bool, percentile: float, start: int, interval: int) -> None:
        told = curves(40, 20, 1)
        pruner = optuna.pruners.PercentilePruner(percentile, 4, start, interval, n_min_trials=4)
        given: dict[str, ParameterValue] = {"percentile": percentile, "startStep": start, "minTrials": 4}
        ours = stops_of_ours("percentile", told, maximize, interval=interval, **given)
        assert ours == stops_of_optuna(pruner, told, maximize)
        assert 5 < sum(stop is not None for stop in ours) < 36

    @pytest.mark.parametrize(("least", "factor"), [(1, 2), (2, 3), (1, 4)])
    def test_successive_halving(self, maximize: bool, least: int, factor: int) -> None:
        told = [sorted(values, reverse=not maximize) for values in curves(60, 20, 2)]  # else ours spares the best
        pruner = optuna.pruners.SuccessiveHalvingPruner(least, factor, 0)
        ours = stops_of_ours("asha", told, maximize, minResource=least, reductionFactor=factor)
        assert ours == stops_of_optuna(pruner, told, maximize)
        assert 20 < sum(stop is not None for stop in ours) < 58

    def test_thresholds(self, maximize: bool) -> None:
        told = [*curves(20, 10, 3), [1.0, math.nan, 1.0], [2.0] * 5]
        pruner = optuna.pruners.ThresholdPruner(lower=0.3, upper=2.0, n_warmup_steps=2)
        ours = stops_of_ours("threshold", told, maximize, lower=0.3, upper=2.0, startStep=2)
        assert ours == stops_of_optuna(pruner, told, maximize)
        assert 3 < sum(stop is not None for stop in ours) < 22

    @pytest.mark.parametrize("patience", [1, 3])
    def test_patience(self, maximize: bool, patience: int) -> None:
        """Optuna counts one less, and only values that are worse, which without ties is the same."""
        told = curves(20, 30, 4)
        pruner = optuna.pruners.PatientPruner(None, patience - 1)
        ours = stops_of_ours("patience", told, maximize, patience=patience)
        assert ours == stops_of_optuna(pruner, told, maximize)
        assert sum(stop is not None for stop in ours) > 3

    def test_wilcoxon(self, maximize: bool) -> None:
        rng = np.random.default_rng(5)
        instances, told = rng.normal(0, 1, 30), []
        for _ in range(25):
            told.append((instances + rng.normal(0, 0.3) + rng.normal(0, 0.5, 30)).tolist())
        study = Study(make_spec("wilcoxon", maximize=maximize))
        other = optuna.create_study(
            direction="maximize" if maximize else "minimize",
            pruner=optuna.pruners.WilcoxonPruner(p_threshold=0.1, n_startup_steps=2),
        )
        stopped = 0
        for number, values in enumerate(told):
            trial = other.ask()
            for step in rng.permutation(30).tolist():
                study.report(number, {step: values[step]})
                trial.report(values[step], step)
                stop = trial.should_prune()
                assert any(decision.stop for decision in study.ask(number)) == stop
                if stop:
                    break
            stopped += stop
            study.end(number, float(np.mean(values)), TrialState.EARLY_STOPPED if stop else TrialState.SUCCEEDED)
            other.tell(
                trial, None if stop else float(np.mean(values)), optuna.trial.TrialState.PRUNED if stop else None
            )
        assert 5 < stopped < 24


class TestRungs:
    @pytest.mark.parametrize(
        ("step", "rung"), [(0, None), (1, None), (2, 2), (5, 2), (6, 6), (17, 6), (18, 18), (53, 18), (10**9, 18)]
    )
    def test_the_last_rung_that_was_reached(self, step: int, rung: int | None) -> None:
        assert highest_rung(step, 2, 3, 54) == rung

    def test_one_in_so_many_of_those_before_goes_on(self) -> None:
        study = Study(make_spec("asha", minResource=2, reductionFactor=3))
        for number, value in enumerate([0.3, 0.1, 0.2, 0.6, 0.5, 0.2, 0.15]):
            study.report(number, [1.0, value])
        decided = {decision.trial: decision.stop for decision in study.ask(*range(7))}
        assert decided == {1: False, 2: True, 3: True, 4: True, 5: False, 6: False}, "0 has nobody before it"
        assert study.one(1).reason == "at the rung of step 2 its 0.1 is the best of 2 trials"
        assert study.one(5).reason == "at the rung of step 2 its 0.2 is among the best 2 of 6 trials"
        assert study.one(4).reason == "at the rung of step 2 its 0.5 is worse than 0.1, the best of 5 trials"

    def test_one_that_was_not_finite_at_a_rung_may_be_the_best(self) -> None:
        study = Study(make_spec("asha", minResource=2, reductionFactor=2))
        study.finish(0, [0.5, 0.5])
        study.report(1, [0.1, math.nan])
        study.report(2, [0.9, math.nan])
        assert [decision.stop for decision in study.ask(1, 2)] == [False, True]
        assert study.one(1).reason == (
            "at the rung of step 2 its value is not finite, and those of 1 others are, "
            "but its 0.1 is the best of all trials"
        )

    def test_a_rung_that_was_jumped_over_is_looked_at_later(self) -> None:
        study = Study(make_spec("asha", minResource=4, reductionFactor=2))
        study.finish(0, [0.5] * 7)
        study.report(1, {3: 0.1, 5: 0.9, 7: 0.8})
        decision = study.one(1)
        assert decision.step == 5
        assert not decision.stop, "its 0.1 is the best of all"
        study.report(2, {5: 0.9, 7: 0.8})
        assert study.one(2).stop

    def test_one_that_went_on_is_not_called_back(self) -> None:
        """Whoever comes after it, and whether it is asked about at its rung, later, or after a restart."""
        study = Study(make_spec("asha", minResource=1, reductionFactor=2))
        study.report(0, [0.6])
        study.report(1, [0.5])
        assert [decision.stop for decision in study.ask(0, 1)] == [False]
        for number in range(2, 30):
            study.finish(number, [0.1, 0.1])
        assert [decision.stop for decision in study.ask(0, 1)] == [False]
        study.report(1, {2: 9.0, 3: 9.0})
        assert study.ask(0, 1) == [], "at its next rung it is alone so far"
        study.report(0, {2: 8.0})
        assert study.one(1).stop

    def test_reports_that_come_at_once_are_judged_as_one_by_one(self) -> None:
        one, many = (Study(make_spec("asha", minResource=1, reductionFactor=2)) for _ in range(2))
        for study in (one, many):
            study.report(0, [0.1, 0.1, 0.1])
        one.report(1, [0.5])
        many.report(1, {2: 0.5, 3: 0.4})
        assert one.one(1).stop
        assert many.one(1).stop

    def test_nothing_is_stopped_at_its_end(self) -> None:
        study = Study(make_spec("asha", minResource=1, reductionFactor=2, maxResource=4))
        study.finish(0, [0.1] * 4)
        study.report(1, {4: 9.0})
        assert study.one(1).reason.startswith("at the rung of step 2")
        study = Study(make_spec("asha", minResource=4, maxResource=4))
        study.finish(0, [0.1] * 4)
        study.report(1, {4: 9.0})
        assert study.ask(1) == []

    def test_the_first_rung_lies_at_a_64th(self) -> None:
        study = Study(make_spec("asha"))
        study.report(1, [9.0] * 4)
        study.report(2, [8.0] * 4)
        assert study.ask(1, 2) == [], "nobody knows how long trials are"
        study.finish(0, [0.5] * 130)
        assert [(one.trial, one.stop, one.step) for one in study.ask(1, 2)] == [(1, True, 2), (2, True, 2)]
        study.report(3, [0.1])
        assert study.ask(3) == []
        told = Study(make_spec("asha", maxResource=200, reductionFactor=2))
        told.report(0, [0.5] * 25)
        told.report(1, [0.9] * 25)
        assert told.one(1).step == 25

    def test_brackets_of_hyperband(self) -> None:
        """Table 1 of the paper, R=81 and eta=3: n = 81, 34, 15, 8, 5."""
        assert weights(1, 81, 3) == [81, 34, 15, 8, 5]
        assert weights(1, 80, 3) == [27 * 4 // 4, 12, 6, 4]
        assert weights(5, 5, 2) == [1]

    def test_hyperband_sees_where_trials_end(self) -> None:
        study = Study(make_spec("hyperband", reductionFactor=3))
        for number in range(10):
            study.report(number, [1.0 + number] * 8)
        assert study.ask(*range(10)) == []
        study.finish(10, [0.5] * 9)
        told = Study(make_spec("hyperband", reductionFactor=3, maxResource=9))
        for number in range(10):
            told.report(number, [1.0 + number] * 8)
        told.finish(10, [0.5] * 9)
        assert study.ask(*range(10)) == told.ask(*range(10)) != []

    @pytest.mark.parametrize("rule", ["asha", "hyperband"])
    def test_an_end_that_is_set_too_far_away_is_corrected_by_trials_that_end(self, rule: str) -> None:
        right, far = (Study(make_spec(rule, maxResource=end)) for end in (64, 10**6))
        for study in (right, far):
            for number in range(20):
                study.report(number, [1.0 + number] * 40)
            for number in range(20, 22):
                study.finish(number, [0.5] * 64)
        assert far.ask(*range(20)) != right.ask(*range(20)), "two may have been done early"
        for study in (right, far):
            study.finish(22, [0.5] * 64)
        assert far.ask(*range(20)) == right.ask(*range(20)) != []
        far.report(23, [0.1] * 65)
        assert far.ask(*range(20)) != right.ask(*range(20)), "it goes on beyond them"

    def test_a_bracket_is_a_function_of_seed_and_number(self) -> None:
        def rungs(seed: int) -> list[str]:
            study = Study(make_spec("hyperband", seed=seed, maxResource=9, reductionFactor=3))
            for number in range(60):
                study.report(number, [1.0] * 8)
            return [decision.reason.split(" its ")[0] for decision in study.ask(*range(60))]

        found = rungs(1)
        assert found == rungs(1) != rungs(2)
        assert set(found) == {"at the rung of step 3"}
        study = Study(make_spec("hyperband", maxResource=9, reductionFactor=3))
        for number in range(60):
            study.report(number, [float(number)])
        weighed = study.ask(*range(60))
        assert 25 < len(weighed) < 50, "9 of 15 are in the bracket that begins at step 1"
        for before, decision in enumerate(weighed, 1):
            assert decision.reason.endswith(f" of {before + 1} trials"), "those before it in its bracket, and itself"


@pytest.mark.parametrize("name", ["asha", "median"])
def test_numbers_that_differ_are_told_apart(name: str) -> None:
    given: dict[str, ParameterValue] = {"minResource": 1} if name == "asha" else {"startStep": 1, "minTrials": 1}
    study = Study(make_spec(name, given))
    study.finish(0, [0.5])
    study.report(1, [0.5 + 1e-8])
    assert " 0.50000001 is worse than 0.5, " in study.one(1).reason


def test_a_value_that_cannot_be_reckoned_with_is_said_to_be_beyond() -> None:
    study = Study(make_spec("median", startStep=1, minTrials=1))
    study.finish(0, [-1e300])
    study.report(1, [1e300])
    reason = study.one(1).reason
    assert reason.startswith("at step 1 its best value so far beyond 1e+290 is worse than beyond -1e+290, the median")


class TestThreshold:
    def test_reasons(self) -> None:
        study = Study(make_spec("threshold", lower=0.25, upper=4.0, startStep=2, maximize=True))
        study.report(0, {1: 9.0})
        assert study.ask(0) == []
        study.report(0, {2: 0.125})
        assert study.one(0).reason == "at step 2 its value 0.125 is below 0.25"
        study.report(1, {3: math.inf})
        assert study.one(1).reason == "at step 3 its value is not finite"
        study.report(2, {3: 0.25})
        assert not study.one(2).stop
        assert study.one(2).reason == "at step 3 its value 0.25 is within its bounds"

    @pytest.mark.parametrize("value", [math.nan, 9.0, -9.0])
    def test_a_moment_out_of_bounds_is_seen_however_many_reports_come_at_once(self, value: float) -> None:
        study = Study(make_spec("threshold", lower=-1.0, upper=1.0, startStep=3))
        study.report(0, [value, value, 0.0, 0.0, 0.5, value, 0.5, value, 0.5])
        decision = study.one(0)
        assert decision.stop
        assert decision.step == 6

    def test_only_the_first_value_in_each_interval_is_looked_at(self) -> None:
        study = Study(make_spec("threshold", upper=1.0, startStep=3, interval=4))
        study.report(0, {2: 9.0, 4: 0.0, 5: 9.0, 6: 9.0, 8: 0.0, 10: 9.0})
        assert not study.one(0).stop
        study.report(0, {12: 9.0, 13: 0.0, 90: 0.0})
        assert study.one(0).step == 12
        study.report(1, {0: 9.0})
        assert study.ask(1) == []

    def test_a_value_is_told_from_its_bound(self) -> None:
        study = Study(make_spec("threshold", upper=1.0))
        study.report(0, [1.0 + 1e-9])
        assert study.one(0).reason == "at step 1 its value 1.000000001 is above 1"


class TestPatience:
    def test_by_how_much(self) -> None:
        study = Study(make_spec("patience", patience=2, minDelta=0.1))
        study.report(0, [1.0, 0.95])
        assert study.ask(0) == []
        study.report(0, {3: 0.85})
        assert not study.one(0).stop
        study.report(0, {4: 0.8, 5: 0.76})
        assert study.one(0).reason == (
            "up to step 5 the best of its last 2 values, 0.76, does not improve on 0.85, the best before them, by more"
            " than 0.1"
        )
        assert study.one(0).stop

    def test_what_has_converged_is_done_and_what_is_not_finite_is_not(self) -> None:
        study = Study(make_spec("patience", patience=2))
        study.report(0, [1.0, 2.0, 2.0])
        study.report(1, [1.0, math.nan, math.nan])
        study.report(2, [1.0, 2.0, 0.5])
        assert [(one.stop, one.complete) for one in study.ask(0, 1, 2)] == [(True, True), (True, False), (False, False)]

    def test_nothing_finite(self) -> None:
        study = Study(make_spec("patience", patience=2))
        study.report(0, [1.0, math.nan, math.inf])
        assert study.one(0).reason == "up to step 3 none of its last 2 values is finite"


class TestSignedRank:
    @given(st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=13))
    @settings(max_examples=60, deadline=None)
    def test_ties_are_exact(self, differences: list[int]) -> None:
        found = np.array(differences, dtype=float)
        theirs = scipy.stats.wilcoxon(found, alternative="greater", zero_method="zsplit").pvalue
        assert p_greater(found) == pytest.approx(theirs, abs=1e-9)

    @pytest.mark.parametrize("n", [2, 20, 50, 51, 300])
    def test_any_number_of_pairs(self, n: int) -> None:
        found = np.random.default_rng(n).normal(0.1, 1, n)
        theirs = scipy.stats.wilcoxon(found, alternative="greater", zero_method="zsplit").pvalue
        assert p_greater(found) == pytest.approx(theirs, rel=1e-9)

    def test_zeros_are_split(self) -> None:
        many = np.concatenate([np.zeros(20), np.random.default_rng(0).normal(0.3, 1, 60)])
        theirs = scipy.stats.wilcoxon(many, alternative="greater", zero_method="zsplit").pvalue
        assert p_greater(many) == pytest.approx(theirs, rel=1e-9)
        assert p_greater(np.zeros(5)) == 1.0


@pytest.mark.parametrize("name", ["median", "percentile", "asha", "hyperband", "curve"])
@given(events=EVENTS, strategy=st.sampled_from(Strategy), interval=st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_what_compares_never_stops_the_best(name: str, events: list[Event], strategy: Strategy, interval: int) -> None:
    """Whatever it reported, NaN included, and whichever of its values is looked at."""
    spec = spec_of(name, strategy=strategy)
    assert spec.early_stopping is not None
    given_settings = dict(spec.early_stopping.settings)
    if name in ("median", "percentile"):
        given_settings["interval"] = interval
    study = Study(make_spec(name, given_settings, strategy=strategy))
    tell(study, events)
    for decision in study.ask(*range(7)):
        assert not (decision.stop and is_best(study.held.view(), decision.trial)), decision


@given(
    ended=st.lists(st.integers(-5, 5), max_size=9),
    running=st.lists(st.integers(-5, 5), max_size=5),
    share=st.floats(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_a_pool_is_as_numpy_has_it(ended: list[int], running: list[int], share: float) -> None:
    from array import array

    together = sorted([*ended, *running])
    pool = Pool(array("d", sorted(ended)), sorted(map(float, running)))
    assert [pool.at(place) for place in range(len(pool))] == together
    assert pool.below(1.0) == sum(number < 1 for number in together)
    if together:
        assert pool.quantile(share) == pytest.approx(float(np.quantile(together, share)), abs=1e-9)
