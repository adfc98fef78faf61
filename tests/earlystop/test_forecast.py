"""What learning curves say of how one goes on, and what a chance is worth."""

import math

import numpy as np
import pytest

from tunesmith.earlystop._forecast import Forecast, forecast
from tunesmith.earlystop._worth import price_of_a_step, worth
from tunesmith.services.learning_curves import FAR, Scale, learn, rungs_to


class TestForecast:
    def test_rungs_lie_ever_further_apart(self) -> None:
        assert rungs_to(27) == (1, 2, 3, 5, 8, 12, 18, 27)
        assert rungs_to(2) == (1, 2)
        assert rungs_to(1) == ()
        assert len(rungs_to(10**9)) == 24
        assert rungs_to(10**9)[-1] == 10**9

    def test_distances_are_in_proportion_near_the_best_and_bounded_far_away(self) -> None:
        scale = Scale.of([1.0, 2.0, 9.0, math.inf], 1.0)
        assert scale.distance(1.0) == scale.distance(0.5) == 0
        assert scale.distance(1.001) == pytest.approx(0.01, rel=0.01)
        assert scale.distance(1e300) == FAR
        for loss in (1.001, 1.5, 7.0):
            assert scale.loss(scale.distance(loss)) == pytest.approx(loss)
        assert scale.loss(-1.0) < scale.loss(0.0) == 1.0

    @pytest.mark.parametrize("standings", [[], [math.inf], [3.0, 3.0], [1e290, -1e290]])
    def test_any_study_has_a_scale(self, standings: list[float]) -> None:
        scale = Scale.of(standings, min(standings, default=math.inf))
        assert math.isfinite(scale.distance(0.0))
        assert math.isfinite(scale.loss(FAR))
        assert scale.loss(1e9) == scale.loss(FAR)

    def test_many_that_are_as_good_as_the_best_do_not_hide_what_the_unit_is(self) -> None:
        assert Scale.of([0.5, 0.5, 0.5, 0.9], 0.5).unit == pytest.approx(0.04)
        assert Scale.of([50.0, 50.0, 50.0, 90.0], 50.0).unit == pytest.approx(4)

    def test_gains_are_learned(self) -> None:
        rng = np.random.default_rng(0)
        levels, gained = rng.uniform(1, 3, 60), rng.uniform(0, 1, 60)
        hop = learn(levels, gained, levels - 0.1 - 0.5 * gained - 0.2 * levels)
        mean, variance = hop.gain(2.0, 0.4)
        assert mean == pytest.approx(0.1 + 0.2 + 0.4, abs=0.02)
        assert math.sqrt(variance) < 0.05

    def test_little_known_is_little_certain(self) -> None:
        level, nothing = np.array([1.0, 1.2]), np.zeros(0)
        few, many = (
            learn(level, level / 9, level - 0.3),
            learn(np.tile(level, 20), np.tile(level / 9, 20), np.tile(level - 0.3, 20)),
        )
        assert learn(nothing, nothing, nothing).gain(1.1, 0.1)[1] > few.gain(1.1, 0.1)[1] > many.gain(1.1, 0.1)[1]
        assert few.gain(4.0, 0.1)[1] > few.gain(1.1, 0.1)[1], "nobody was there"

    def test_the_spread_is_that_of_walks_along_the_hops(self) -> None:
        rng = np.random.default_rng(1)
        hops = []
        for _ in range(3):
            before, last = rng.uniform(1, 3, 400), rng.uniform(0, 1, 400)
            hops.append(learn(before, last, before - 0.4 * last - 0.1 * before + rng.normal(0, 0.1, 400)))
        expected = forecast(2.0, 0.5, hops, falls=False)
        ends = []
        for _ in range(4000):
            level, gained = 2.0, 0.5
            for hop in hops:
                mean, variance = hop.gain(level, gained)
                gained = rng.normal(mean, math.sqrt(variance))
                level -= gained
            ends.append(level)
        assert np.mean(ends) == pytest.approx(expected.mean, abs=0.01)
        assert np.std(ends) == pytest.approx(expected.spread, rel=0.05)

    def test_a_trait_that_says_how_a_level_counts_is_in_the_spread(self) -> None:
        """What the first hop brings is lost in the second where the trait is 1, and kept where it is -1."""
        rng = np.random.default_rng(2)
        levels, gained, traits = rng.uniform(1, 3, 400), rng.uniform(0, 1, 400), rng.choice([-1.0, 1.0], (400, 1))
        first = learn(levels, gained, levels + rng.normal(0, 0.3, 400), traits)
        second = learn(levels, gained, levels - (1 + traits[:, 0]) / 2 * (levels - 1.5), traits)
        spreads = [forecast(2.0, 0.0, [first, second], np.array([sign]), falls=False).spread for sign in (-1.0, 1.0)]
        assert spreads == pytest.approx([0.3, 0.0], abs=0.06)

    def test_a_best_value_does_not_get_worse(self) -> None:
        levels = np.linspace(1.0, 3.0, 40)
        rising = learn(levels, np.zeros(40), levels + 0.3)
        assert forecast(2.0, 0.0, [rising], falls=False).mean == pytest.approx(2.3, abs=0.05)
        assert forecast(2.0, 0.0, [rising], falls=True).mean == 2.0

    def test_a_certain_end(self) -> None:
        assert Forecast(1.0, ()).below(1.1) == 1
        assert Forecast(1.0, ()).below(1.0) == 0
        assert Forecast(1.0, (0.3, 0.4)).below(1.5) == pytest.approx(0.841, abs=0.001)


class TestWorth:
    def test_of_the_last_hop_it_is_the_chance_less_the_price(self) -> None:
        expected = Forecast(1.0, (0.5,))
        assert worth(0.7, expected, [10], 0.01) == pytest.approx(expected.below(0.7) - 0.1, abs=0.005)

    def test_of_two_hops_one_may_give_up_after_the_first(self) -> None:
        expected, bar, price = Forecast(1.0, (0.6, 0.3)), 0.4, 0.02
        shown, weights = np.polynomial.hermite_e.hermegauss(80)
        ends = 1.0 + 0.6 * shown
        chances = np.array([Forecast(end, (0.3,)).below(bar) for end in ends])
        exact = float(weights @ np.maximum(chances - price * 8, 0) / weights.sum()) - price * 2
        assert worth(bar, expected, [2, 8], price) == pytest.approx(exact, abs=0.004)
        assert exact > 0 > expected.below(bar) - price * 10, "to go to the end whatever is shown would not be worth it"

    def test_a_step_costs_less_when_the_best_is_hard_to_beat(self) -> None:
        assert price_of_a_step(9, 5.0, 2.0) == pytest.approx(2 / 10 / 5)
        assert price_of_a_step(99, 5.0, 2.0) < price_of_a_step(9, 5.0, 2.0)
        assert price_of_a_step(9, 5.0, 0.0) == 0
