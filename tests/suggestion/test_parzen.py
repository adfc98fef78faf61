"""The Parzen estimator: a density, and the one that Optuna has."""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.strategies import domains

from tunesmith.study import CategoricalDomain, DiscreteDomain, Distribution, Domain, DoubleDomain, IntDomain
from tunesmith.suggestion import _parzen
from tunesmith.suggestion._kernels import narrowest
from tunesmith.suggestion._normal import inverse, mass, upper
from tunesmith.suggestion._parzen import Parzen, ageing

Floats = NDArray[np.float64]

LOG, NORMAL = Distribution.LOG_UNIFORM, Distribution.NORMAL
RATE, WIDTH, KERNEL = DoubleDomain(1e-5, 1, LOG), IntDomain(1, 12), CategoricalDomain(("rbf", "poly", "linear"))
FINITE: Sequence[Domain] = (
    WIDTH,
    KERNEL,
    IntDomain(1, 40, LOG),
    DoubleDomain(0, 0.5, step=0.05),
    DoubleDomain(0, 1, NORMAL, step=0.125),
    DiscreteDomain((1, 10, 1000)),
)


def observe(domains: Sequence[Domain], count: int, seed: int = 0) -> Floats:
    """So many random observations, (d, n)."""
    rng = np.random.default_rng(seed)
    rows = [[domain.encode(domain.decode(rng.random())) for _ in range(count)] for domain in domains]
    return np.array(rows).reshape(len(domains), count)


class TestNormal:
    def test_the_tail_is_as_accurate_as_promised(self) -> None:
        z = np.linspace(0, 37, 20_001)
        exact = np.array([math.erfc(x / math.sqrt(2)) / 2 for x in z.tolist()])
        assert np.abs(upper(z) / exact - 1).max() < 3e-10

    def test_far_away_is_nothing(self) -> None:
        np.testing.assert_array_equal(upper(np.array([40.0, 1e3, 1e9])), 0)

    @given(st.floats(-36, 36), st.floats(0, 20))
    def test_a_mass_is_right_in_the_middle_and_in_both_tails(self, low: float, width: float) -> None:
        high = low + width
        near, far = sorted((abs(low), abs(high)))
        exact = (math.erfc(near / math.sqrt(2)) - math.erfc(far / math.sqrt(2))) / 2
        if low < 0 < high:
            exact = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
        found = float(mass(np.array([low]), np.array([high]))[0])
        assert found == pytest.approx(exact, rel=1e-9, abs=3e-10 * math.erfc(near / math.sqrt(2)))

    def test_the_inverse_is_one(self) -> None:
        shares = np.array([[0.0, 1e-12, 0.3], [0.5, 0.999, 1.0]])
        found = inverse(shares)
        assert found.shape == shares.shape
        assert np.isfinite(found).all()
        np.testing.assert_allclose(mass(np.full((2, 3), -50.0), found), shares, rtol=1e-9, atol=1e-15)


class TestDensity:
    @pytest.mark.parametrize("domain", FINITE)
    @pytest.mark.parametrize("count", [0, 1, 2, 40, 400])
    def test_masses_of_all_values_add_up_to_one(self, domain: Domain, count: int) -> None:
        parzen = Parzen([domain], observe([domain], count), 1.0)
        values = np.array([[domain.encode(value)] for value in domain.choices()])
        assert np.exp(parzen.log_density(values)).sum() == pytest.approx(1, abs=1e-8)

    @pytest.mark.parametrize("count", [0, 1, 2, 40, 400])
    @pytest.mark.parametrize("weight", [0.1, 1.0, 30.0])
    def test_a_continuum_integrates_to_one(self, count: int, weight: float) -> None:
        parzen = Parzen([RATE], observe([RATE], count), weight)
        middles = (np.arange(20_000) + 0.5) / 20_000
        assert np.exp(parzen.log_density(middles[:, None])).mean() == pytest.approx(1, abs=1e-6)

    def test_so_does_a_product(self) -> None:
        three: Sequence[Domain] = (RATE, WIDTH, KERNEL)
        parzen = Parzen(three, observe(three, 30), 1.0)
        middles = ((np.arange(500) + 0.5) / 500).tolist()
        finite = [[domain.encode(value) for value in domain.choices()] for domain in (WIDTH, KERNEL)]
        points = np.array(list(product(middles, *finite)))
        assert np.exp(parzen.log_density(points)).sum() / 500 == pytest.approx(1, abs=1e-5)

    def test_draws_have_the_density(self) -> None:
        three: Sequence[Domain] = (RATE, WIDTH, KERNEL)
        parzen = Parzen(three, observe(three, 5), 1.0)
        drawn = parzen.draw(np.random.default_rng(0).random((20_000, 4)))
        for place, cells in enumerate((10, 12, 3)):
            seen = np.bincount((drawn[:, place] * cells).astype(int), minlength=cells) / len(drawn)
            alone = Parzen(three[place : place + 1], observe(three, 5)[place : place + 1], 1.0)
            fine = (np.arange(cells * 100) + 0.5) / (cells * 100)
            units = fine if place == 0 else (np.arange(cells) + 0.5) / cells
            expected = np.exp(alone.log_density(units[:, None])).reshape(cells, -1)
            shares = expected.mean(axis=1) / cells if place == 0 else expected[:, 0]
            np.testing.assert_allclose(seen, shares, atol=0.012)

    def test_parameters_go_together_as_they_went_together(self) -> None:
        together = np.array([[0.1] * 20 + [0.9] * 20] * 2)
        parzen = Parzen([RATE, RATE], together, 1.0)
        same, crossed = parzen.log_density(np.array([[0.1, 0.1], [0.1, 0.9]]))
        assert same > crossed + 2

    @given(st.lists(domains(), min_size=1, max_size=3), st.integers(0, 30), st.integers(0, 9))
    def test_draws_are_values_of_the_domains(self, several: list[Domain], count: int, seed: int) -> None:
        free = [domain for domain in several if domain.count() != 1]
        parzen = Parzen(free, observe(free, count, seed), 1.0)
        drawn = parzen.draw(np.random.default_rng(seed).random((8, 1 + len(free))))
        for place, domain in enumerate(free):
            for unit in drawn[:, place].tolist():
                assert 0 <= unit <= 1
                assert domain.count() is None or domain.encode(domain.decode(unit)) == pytest.approx(unit, abs=1e-12)
        assert np.isfinite(parzen.log_density(drawn)).all()

    def test_how_many_are_computed_at_once_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        three: Sequence[Domain] = (RATE, WIDTH, KERNEL)
        parzen, points = Parzen(three, observe(three, 50), 1.0), observe(three, 24, 1).T
        whole = parzen.log_density(points)
        monkeypatch.setattr(_parzen, "_AT_ONCE", 100)
        np.testing.assert_array_equal(parzen.log_density(points), whole)


