"""The standard normal distribution over arrays: NumPy has no error function, and SciPy is slow to import."""

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOG_SQRT_TAU: Final = 0.5 * float(np.log(2 * np.pi))
"""Logarithm of sqrt(2 π), by which the normal density is divided."""

_SHAPE: Final = 0.25
_COEFFICIENTS: Final = (
    0.18882128262731096,
    0.15197415983934665,
    0.09678434724782295,
    0.046630486960090756,
    0.015099198391367115,
    0.0018848208268820539,
    -0.0008702759973612588,
    -0.0004066896815232085,
    3.43266928901768e-05,
    5.545218859808071e-05,
    -1.6962393489679735e-06,
    -6.048249485476962e-06,
    6.352784071958265e-07,
)
"""Of a polynomial in 2t - 1, t = 1 / (1 + z / 4), that is exp(z²/2) Q(z) / t; fitted for 0 <= z <= 40."""


def scaled_upper(z: Floats) -> Floats:
    """Return exp(z²/2) Q(z), Q(z) being the share of the standard normal distribution above z, for 0 <= z <= 40.

    The relative error is below 3e-10. The form is that of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981):
    a polynomial in what maps the half-line to an interval.
    """
    t = 1 / (1 + _SHAPE * z)
    place = 2 * t - 1
    result = np.full_like(z, _COEFFICIENTS[-1])
    for coefficient in _COEFFICIENTS[-2::-1]:
        result *= place
        result += coefficient
    result *= t
    return result


def upper(z: Floats) -> Floats:
    """Return Q(z), for z >= 0, with that error while it is a normal number (z < 37)."""
    result = scaled_upper(z)
    with np.errstate(under="ignore"):
        result *= np.exp(-0.5 * z * z)
    return result


def mass(low: Floats, high: Floats) -> Floats:
    """Return the share of the standard normal distribution between `low` and `high`, low <= high, tails included."""
    tails = upper(np.abs(np.stack((low, high))))
    result: Floats = np.where((low > 0) | (high < 0), np.abs(tails[0] - tails[1]), 1 - tails[0] - tails[1])
    return result


_STANDARD: Final = NormalDist()


def inverse(shares: Floats) -> Floats:
    """Return the numbers below which such shares of the standard normal distribution lie, for shares in [0, 1]."""
    inside = np.clip(shares, 1e-300, 1 - 2.0**-53)
    found = [_STANDARD.inv_cdf(share) for share in inside.ravel().tolist()]
    return np.array(found).reshape(shares.shape)
