"""A Gaussian process over points of a search space: Matérn 5/2, a scale for each parameter, and noise.

Equations are those of C. Rasmussen and C. Williams, Gaussian Processes for Machine Learning (2006): (5.8) for the
marginal likelihood, (5.9) for its gradient, (2.25) and (2.26) for what it predicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._minimize import minimize

Floats = NDArray[np.float64]

_ROOT5: Final = 5**0.5
LOWEST_NOISE: Final = 1e-7
"""Variance of noise in parts of the losses' variance, below which matrices become singular."""
_LOW, _HIGH = (-8.0, -16.0), (7.0, 0.0)
"""Bounds of the logarithms of weights and scale, and of noise."""


@dataclass(frozen=True, slots=True)
class Hyper:
    """Logarithms of what a kernel is made of.

    `weights` (p,): inverse squared length scales; `scale`: variance of the function; `noise`: of what is observed.
    """

    weights: Floats
    scale: float
    noise: float

    @classmethod
    def of(cls, packed: Floats) -> "Hyper":
        """From one vector."""
        return cls(packed[:-2], float(packed[-2]), float(packed[-1]))

    @property
    def packed(self) -> Floats:
        """As one vector, (p + 2,)."""
        return np.concatenate([self.weights, [self.scale, self.noise]])


def distances(one: Floats, other: Floats, categorical: NDArray[np.bool_]) -> Floats:
    """Squared distances by parameter, (p, n, m), of points (n, p) and (m, p); of categories 0 or 1."""
    apart = one.T[:, :, None] - other.T[:, None, :]
    squared: Floats = np.where(categorical[:, None, None], np.abs(apart) > 1e-9, apart * apart)
    return squared


def kernel(squared: Floats, hyper: Hyper) -> tuple[Floats, Floats]:
    """Covariances, and their derivatives by the squared distance; of distances (p, ...) to (...)."""
    return _matern(np.tensordot(np.exp(hyper.weights), squared, axes=1), hyper.scale)


def _matern(r2: Floats, scale: float) -> tuple[Floats, Floats]:
    root = _ROOT5 * np.sqrt(r2)
    decay = np.exp(scale - root)
    return (1 + root + root * root / 3) * decay, -5 / 6 * (1 + root) * decay


def _between(one: Floats, other: Floats) -> Floats:
    """Squared distances (n, m) of points (n, d) and (m, d), by one product of matrices."""
    squared = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * (one @ other.T)
    result: Floats = np.maximum(squared, 0.0)
    return result


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of the function at any point; losses are in their own standard units."""

    points: Floats
    categorical: NDArray[np.bool_]
    hyper: Hyper
    whitened: Floats
    """Inverse of the Cholesky factor, (n, n)."""
    solved: Floats
    """Inverse covariance times losses, (n,)."""

    @classmethod
    def of(cls, points: Floats, losses: Floats, categorical: NDArray[np.bool_], hyper: Hyper) -> "Posterior":
        """Condition on losses (n,) at points (n, p)."""
        covariance, _ = kernel(distances(points, points, categorical), hyper)
        covariance[np.diag_indices_from(covariance)] += np.exp(hyper.noise) + LOWEST_NOISE
        whitened = np.linalg.inv(np.linalg.cholesky(covariance))
        return cls(points, categorical, hyper, whitened, whitened.T @ (whitened @ losses))

    def believing(self, points: Floats) -> "Posterior":
        """With what is expected at these points, (m, p), taken for observed: it is not looked for there again."""
        if not len(points):
            return self
        losses, _ = self.predict(points)
        known, _ = self.predict(self.points)
        every = np.concatenate([self.points, points])
        return Posterior.of(every, np.concatenate([self._observed(known), losses]), self.categorical, self.hyper)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the function, without noise, at points (m, p): (m,) each."""
        every = self._embedded(np.concatenate([self.points, points]))
        across, _ = _matern(_between(every[: len(self.points)], every[len(self.points) :]), self.hyper.scale)
        spread = self.whitened @ across
        variance = np.exp(self.hyper.scale) - np.einsum("ij,ij->j", spread, spread)
        return across.T @ self.solved, np.sqrt(np.maximum(variance, 1e-12))

    def _embedded(self, points: Floats) -> Floats:
        """Where points (m, p) lie so that squared distances are plain: a category has an axis for each value."""
        roots = np.exp(0.5 * self.hyper.weights)
        parts = [points[:, ~self.categorical] * roots[~self.categorical]]
        for place in np.flatnonzero(self.categorical):
            places = points[:, place].round(9)  # the middle of a cell, by whichever way it was computed
            parts.append((places[:, None] == np.unique(places)) * (roots[place] / 2**0.5))
        embedded: Floats = np.concatenate(parts, axis=1)
        return embedded

    def _observed(self, means: Floats) -> Floats:
        """The losses at its own points: the mean, and what noise added to it."""
        observed: Floats = means + (np.exp(self.hyper.noise) + LOWEST_NOISE) * self.solved
        return observed


def fit(points: Floats, losses: Floats, categorical: NDArray[np.bool_], starts: Sequence[Hyper], steps: int) -> Hyper:
    """The likeliest kernel for standardised losses (n,) at points (n, p), with priors; a climb from each start.

    Priors are those of Optuna's GPSampler: length scales near 1, and little noise.
    """
    squared = distances(points, points, categorical)

    def objective(packed: Floats) -> tuple[float, Floats]:
        return _objective(packed, squared, losses)

    low, high = (np.append(np.full(points.shape[1] + 1, bound), last) for bound, last in (_LOW, _HIGH))
    found = [minimize(objective, start.packed, low, high, steps) for start in starts]
    return Hyper.of(min(found, key=lambda one: one[1])[0])


def first_guess(parameters: int) -> Hyper:
    """Where a climb begins without anything better: length scales of 1, all variance from the function."""
    return Hyper(np.zeros(parameters), 0.0, float(np.log(1e-3)))


def _objective(packed: Floats, squared: Floats, losses: Floats) -> tuple[float, Floats]:
    """Negative logarithm of the posterior density of a kernel, and its gradient."""
    hyper = Hyper.of(packed)
    covariance, slope = kernel(squared, hyper)
    noise = float(np.exp(hyper.noise))
    noisy = covariance + (noise + LOWEST_NOISE) * np.eye(len(losses))
    try:
        factor = np.linalg.cholesky(noisy)
    except np.linalg.LinAlgError:
        return np.inf, np.zeros_like(packed)
    whitened = np.linalg.inv(factor)
    solved = whitened.T @ (whitened @ losses)
    value = 0.5 * float(losses @ solved) + float(np.log(np.diag(factor)).sum())
    outer = 0.5 * (whitened.T @ whitened - np.outer(solved, solved))
    weights = np.exp(hyper.weights)
    by_weight = weights * np.tensordot(squared, outer * slope, axes=([1, 2], [0, 1]))
    gradient = np.concatenate([by_weight, [float((outer * covariance).sum()), noise * float(np.trace(outer))]])
    prior, by_prior = _prior(weights, float(np.exp(hyper.scale)), noise)
    return value - prior, gradient - by_prior


def _prior(weights: Floats, scale: float, noise: float) -> tuple[float, Floats]:
    """Logarithm of the prior density of a kernel, and its derivatives by the logarithms of its parts."""
    value = -float((0.1 / weights + 0.1 * weights).sum()) + np.log(scale) - scale + 0.1 * np.log(noise) - 30 * noise
    return float(value), np.concatenate([0.1 / weights - 0.1 * weights, [1 - scale, 0.1 - 30 * noise]])
