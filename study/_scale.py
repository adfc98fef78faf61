"""The line on which a numeric parameter lies: from a unit coordinate to a number and back, by a distribution."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statistics import NormalDist


class Distribution(StrEnum):
    """How values of a numeric parameter are drawn between its bounds.

    Normal: mean (min+max)/2, standard deviation (max-min)/6, truncated to the bounds. logUniform and logNormal: the
    same of the logarithm, so `min` must be above 0.
    """

    UNIFORM = "uniform"
    LOG_UNIFORM = "logUniform"
    NORMAL = "normal"
    LOG_NORMAL = "logNormal"

    @property
    def log(self) -> bool:
        """Whether the logarithm is what is distributed."""
        return self in (Distribution.LOG_UNIFORM, Distribution.LOG_NORMAL)

    @property
    def bell(self) -> bool:
        """Whether the middle is likelier than the bounds."""
        return self in (Distribution.NORMAL, Distribution.LOG_NORMAL)


@cache
def _standard() -> "NormalDist":
    from statistics import NormalDist  # 20 ms to import, and few spaces have a normal parameter

    return NormalDist()


@dataclass(frozen=True, slots=True)
class Scale:
    """A distribution function and its inverse, on a line of numbers or of their logarithms to base 10.

    `low` and `high` are the ends of the line, `mean` and `sigma` (0: uniform) the normal distribution on it, `below`
    and `mass` the shares of that distribution that lie under `low` and between the ends. Base 10 because 10**-1 is 0.1,
    while exp(log(0.1)) is not quite.
    """

    log: bool
    low: float
    high: float
    mean: float = 0.0
    sigma: float = 0.0
    below: float = 0.0
    mass: float = 1.0

    @classmethod
    def between(cls, bounds: tuple[float, float], ends: tuple[float, float], distribution: Distribution) -> "Scale":
        """The scale of `distribution` with parameters from `bounds`, cut off at `ends`."""
        if distribution.log:
            bounds, ends = (log10(bounds[0]), log10(bounds[1])), (log10(ends[0]), log10(ends[1]))
        low, high = ends
        sigma = (bounds[1] - bounds[0]) / 6
        if not distribution.bell or sigma <= 0:
            return cls(distribution.log, low, high)
        mean = bounds[0] / 2 + bounds[1] / 2
        below = _standard().cdf((low - mean) / sigma)
        mass = _standard().cdf((high - mean) / sigma) - below
        return cls(distribution.log, low, high, mean, sigma, below, mass)

    def number(self, unit: float) -> float:
        """The number below which a share `unit` of the distribution lies; unit in [0, 1]."""
        if self.sigma:
            share = min(max(self.below + unit * self.mass, 1e-300), 1 - 1e-16)
            place = self.mean + self.sigma * _standard().inv_cdf(share)
        else:
            place = self.low * (1 - unit) + self.high * unit
        return float(10.0**place) if self.log else place

    def unit(self, number: float) -> float:
        """The share of the distribution that lies below `number`; inverse of `number()`."""
        place = log10(number) if self.log else number
        if self.sigma:
            share = (_standard().cdf((place - self.mean) / self.sigma) - self.below) / self.mass
        elif self.high == self.low:
            return 0.5
        else:
            share = (place - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)
