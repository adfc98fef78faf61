"""Truncated normal kernels of a Parzen estimator: one for each observation, as wide as its neighbours are far.

J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011, section 4; the bounds of the widths, called
magic clip, and the prior are those of Optuna 5. S. Watanabe (arXiv 2304.11127, 2023), section 3.3, compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._normal import inverse, upper

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

NARROWEST = 100
"""A kernel's standard deviation is at least 1 / NARROWEST of the unit interval."""

_CERTAIN = 8.5  # so many standard deviations away, nothing of a double lies beyond


@dataclass(frozen=True, slots=True)
class Shapes:
    """k different shapes of kernels: middle and standard deviation; each (k,).

    `places` has the place of its shape for each of n + 1 kernels; the last of them is the prior, of middle 1/2 and
    standard deviation 1. There are fewer shapes than kernels where observations are equal.
    """

    mus: Floats
    sigmas: Floats
    places: Whole

    @classmethod
    def of(cls, units: Floats, least: float) -> "Shapes":
        """Make kernels for observations at `units`, (n,), none narrower than `least`."""
        order = _sorted(units)
        mus = units[order]
        sigmas = np.maximum(_distances(mus), least)
        new = np.ones(len(mus), bool)
        new[1:] = (mus[1:] != mus[:-1]) | (sigmas[1:] != sigmas[:-1])
        places = np.empty(len(mus) + 1, np.intp)
        places[order] = np.cumsum(new) - 1
        places[-1] = np.count_nonzero(new)
        return cls(np.concatenate((mus[new], [0.5])), np.concatenate((sigmas[new], [1.0])), places)


@dataclass(frozen=True, slots=True)
class Kernels:
    """Shapes, the mass of each below 0, and the mass inside [0, 1]; each (k,)."""

    shapes: Shapes
    below: Floats
    inside: Floats

    def draw(self, chosen: Whole, quantiles: Floats) -> Floats:
        """Draw from the kernels `chosen`, (m,): the inverses of their distribution functions at `quantiles`, (m,)."""
        places = self.shapes.places[chosen]
        shares = self.below[places] + quantiles * self.inside[places]
        drawn = self.shapes.mus[places] + self.shapes.sigmas[places] * inverse(shares)
        return np.minimum(np.maximum(drawn, 0.0), 1.0)


def kernels_of(columns: Sequence[Floats], least: Sequence[float]) -> list[Kernels]:
    """Make kernels for each of d parameters, that were observed at d times (n,); all at once, which is faster.

    `least` has the least standard deviations, see `narrowest`.
    """
    if not columns:
        return []
    shapes = [Shapes.of(*one) for one in zip(columns, least, strict=True)]
    mus = np.concatenate([one.mus for one in shapes])
    sigmas = np.concatenate([one.sigmas for one in shapes])
    below, above = _tails(np.stack((mus / sigmas, (1 - mus) / sigmas)))
    borders = np.cumsum([len(one.mus) for one in shapes[:-1]])
    parts = (np.split(below, borders), np.split(1 - below - above, borders))
    return [Kernels(*one) for one in zip(shapes, *parts, strict=True)]


def narrowest(observations: int, exponent: float) -> float:
    """Return the least standard deviation of kernels for n observations: 1 / (n + 2)^exponent, within a bound.

    The exponent is 1 in Optuna 5.
    """
    return float(1 / min(NARROWEST, (observations + 2) ** exponent))


def _tails(distances: Floats) -> Floats:
    """Return the shares of the standard normal distribution above `distances`, of any shape."""
    result = np.zeros_like(distances)
    near = distances < _CERTAIN
    result[near] = upper(distances[near])
    return result


def _distances(mus: Floats) -> Floats:
    """Return the distance of each middle, (n,) ascending, to its farther neighbour: (n,).

    The ends of the interval are neighbours only where there is no other (`consider_endpoints=False` in Optuna). Of
    equal middles, the first has the neighbour below, the last the one above, and those between have none.
    """
    count = len(mus)
    gaps = np.zeros(count + 1)
    np.subtract(mus[1:], mus[:-1], out=gaps[1:-1])
    if count == 1:
        gaps[:] = mus[0], 1 - mus[0]
    farther: Floats = np.maximum(gaps[:-1], gaps[1:])
    return farther


def _sorted(units: Floats) -> Whole:
    """Return a stable order, as `argsort(kind="stable")` does in five times the time."""
    order = np.argsort(units)
    ascending = units[order]
    rises = ascending[1:] != ascending[:-1]
    if rises.all():
        return order
    ranks = np.concatenate(([0], np.cumsum(rises)))  # equal ones have the same
    keys = ranks * len(units) + order
    keys.sort()
    return keys % len(units)
