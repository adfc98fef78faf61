"""The Parzen estimator of TPE: a mixture of products of one kernel per parameter.

All parameters of an observation share a component, so that what goes well together stays together: S. Falkner et al.,
BOHB, ICML 2018, section 3.1. Weights as in Optuna 5.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import Domain
from tunesmith.suggestion._parzen_columns import columns_of

Floats = NDArray[np.float64]

RECENT = 25
"""So many of the latest observations have full weight."""

_AT_ONCE = 2**15  # points times kernels: what is computed with stays in the cache, and memory is bounded
_NOTHING = -700.0  # exp() of less is no normal number, and slow


class Parzen:
    """A density over parameters in unit coordinates, from n observations and a prior."""

    def __init__(
        self, domains: Sequence[Domain], units: Floats, prior_weight: float = 1.0, exponent: float = 1.0
    ) -> None:
        """Take the domains of d parameters, and observations, (d, n), in the order in which they age.

        `prior_weight`: that of the prior, beside observations of 1 at most. `exponent`: see `columns_of`.
        """
        self._columns = columns_of(domains, units, prior_weight, exponent)
        count = units.shape[1]
        shares = np.append(ageing(count), prior_weight if count else 1.0)
        self._shares = shares / shares.sum()  # (n + 1,)

    def draw(self, quantiles: Floats) -> Floats:
        """Draw points, (m, d), as `quantiles`, (m, 1 + d), say: of the component first, then of each parameter."""
        reached = np.cumsum(self._shares)
        chosen = np.minimum(np.searchsorted(reached, quantiles[:, 0], side="right"), len(reached) - 1)
        drawn = np.empty((len(quantiles), len(self._columns)))
        for place, one in enumerate(self._columns):
            drawn[:, place] = one.draw(chosen, quantiles[:, 1 + place])
        return drawn

    def log_density(self, units: Floats) -> Floats:
        """Return log Σ_k w_k Π_d p_kd(x_d) for points in unit coordinates, (m, d): (m,)."""
        logs = np.log(self._shares)
        for one in self._columns:
            logs += one.constants
        judges = [one.judge(units[:, place]) for place, one in enumerate(self._columns)]
        rows = max(_AT_ONCE // len(logs), 1)
        sums, spare = np.empty((rows, len(logs))), np.empty((rows, len(logs)))
        result = np.empty(len(units))
        for start in range(0, len(units), rows):
            part = slice(start, min(start + rows, len(units)))
            block, scratch = sums[: part.stop - start], spare[: part.stop - start]
            block[:] = logs
            for judge in judges:
                judge.add(part, block, scratch)
            result[part] = _log_sum_exp(block)
        return result


def ageing(count: int) -> Floats:
    """Return the weights of observations, oldest first: 1 for the RECENT last, and a ramp from 1 / count before."""
    old = max(count - RECENT, 0)
    return np.concatenate((np.linspace(1 / max(count, 1), 1, old), np.ones(count - old)))


def _log_sum_exp(sums: Floats) -> Floats:
    """Return log Σ exp over the last axis of (m, n), which is overwritten: (m,). The prior makes each sum positive."""
    most = sums.max(axis=1)
    sums -= most[:, None]
    np.maximum(sums, _NOTHING, out=sums)
    result: Floats = np.log(np.exp(sums, out=sums).sum(axis=1)) + most
    return result
