"""What a stopped trial would have reached: the line, the spread of its error, and what is made of them."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from tunesmith.client._estimate import FEWEST, Curve, Estimate, estimate, student
from tunesmith.study import Objective, ObjectiveType, Strategy

ACCURACY = Objective("accuracy", ObjectiveType.MAXIMIZE, strategy=Strategy.MAX)
LOSS = Objective("loss", ObjectiveType.MINIMIZE, strategy=Strategy.LATEST)
NAN = float("nan")


def line(start: float, end: float, steps: int = 10) -> Curve:
    """From one value to another in even steps, from step 1 on."""
    return Curve(tuple(range(1, steps + 1)), tuple(np.linspace(start, end, steps)))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 9, 30, 31, 500])
def test_students_distribution(freedom: int) -> None:
    for t in (-40.0, -3.0, -0.5, 0.0, 0.01, 0.1, 2.0, 7.5, 40.0):
        assert student(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), abs=1e-12)


def test_a_curve_is_in_the_order_of_steps_and_has_the_first_value_of_each() -> None:
    curve = Curve.of([(3, 0.3), (1, 0.1), (2, NAN), (3, 0.9), (4, math.inf), (2, 0.2)])
    assert curve == Curve((1, 3), (0.1, 0.3))
    assert (curve.last, Curve.of([]).last) == (3, 0)


@pytest.mark.parametrize(("strategy", "expected"), [("min", 0.2), ("max", 0.5), ("average", 0.4), ("latest", 0.2)])
def test_where_a_trial_stood(strategy: str, expected: float) -> None:
    curve = Curve((1, 2, 4, 8), (0.5, 0.5, 0.2, 0.9))
    assert curve.standing(Strategy(strategy), 4) == curve.standing(Strategy(strategy), 7) == pytest.approx(expected)
    assert curve.standing(Strategy(strategy), 0) is None


def test_curves_that_follow_a_line_leave_no_doubt() -> None:
    finished = [(line(0, height), height) for height in (0.5, 0.6, 0.7, 0.9)]
    half = Curve((1, 2, 3, 4, 5), line(0, 0.8).values[:5])
    found = estimate(ACCURACY, half, finished)
    assert found is not None
    assert found.expected == pytest.approx(0.8)
    assert found.spread == pytest.approx(0, abs=1e-12)
    assert found.freedom == 2


def test_too_few_or_too_short_curves_say_nothing() -> None:
    finished = [(line(0, height), height) for height in (0.5, 0.6, 0.7)]
    assert len(finished) < FEWEST
    assert estimate(ACCURACY, line(0, 0.4, 5), finished) is None
    short = [(line(0, 0.5, 4), 0.5)] * 9  # they had ended before
    assert estimate(ACCURACY, line(0, 0.4, 5), finished + short) is None
    assert estimate(ACCURACY, Curve((), ()), [*finished, *finished]) is None


def test_the_best_so_far_is_not_lost_again() -> None:
    finished = [(Curve((1, 2), (at, at + 0.2)), at + 0.2) for at in (0.1, 0.2, 0.3, 0.4)]
    finished += [(Curve((1, 2), (0.5, 0.5)), 0.5)] * 4
    stopped = Curve((1,), (0.9,))
    found = estimate(ACCURACY, stopped, finished)
    assert found is not None
    assert found.expected == 0.9
    latest = estimate(Objective("accuracy", ObjectiveType.MAXIMIZE), stopped, finished)
    assert latest is not None
    assert latest.expected < 0.9


def test_curves_that_all_stand_at_the_same_value_tell_their_mean() -> None:
    finished = [(Curve((1, 2), (0.0, end)), end) for end in (0.1, 0.2, 0.3, 0.4)]
    found = estimate(LOSS, Curve((1,), (0.0,)), finished)
    assert found is not None
    assert found.expected == pytest.approx(0.25)
    assert found.spread == pytest.approx(np.sqrt(np.mean([(end - 0.25) ** 2 for end in (0.1, 0.2, 0.3, 0.4)])) * 4 / 3)


def test_one_curve_that_holds_the_line_alone_is_no_reason_to_be_sure() -> None:
    finished = [(Curve((1, 2), (0.0, end)), end) for end in (0.1, 0.2, 0.3, 0.4)] + [(Curve((1, 2), (1.0, 5.0)), 5.0)]
    found = estimate(LOSS, Curve((1,), (0.9,)), finished)
    assert found is not None
    assert found.spread > 1


def test_trials_that_learned_nothing_say_little_of_good_ones() -> None:
    """Good ones end alike, bad ones lie far below the line through both."""
    good = [(Curve((1, 2), (0.90 + i / 100, 0.97 + i / 1000)), 0.97 + i / 1000) for i in range(8)]
    bad = [(Curve((1, 2), (0.10, end)), end) for end in (0.10, 0.35, 0.90, 0.95, 0.60, 0.2)]
    found = estimate(ACCURACY, Curve((1,), (0.92,)), [*bad, *good])
    assert found is not None
    assert found.expected == pytest.approx(0.972)
    assert found.chance(ACCURACY, 0.98) < 0.01


@pytest.mark.parametrize("far", [1e4, 1e12, 1e160, 1.7e308])
def test_a_trial_that_exploded_says_nothing_of_the_others(far: float) -> None:
    rng = np.random.default_rng(3)
    usual = [
        (Curve((1, 2), (at, at / 2)), at / 2 + float(rng.normal(0, 0.01))) for at in rng.uniform(0.2, 1, 7).tolist()
    ]
    expected = estimate(LOSS, Curve((1,), (0.6,)), usual)
    for exploded in (Curve((1, 2), (far, far)), Curve((1, 2), (0.5, far))):
        found = estimate(LOSS, Curve((1,), (0.6,)), [*usual, (exploded, far)])
        assert found == expected


@pytest.mark.parametrize("far", [1e12, 1e160, 1.7e308])
def test_of_one_that_exploded_itself_nothing_is_hoped(far: float) -> None:
    usual = [
        (Curve((1, 2), (at, 0.9 * at + 0.01 * math.sin(9 * at))), 0.9 * at) for at in np.linspace(0.2, 1, 9).tolist()
    ]
    found = estimate(LOSS, Curve.of([(1, far)]), usual)
    assert found is not None
    assert found.chance(LOSS, 0.18) < 1e-3
    json.dumps([found.expected, found.spread], allow_nan=False)


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1.0, 1e160, 1e280])
def test_it_is_the_same_in_any_unit(unit: float) -> None:
    def found(unit: float) -> Estimate:
        rng = np.random.default_rng(4)
        pairs = [(x * unit, (x + rng.normal(0, 0.1)) * unit) for x in rng.uniform(1, 2, 9).tolist()]
        made = estimate(LOSS, Curve((1,), (1.5 * unit,)), [(Curve((1, 2), pair), pair[1]) for pair in pairs])
        assert made is not None
        return made

    assert found(unit).expected == pytest.approx(found(1.0).expected * unit, rel=1e-9)
    assert found(unit).spread == pytest.approx(found(1.0).spread * unit, rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_those_that_learned_are_not_far_out_where_most_learned_nothing(noise: float) -> None:
    rng = np.random.default_rng(5)
    dead = [(Curve((1, 2), (0.1, 0.1)), 0.1 + float(rng.normal(0, noise))) for _ in range(7)]
    good = [(Curve((1, 2), (at, at + 0.3)), at + 0.3 + float(rng.normal(0, noise))) for at in (0.4, 0.5, 0.6, 0.7, 0.8)]
    found = estimate(ACCURACY, Curve((1,), (0.55,)), [*dead, *good])
    assert found is not None
    assert 0.7 < found.expected < 0.95
    assert found.spread > 0.02


@pytest.mark.parametrize("unit", [0.0, 1e-3])
def test_those_that_learned_nothing_are_not_far_out_where_most_learned(unit: float) -> None:
    good = [(Curve((1, 2), (0.9 + unit * i, 0.95 + unit * i)), 0.95 + unit * i) for i in range(8)]
    bad = [(Curve((1, 2), (at, at)), at) for at in (0.1, 0.2, 0.3, 0.4, 0.5)]
    found = estimate(ACCURACY, Curve((1,), (0.3,)), [*good, *bad])
    assert found is not None
    assert found.expected == pytest.approx(0.3, abs=0.05)


def test_it_is_right_as_often_as_it_says() -> None:
    """Of what has a chance of 10 %, a tenth comes true: lines with noise, and the value that is asked for amid them."""
    rng, hits, spreads = np.random.default_rng(1), 0, []
    for _ in range(1000):
        at = rng.normal(size=13)
        end = 2 * at + rng.normal(scale=0.3, size=13)
        finished = [(Curve((1, 2), (x, y)), y) for x, y in zip(at[1:].tolist(), end[1:].tolist(), strict=True)]
        found = estimate(LOSS, Curve((1,), (float(at[0]),)), finished)
        assert found is not None
        spreads.append(found.spread)
        hits += bool(end[0] < found.expected - stats.t.ppf(0.9, found.freedom) * found.spread)
    assert 0.07 < hits / 1000 < 0.13
    assert 0.25 < np.median(spreads) < 0.40


def test_the_chance_to_be_better() -> None:
    up, down = Estimate(0.9, 0.1, 8), Estimate(0.3, 0.1, 8)
    assert up.chance(ACCURACY, 0.9) == down.chance(LOSS, 0.3) == 0.5
    assert up.chance(ACCURACY, 1.0) == pytest.approx(down.chance(LOSS, 0.2)) == pytest.approx(stats.t.sf(1, 8))
    assert Estimate(0.9, 0.0, 8).chance(ACCURACY, 0.8) == 1.0
    assert Estimate(0.9, 0.0, 8).chance(ACCURACY, 0.9) == 0.0
