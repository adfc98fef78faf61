"""The median rule: cases computed by hand, of running averages first, and then of what it does by default."""

import math

import pytest
from tests.earlystop.studies import Study, make_spec

from tunesmith.earlystop._others import is_best
from tunesmith.study import Strategy, TrialState


def three_others() -> Study:
    """Three others whose running averages at step 2 are 1, 2 and 6: their median is 2, their mean 3."""
    study = Study(make_spec("median", compare="average", startStep=2))
    for number, values in enumerate([(1.5, 0.5, 0.4), (3.0, 1.0, 0.5), (7.0, 5.0, 5.0)]):
        study.finish(number, values)
    return study


def test_the_median_is_a_median() -> None:
    study = three_others()
    study.report(3, [4.0, 1.0])
    decision = study.one(3)
    assert decision.stop
    assert decision.step == 2
    assert decision.reason == "at step 2 its running average 2.5 is worse than 2, the median of 3 trials"
    study = three_others()
    study.report(4, [3.0, 1.0])
    assert study.one(4).reason == "at step 2 its running average 2 is not worse than 2, the median of 3 trials"
    assert not study.one(4).stop


def test_others_count_when_they_have_reached_the_step() -> None:
    study = three_others()
    study.report(3, [9.0, 9.0, 9.0, 9.0])
    assert study.ask(3) == [], "nobody else has reached step 4"
    for number, state in [(4, TrialState.FAILED), (5, TrialState.KILLED), (6, TrialState.METRICS_UNAVAILABLE)]:
        study.report(number, [1.0, 1.0, 1.0, 1.0])
        study.end(number, 1.0, state)
    assert study.ask(3) == [], "what did not end well does not count"
    for number in (7, 8, 9):
        study.report(number, [1.0, 1.0, 1.0, 1.0])
    study.end(7, 1.0, TrialState.EARLY_STOPPED)
    assert study.one(3).stop, "what was stopped early, or runs, does"


def test_nothing_is_weighed_before_the_first_step_or_without_others() -> None:
    study = three_others()
    study.report(3, [9.0])
    assert study.ask(3) == []
    assert study.ask(4, 5) == []
    assert study.ask(0) == [], "it ended"


def test_gaps_in_the_steps() -> None:
    study = Study(make_spec("median", compare="average", startStep=10, minTrials=1))
    study.report(0, {0: 1.0, 10: 3.0, 20: 5.0})
    study.report(1, {5: 3.0, 15: 4.0})
    assert study.one(1).reason.startswith("at step 15 its running average 3.5 is worse than 2, the median of 1 trials")


def test_an_interval_is_weighed_at_its_first_step() -> None:
    study = Study(make_spec("median", startStep=2, minTrials=1, interval=5))
    study.finish(0, [5.0] * 10)
    study.report(1, {1: 6.0, 3: 6.0, 5: 0.0})
    assert study.one(1).step == 3
    study.report(1, {7: 6.0})
    assert study.one(1).step == 7


def test_the_best_is_never_stopped() -> None:
    study = Study(make_spec("median", compare="average", startStep=1, minTrials=1))
    study.finish(0, [2.0, 2.0, 2.0])
    study.report(1, [9.0, 9.0, 1.0])
    decision = study.one(1)
    assert not decision.stop
    assert decision.reason.endswith("worse than 2, the median of 1 trials, but its 1 is the best of all trials")
    study.report(2, [0.5])
    assert study.one(1).stop, "another runs that is better"


def test_the_best_may_have_had_no_finite_value_when_it_was_weighed() -> None:
    study = Study(make_spec("median", startStep=1, minTrials=1, interval=5))
    study.finish(0, [2.0] * 5)
    study.report(1, [math.nan, 1.0])
    study.report(2, [math.nan, 3.0])
    assert [(one.step, one.stop) for one in study.ask(1, 2)] == [(1, False), (1, True)]


