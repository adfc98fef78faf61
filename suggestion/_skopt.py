"""What the `bayesian` algorithm asks of scikit-optimize. Imported only when it is used: that takes a second or two."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import GradientBoostingRegressor
from skopt import Optimizer
from skopt.acquisition import gaussian_ei
from skopt.space import Categorical, Integer, Real

from tunesmith.study import CategoricalDomain, Distribution, Domain

Floats = NDArray[np.float64]

HEDGE = ("EI", "LCB", "PI")
"""Acquisition functions among which `gp_hedge` chooses, in scikit-optimize's order."""
SPARE = 1000
"""Random candidates that are ranked when the proposal itself cannot be taken."""
QUANTILES = (0.16, 0.5, 0.84)
"""A standard deviation below the middle of a normal distribution, the middle, and one above."""
_MOST_CELLS = 2**20
"""Ordered values up to which a parameter is told as whole numbers rather than as a continuum."""


class QuantileBoosting(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosted trees for three quantiles, with scikit-optimize's settings: median, and half the spread.

    scikit-optimize's own is none that scikit-learn 1.6 takes for a regressor, and calls what numpy 2.4 does not have.
    """

    def __init__(self, random_state: int = 0) -> None:
        """As scikit-learn's estimators: settings, no work."""
        self.random_state = random_state

    def fit(self, points: Floats, losses: Floats) -> "QuantileBoosting":
        """Fit each quantile; points (n, d), losses (n,)."""
        self.regressors_ = [
            GradientBoostingRegressor(
                n_estimators=30, loss="quantile", alpha=quantile, random_state=self.random_state
            ).fit(points, losses)
            for quantile in QUANTILES
        ]
        return self

    def predict(self, points: Floats, return_std: bool = False) -> Any:
        """Median at points (n, d), and the standard deviation of the normal distribution that the others belong to."""
        low, median, high = (regressor.predict(points) for regressor in self.regressors_)
        return (median, (high - low) / 2) if return_std else median


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter as scikit-optimize sees it: `cells` ordered or unordered values, or (0) a continuum."""

    dimension: Any
    cells: int

    @classmethod
    def of(cls, domain: Domain) -> "Axis":
        """The axis of a parameter that has more than one value."""
        count = domain.count()
        if isinstance(domain, CategoricalDomain):
            return cls(Categorical(list(range(len(domain.values)))), len(domain.values))
        even = getattr(domain, "distribution", Distribution.UNIFORM) is Distribution.UNIFORM
        if count is not None and count <= _MOST_CELLS and even:
            return cls(Integer(0, count - 1), count)
        return cls(Real(0.0, 1.0), 0)

    def value(self, unit: float) -> float | int:
        """A unit coordinate as the axis has it."""
        return min(int(unit * self.cells), self.cells - 1) if self.cells else float(unit)

    def unit(self, value: float) -> float:
        """The way back."""
        return (float(value) + 0.5) / self.cells if self.cells else float(value)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of the losses, and what it proposes."""

    axes: Sequence[Axis]
    optimizer: Any
    proposal: list[float]
    """The point that was chosen, in unit coordinates."""
    nominees: Floats
    """Points that the acquisition functions nominated, (f, d), in unit coordinates."""
    gains: Floats
    """Of HEDGE, (3,); empty when one acquisition function alone decides."""

    def ranked(self, units: Floats) -> list[list[float]]:
        """These points, (n, d), with the largest expected improvement first."""
        return units[np.argsort(-self.improvement(units), kind="stable")].tolist()  # type: ignore[no-any-return]

    def improvement(self, units: Floats) -> Floats:
        """Expected improvement at these points, (n, d) to (n,)."""
        points = [_values(self.axes, unit) for unit in units.tolist()]
        transformed = self.optimizer.space.transform(points)
        found: Floats = gaussian_ei(transformed, self.optimizer.models[-1], y_opt=min(self.optimizer.yi))
        return found


def _standard(losses: Floats) -> Floats:
    """Losses (n,) about 0 with a standard deviation of 1, for whatever unit they have.

    scikit-optimize adds the model's means up to GP-Hedge's gains, and asks for improvements by 0.01: in the unit of the
    losses, in which one acquisition function may win for good, and no improvement be worth looking for. And it squares
    them, which must give numbers.
    """
    parts = losses / (float(np.abs(losses).max()) or 1.0)
    centred: Floats = parts - parts.mean()
    return centred / (float(parts.std()) or 1.0)


def _values(axes: Sequence[Axis], unit: Sequence[float]) -> list[float | int]:
    return [axis.value(u) for axis, u in zip(axes, unit, strict=True)]


def _units(axes: Sequence[Axis], points: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[axis.unit(value) for axis, value in zip(axes, point, strict=True)] for point in points]


def fit(
    axes: Sequence[Axis],
    units: Floats,
    losses: Floats,
    *,
    estimator: str,
    acquisition: str,
    method: str,
    looks: int,
    seed: int,
    before: tuple[Floats, Floats] | None,
) -> Fitted:
    """Fit a model to points (n, d) and losses (n,), and let it propose the next point.

    `looks`: random points at which the acquisition function is computed before the best of them are improved.
    `before`: nominees (3, d) and gains (3,) of the trial before this one, by which GP-Hedge goes on (M. Hoffman, E.
    Brochu and N. de Freitas, Portfolio Allocation for Bayesian Optimization, UAI 2011); None: it begins.
    """
    rng = np.random.RandomState(seed)
    base = QuantileBoosting(rng.randint(0, 2**31 - 1)) if estimator == "GBRT" else estimator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kernels at their bounds, and points that come again, which we see to
        optimizer = Optimizer(
            [axis.dimension for axis in axes],
            base,
            n_initial_points=0,
            acq_func=acquisition,
            acq_optimizer=method if estimator == "GP" else "sampling",  # trees have no gradients
            random_state=rng,
            acq_optimizer_kwargs={"n_points": looks},
            avoid_duplicates=False,
        )
        if before is not None and acquisition == "gp_hedge":
            nominees, gains = before
            points = [_values(axes, unit) for unit in nominees.tolist()]
            optimizer.next_xs_, optimizer.gains_ = list(optimizer.space.transform(points)), gains.copy()
        optimizer.tell([_values(axes, unit) for unit in units.tolist()], _standard(losses).tolist())
        proposal = optimizer.ask()
    nominees = optimizer.space.inverse_transform(np.vstack(optimizer.next_xs_))
    gains = np.array(getattr(optimizer, "gains_", ()))
    return Fitted(axes, optimizer, _units(axes, [proposal])[0], np.array(_units(axes, nominees)), gains)
