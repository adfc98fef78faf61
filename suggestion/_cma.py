"""The distribution of CMA-ES with margin, and its update. Numbers only: knows nothing of studies, and draws nothing.

- The Gaussian: N. Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772; equations by its numbers.
- The margin, which keeps every value of a dimension of few values within reach: R. Hamano, S. Saito, M. Nomura, S.
  Shirakawa, GECCO 2022, arXiv:2205.13482.
- Points that another distribution drew: N. Hansen, Injecting External Solutions Into CMA-ES, arXiv:1110.4181.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EPS = 1e-8
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Rates:
    """What follows from the number of dimensions d and the population size. `weights`: (population,), best first."""

    weights: Floats
    parents: int
    mu_eff: float
    c_1: float
    c_mu: float
    c_sigma: float
    d_sigma: float
    c_c: float
    chi: float
    """E||N(0, I)||."""


@lru_cache(maxsize=256)
def rates(d: int, population: int) -> Rates:
    """The tutorial's defaults, Table 1."""
    raw = np.log((population + 1) / 2) - np.log(np.arange(1, population + 1))  # (49)
    parents = population // 2
    mu_eff = float(raw[:parents].sum() ** 2 / (raw[:parents] ** 2).sum())
    mu_eff_minus = float(raw[parents:].sum() ** 2 / (raw[parents:] ** 2).sum())
    c_1 = 2 / ((d + 1.3) ** 2 + mu_eff)  # (57)
    c_mu = min(1 - c_1 - _EPS, 2 * (mu_eff - 2 + 1 / mu_eff) / ((d + 2) ** 2 + mu_eff))  # (58)
    least = min(1 + c_1 / c_mu, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c_1 - c_mu) / (d * c_mu))  # (50)-(52)
    weights = np.where(raw >= 0, raw / raw[raw > 0].sum(), least * raw / np.abs(raw[raw < 0]).sum())  # (53)
    c_sigma = (mu_eff + 2) / (d + mu_eff + 5)  # (55)
    d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (d + 1)) - 1) + c_sigma
    c_c = (4 + mu_eff / d) / (d + 4 + 2 * mu_eff / d)  # (56)
    chi = math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
    return Rates(weights, parents, mu_eff, c_1, c_mu, c_sigma, d_sigma, c_c, chi)


def default_population(dimensions: int) -> int:
    """(48)."""
    return 4 + math.floor(3 * math.log(max(dimensions, 1)))