class TestExponent:
    @pytest.mark.parametrize(
        ("domain", "narrower"), [(RATE, True), (IntDomain(1, 101), True), (IntDomain(1, 100), False), (KERNEL, False)]
    )
    def test_it_narrows_the_kernels_of_continua_and_of_many_values(self, domain: Domain, narrower: bool) -> None:
        same = np.full((1, 9), domain.encode(domain.decode(0.5)))
        wide, narrow = (float(Parzen([domain], same, 1.0, one).log_density(same[:, :1].T)[0]) for one in (1.0, 1.5))
        assert (narrow > wide + 0.5) == narrower
        assert narrower or narrow == wide

    def test_no_kernel_is_narrower_than_a_hundredth(self) -> None:
        assert narrowest(0, 1.0) == 0.5
        assert narrowest(2, 1.5) == 1 / 8
        assert narrowest(10**6, 1.5) == narrowest(98, 1.0) == 1 / 100


def test_old_trials_weigh_less() -> None:
    assert ageing(0).tolist() == []
    assert ageing(25).tolist() == [1] * 25
    weights = ageing(40)
    assert weights[0] == 1 / 40
    assert (np.diff(weights[:15]) > 0).all()
    assert weights[-25:].tolist() == [1] * 25


@pytest.mark.filterwarnings("ignore")
class TestAsOptuna:
    """The same observations give Optuna's density. Its log-scaled ints have other middles, so they are not compared."""

    DOMAINS: Sequence[Domain] = (
        DoubleDomain(-3, 5),
        RATE,
        WIDTH,
        DoubleDomain(0, 0.5, step=0.05),
        KERNEL,
    )

    @pytest.fixture
    def theirs(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Their estimator, with a stable sort: which of equal observations has which width depends on it."""
        from optuna.samplers._tpe import parzen_estimator

        class Stable:
            def __getattr__(self, name: str) -> Any:
                return getattr(np, name)

            def argsort(self, values: Floats) -> Any:
                return np.argsort(values, kind="stable")

        monkeypatch.setattr(parzen_estimator, "np", Stable())
        return parzen_estimator

    @pytest.mark.parametrize("count", [0, 1, 2, 5, 30, 200, 1000])
    @pytest.mark.parametrize("weight", [0.5, 1.0])
    def test_densities_are_equal(self, theirs: Any, count: int, weight: float) -> None:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
        from optuna.samplers._tpe.sampler import default_weights

        space = {
            "x": FloatDistribution(-3, 5),
            "rate": FloatDistribution(1e-5, 1, log=True),
            "width": IntDistribution(1, 12),
            "drop": FloatDistribution(0, 0.5, step=0.05),
            "kernel": CategoricalDistribution(KERNEL.values),
        }
        parameters = theirs._ParzenEstimatorParameters(weight, True, False, default_weights, True)
        seen, asked = observe(self.DOMAINS, count), observe(self.DOMAINS, 24, 1)

        def as_theirs(units: Floats) -> dict[str, Floats]:
            pairs = zip(space.items(), self.DOMAINS, units, strict=True)
            return {
                name: np.array([dist.to_internal_repr(domain.decode(unit)) for unit in row.tolist()])
                for (name, dist), domain, row in pairs
            }

        expected = theirs._ParzenEstimator(as_theirs(seen), space, parameters).log_pdf(as_theirs(asked))
        found = Parzen(self.DOMAINS, seen, weight).log_density(asked.T)
        lengths = math.log(8) + math.log(math.log(1e5))  # of the two continua, which are unit intervals here
        np.testing.assert_allclose(found - lengths, expected, rtol=0, atol=1e-6)
