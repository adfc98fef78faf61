"""Whether a trial is worth its next steps, when it may be given up at any rung.

Going on buys a chance to become the best, at a price for each step: what the step would bring elsewhere. What the trial
will show at each rung is a step of a random walk towards its end, and it is given up where the chance that is left is
not worth the price any more. So the value of going on follows by backward induction from the end: R. Bellman, Dynamic
Programming (1957). That new trials set the price is M. Weitzman, Optimal Search for the Best Alternative, Econometrica
47 (1979).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tunesmith.earlystop._forecast import Forecast

if TYPE_CHECKING:
    from tunesmith.earlystop._curve import Floats

_REACH: Final = 8
"""Spreads to both sides that the grid of the walk covers."""
_PER_SPREAD: Final = 10
"""Its points in a spread."""
_FINEST: Final = 4
"""Parts of the way between two points to which the length of a step is rounded."""


def price_of_a_step(trials: int, each: float, eagerness: float) -> float:
    """What a step would bring in a new trial, which takes `each` of them: the chance of one among so many alike."""
    return eagerness / (trials + 1) / each


def is_worth_going_on(bar: float, expected: Forecast, lengths: Sequence[int], price: float) -> bool:
    """Whether the chance to end below `bar` is worth the steps that are taken for it.

    `lengths`: the steps of each hop that is ahead, at least one.
    """
    if not price:
        return True
    chance = expected.below(bar)
    if chance <= price * lengths[0]:
        return False  # not even if all but the next hop were for nothing
    return chance > price * sum(lengths) or worth(bar, expected, lengths, price) > 0


def worth(bar: float, expected: Forecast, lengths: Sequence[int], price: float) -> float:
    """Return the chance to end below `bar`, less the price of the steps that are taken for it."""
    import numpy as np

    spread = expected.spread or 1.0
    grid = np.linspace(-_REACH, _REACH, 2 * _REACH * _PER_SPREAD + 1)
    value: Floats = np.heaviside(-grid, 0.5)
    for length, reveals in zip(reversed(lengths[1:]), reversed(expected.reveals[1:]), strict=True):
        value = np.maximum(_walked(value, reveals / spread) - price * length, 0.0)
    here = _walked(value, expected.reveals[0] / spread) - price * lengths[0]
    return float(np.interp((expected.mean - bar) / spread, grid, here))


def _walked(value: "Floats", reveals: float) -> "Floats":
    """Average the values where a step of this standard deviation leads to; beyond the grid they are as at its end."""
    import numpy as np

    kernel = _kernel(round(reveals * _PER_SPREAD * _FINEST))
    reach = len(kernel) // 2
    padded = np.concatenate([np.full(reach, value[0]), value, np.full(reach, value[-1])])
    walked: Floats = np.convolve(padded, kernel, mode="valid")
    return walked


@lru_cache
def _kernel(quarters: int) -> "Floats":
    """Normal weights, their standard deviation in quarters of the grid's step."""
    import numpy as np

    if quarters == 0:
        return np.ones(1)
    points = np.arange(-quarters, quarters + 1) * _FINEST / quarters
    weights = np.exp(-(points**2) / 2)
    shares: Floats = weights / weights.sum()
    return shares