class Gaussian:
    """N(mean, sigma^2 A C A) over d dimensions.

    `borders`: by dimension of few values, where the cells of the values meet, ascending. A is the diagonal of the
    margin: 1 but for these dimensions.
    """

    def __init__(self, mean: Floats, sigma: float, borders: Mapping[int, Sequence[float]], margin: float) -> None:
        """Begin at a mean (d,), with C = I. `margin`: least probability of leaving a value, to both sides together."""
        d = len(mean)
        self.mean, self.sigma, self.generation = mean.astype(float), sigma, 0
        self._borders, self._margin = dict(borders), margin
        self._first_sigma = sigma
        self._cov, self._scale = np.eye(d), np.ones(d)
        self._path_sigma, self._path_c = np.zeros(d), np.zeros(d)
        self._axes: Floats = np.eye(d)
        self._lengths: Floats = np.ones(d)

    @property
    def scale(self) -> Floats:
        """The diagonal of A, (d,)."""
        return self._scale

    @property
    def covariance(self) -> Floats:
        """C, (d, d)."""
        return self._cov

    def at(self, standard: Floats) -> Floats:
        """The points (n, d) or (d,) for standard normal ones."""
        spread: Floats = (standard * self._lengths) @ self._axes.T
        return self.mean + self.sigma * self._scale * spread

    def tell(self, points: Floats, own: NDArray[np.bool_]) -> None:
        """Update from a population (n, d), best first. `own`: (n,), which were drawn here; others are drawn near."""
        d, population = len(self.mean), len(points)
        r = rates(d, population)
        steps = (points - self.mean) / (self._scale * self.sigma)  # y, (n, d)
        whitened = (steps @ self._axes) / self._lengths @ self._axes.T  # C^(-1/2) y
        norms = np.sqrt((whitened**2).sum(axis=1))
        shrink = np.minimum(1.0, (math.sqrt(d) + 2 * d / (d + 2)) / np.maximum(norms, _EPS))  # injection, (2)
        shrink[own] = 1.0
        steps, whitened, norms = steps * shrink[:, None], whitened * shrink[:, None], norms * shrink
        best = r.weights[: r.parents]
        step, white = best @ steps[: r.parents], best @ whitened[: r.parents]  # (41)
        self.generation += 1
        self.mean = self.mean + self.sigma * step
        self._path_sigma = (1 - r.c_sigma) * self._path_sigma
        self._path_sigma += math.sqrt(r.c_sigma * (2 - r.c_sigma) * r.mu_eff) * white  # (43)
        length = float(np.sqrt(self._path_sigma @ self._path_sigma))
        warm = math.sqrt(1 - (1 - r.c_sigma) ** (2 * (self.generation + 1)))
        h = 1.0 if length / warm < (1.4 + 2 / (d + 1)) * r.chi else 0.0
        self.sigma = min(self.sigma * math.exp(min(1.0, r.c_sigma / r.d_sigma * (length / r.chi - 1))), 1e32)  # (44)
        self._path_c = (1 - r.c_c) * self._path_c + h * math.sqrt(r.c_c * (2 - r.c_c) * r.mu_eff) * step  # (45)
        weights = np.where(r.weights >= 0, r.weights, r.weights * d / (norms**2 + _EPS))  # (46)
        stale = 1 + r.c_1 * (1 - h) * r.c_c * (2 - r.c_c) - r.c_1 - r.c_mu * float(r.weights.sum())
        self._cov = stale * self._cov + r.c_1 * np.outer(self._path_c, self._path_c)  # (47)
        self._cov += r.c_mu * (steps.T * weights) @ steps
        self._decompose()
        self._keep_margin()

    def _decompose(self) -> None:
        squares, self._axes = np.linalg.eigh((self._cov + self._cov.T) / 2)
        self._lengths = np.sqrt(np.where(squares < 0, _EPS, squares))
        self._cov = (self._axes * self._lengths**2) @ self._axes.T

    def _keep_margin(self) -> None:
        """Section 4 of the margin's paper, one dimension after the other."""
        for i, borders in self._borders.items():
            spread = self.sigma * math.sqrt(self._cov[i, i])
            self.mean[i], self._scale[i] = with_margin(
                float(self.mean[i]), float(self._scale[i]), spread, borders, self._margin
            )

    def spent(self) -> bool:
        """Whether more samples bring nothing: it has shrunk to a point, grown without end, or degenerated."""
        variances = self._cov.diagonal()
        deviations = self.sigma * np.sqrt(variances)
        longest, shortest = float(self._lengths.max()), float(self._lengths.min())
        axis = self.generation % len(self.mean)
        return bool(
            not np.isfinite(self.mean).all()
            or (
                (self.sigma * variances < 1e-12 * self._first_sigma).all()
                and (self.sigma * self._path_c < 1e-12 * self._first_sigma).all()
            )
            or self.sigma * longest > 1e4
            or longest > 1e14 * shortest
            or (self.mean == self.mean + 0.2 * deviations).any()
            or (self.mean == self.mean + 0.1 * self.sigma * self._lengths[axis] * self._axes[:, axis]).all()
        )


def with_margin(
    mean: float, scale: float, spread: float, borders: Sequence[float], margin: float
) -> tuple[float, float]:
    """The mean and scale of one dimension, such that its value changes with at least the probability `margin`.

    `spread`: its standard deviation at scale 1. Equations (8) to (13).
    """
    place = bisect_left(borders, mean)
    low, high = borders[max(place - 1, 0)], borders[min(place, len(borders) - 1)]
    deviation = max(spread * scale, 1e-300)
    below, above = _NORMAL.cdf((low - mean) / deviation), _NORMAL.cdf((mean - high) / deviation)
    if place in (0, len(borders)):  # the first or the last value
        if min(below, above) >= margin or low != high:
            return mean, scale
        distance = -deviation * _NORMAL.inv_cdf(min(margin, 0.5 - 1e-10))
        return (low - distance if place == 0 else low + distance), scale
    middle = 1 - below - above
    low_, high_ = max(below, margin / 2), max(above, margin / 2)
    surplus = (1 - low_ - high_ - middle) / (low_ + middle + high_ - 1.5 * margin)
    low_, high_ = low_ + surplus * (low_ - margin / 2), high_ + surplus * (high_ - margin / 2)
    to_low, to_high = (-_NORMAL.inv_cdf(min(max(one, 1e-10), 0.5 - 1e-10)) for one in (low_, high_))
    if spread <= 1e-300:
        return mean, scale
    return (low * to_high + high * to_low) / (to_low + to_high), (high - low) / ((to_low + to_high) * spread)