def test_the_strategy_says_what_is_best() -> None:
    study = Study(make_spec("median", compare="average", startStep=1, minTrials=1, strategy=Strategy.LATEST))
    study.finish(0, [2.0, 2.0, 2.0, 2.0])
    study.report(1, [9.0, 9.0, 1.0, 3.0])
    assert study.one(1).stop


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_do_not_count(value: float) -> None:
    study = three_others()
    study.report(3, [value, 4.0, value])
    assert study.one(3).reason.startswith("at step 3 its running average 4 is worse than 1.5")
    study.report(4, [value, value])
    decision = study.one(4)
    assert decision.stop
    assert decision.reason == "up to step 2 it has no finite value to set against 3, the median of 4 trials"


def test_maximizing() -> None:
    study = Study(make_spec("median", compare="average", startStep=2, maximize=True))
    for number, values in enumerate([(0.5, 0.7), (0.6, 0.8), (0.1, 0.3)]):
        study.finish(number, values)
    study.report(3, [0.4, 0.6])
    assert study.one(3).reason == "at step 2 its running average 0.5 is worse than 0.6, the median of 3 trials"


def test_the_best_values_are_compared_unless_told_otherwise() -> None:
    study = Study(make_spec("median", startStep=2))
    for number, values in enumerate([(1.5, 0.5, 0.9), (3.0, 1.0, 0.2), (7.0, 5.0, 5.0)]):
        study.finish(number, values)
    study.report(3, [9.0, 1.0])
    assert study.one(3).reason == "at step 2 its best value so far 1 is not worse than 1, the median of 3 trials"
    study.report(4, [1.1, 1.2])
    assert study.one(4).reason == "at step 2 its best value so far 1.1 is worse than 1, the median of 4 trials"
    assert study.one(4).stop
    study.report(5, [0.3, 9.0, 9.0])
    assert study.one(5).reason == "at step 3 its best value so far 0.3 is not worse than 0.9, the median of 3 trials"


@pytest.mark.parametrize("name", ["medianstop", "median-stop"])
def test_under_the_name_that_others_know_it_by_it_is_the_rule_that_they_know(name: str) -> None:
    study = Study(make_spec(name))
    for number in range(3):
        study.finish(number, [1.0] * 5)
    study.report(3, {0: 9.0, 1: 9.0, 2: 9.0})
    assert study.ask(3) == [], "nothing before the fourth report"
    study.report(3, {3: 0.5})
    assert study.one(3).reason.startswith("at step 3 its running average 6.875 is worse than 1")
    told = Study(make_spec(name, {"start_step": 2, "compare": "best"}))
    for number in range(3):
        told.finish(number, [1.0] * 5)
    told.report(3, [9.0, 9.0])
    assert told.one(3).reason.startswith("at step 2 its best value so far 9 is worse than 1")


def test_who_stands_at_the_median_is_not_worse_for_an_error_of_arithmetic() -> None:
    study = Study(make_spec("median", maximize=True, startStep=1, minTrials=2))
    for number, height in enumerate((0.8, 0.9)):
        study.finish(number, [height * (1 - 0.97**step) for step in range(1, 9)])
    study.report(2, [0.85 * (1 - 0.97**step) for step in range(1, 9)])
    for step in range(1, 9):
        study.report(9, {step: 0.85 * (1 - 0.97**step)})
        decision, shown = study.one(9), f"{0.85 * (1 - 0.97**step):.6g}"
        assert not decision.stop
        assert f"best value so far {shown} is not worse than {shown}, the median" in decision.reason


def test_of_several_values_at_a_step_the_first_counts_after_the_end_too() -> None:
    """Else a trial would be compared with what no curve shows."""
    study = Study(make_spec("median", minTrials=1))
    study.report(0, {1: 0.5, 2: 0.4})
    study.end(0, 0.01, TrialState.EARLY_STOPPED)  # the best of what it reported again for these steps
    study.report(1, [0.3, 0.3])
    assert is_best(study.held.view(), 1)
    study.report(2, [0.6, 0.6])
    study.end(2, 0.02)
    assert is_best(study.held.view(), 1)


def test_it_waits_for_some_reports_unless_told_otherwise() -> None:
    study = Study(make_spec("median"))
    for number in range(3):
        study.finish(number, [1.0] * 5)
    study.report(3, {0: 9.0, 1: 9.0, 2: 9.0})
    assert study.ask(3) == []
    study.report(3, {3: 9.0})
    assert study.one(3).stop
