"""Where a learning curve will end, by what all curves of a study gained from rung to rung.

A forecast follows the hops to the end, and its variance adds up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.services.learning_curves import FAR, Hop

if TYPE_CHECKING:
    from tunesmith.earlystop._curve import Floats


@dataclass(frozen=True, slots=True)
class Forecast:
    """A normal distribution of where a curve ends, as a distance.

    `reveals`: for each hop that is ahead, the standard deviation of what it will tell of the end.
    """

    mean: float
    reveals: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The standard deviation."""
        return math.hypot(*self.reveals)

    def below(self, bar: float) -> float:
        """Probability of an end below `bar`."""
        if not self.spread:
            return float(self.mean < bar)
        return math.erfc((self.mean - bar) / self.spread / math.sqrt(2)) / 2


def forecast(
    level: float, gained: float, hops: Sequence[Hop], traits: "Floats | None" = None, *, left: float = 1.0, falls: bool
) -> Forecast:
    """Follow the hops to the end, which were learned with traits (k,) of configurations or without.

    `left`: the part of the first hop's gain that is still ahead.
    `falls`: levels never rise, as those of a best value so far.
    """
    slopes, variances = list[tuple[float, float]](), list[float]()
    for hop in hops:
        mean, variance = hop.gain(level, gained, traits)
        gained = max(mean, 0.0) if falls else mean
        level = min(max(level - left * gained, -FAR), FAR)
        slopes.append(hop.slopes(traits))
        variances.append(variance)
        left = 1.0
    # How the end depends on level and gain after each hop, from the last one back.
    by_level, by_gain, reveals = 1.0, 0.0, list[float]()
    for (of_gain, of_level), variance in zip(reversed(slopes), reversed(variances), strict=True):
        effect = by_gain - by_level  # of one more that is gained in this hop
        reveals.append(abs(effect) * math.sqrt(variance))
        by_level, by_gain = by_level + effect * of_level, effect * of_gain
    return Forecast(level, tuple(reversed(reveals)))
