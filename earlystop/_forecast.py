"""Where a learning curve will end, learned from how all others went on, as far as each of them came.

Between the rungs of a ladder of steps there is a regression each: from the level that a curve has at one rung, and what
it gained since the rung before, to what it gains until the next. A forecast follows them to the end, and its variance
adds up. So a trial that was stopped teaches too, all hops that it made; and as it was stopped for what it had shown by
then, the regressions are not biased by who is missing: R. Little and D. Rubin, Statistical Analysis with Missing Data
(2nd edition, 2002), chapter 7, monotone patterns.

To learn from curves how others will end is the idea of B. Baker et al., Accelerating Neural Architecture Search using
Performance Prediction, arXiv 1705.10823. Ours is Bayesian and linear in a level, its square and a gain.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from tunesmith.earlystop._curve import Floats

NEAR: Final = 0.1
"""Part of the way from the best loss to the median at which distances begin to grow by the logarithm only."""
FAR: Final = 12.0
"""Distances beyond it, as of a curve that exploded, count as so much."""
_KNOWN: Final = 4.0
"""Levels and gains beyond it count as so much where gains are learned: far away are few, and a square has no end."""
_MIDDLE: Final = 1.5
"""The level whose square is 0: what the square says is told apart from what the level says."""
_PRECISION: Final = (0.01, 0.1, 0.1, 0.1)
"""Of the weights beforehand: what all gain, what is gained of the last gain, by the level and by its square."""
_SHARE: Final = 0.7
"""What is gained in a hop of what was gained in the one before, as long as nobody knows better."""
_NOISE: Final = 0.05
"""Standard deviation of the error that is expected before anything was learned."""
_WEIGHT: Final = 3
"""How many trials' errors that expectation is worth."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Losses as distances from the best: in proportion close to it, and by their logarithm further away.

    What decides between good trials would else drown in what bad ones do.
    """

    best: float
    unit: float

    @classmethod
    def of(cls, standings: Sequence[float], best: float) -> Self:
        """Make the scale of a study whose trials stand so, and whose best loss is this; infinite ones do not count."""
        finite = [loss for loss in standings if math.isfinite(loss)]
        if not finite:
            return cls(0.0, 1.0)
        to_median = median(finite) - best
        if not to_median:  # half of them are as good as the best
            to_median = median([loss - best for loss in finite if loss > best] or [0.0])
        return cls(best, NEAR * to_median or 1.0)

    def distances(self, losses: "Floats") -> "Floats":
        """Distances from the best, from 0 to FAR; NaN stays NaN."""
        import numpy as np

        with np.errstate(over="ignore"):
            distances: Floats = np.log1p(np.maximum((losses - self.best) / self.unit, 0.0))
        return np.minimum(distances, FAR)

    def distance(self, loss: float) -> float:
        """Return the distance of one loss."""
        import numpy as np

        return float(self.distances(np.array(loss)))

    def loss(self, distance: float) -> float:
        """Return the loss at a distance; one below 0 is better than the best."""
        return self.best + self.unit * (math.expm1(min(distance, FAR)) if distance > 0 else distance)


@dataclass(frozen=True, slots=True)
class Hop:
    """What is gained between two rungs: a regression on level and last gain, which are distances."""

    weights: "Floats"
    covariance: "Floats"
    variance: float

    def gain(self, level: float, gained: float) -> tuple[float, float]:
        """Mean and variance of what a curve will gain that has this level, and gained so much in its last hop."""
        import numpy as np

        x = _features(np.array([level]), np.array([gained]))[0]
        return float(x @ self.weights), self.variance * (1 + float(x @ self.covariance @ x))


def learn(levels: "Floats", gained: "Floats", after: "Floats") -> Hop:
    """Learn from trials that made the hop: levels before it, what they had gained then, levels after it; (n,), n >= 0.

    Weights are normal given the noise, whose variance is inverse gamma: C. Bishop, Pattern Recognition and Machine
    Learning (2006), section 3.3 and exercise 3.12.
    """
    import numpy as np

    gains = levels - after
    # What is gained of the last gain, from nothing to three times: of curves that fall as a power law it is alike.
    share = min(max((float(gains.sum()) + _SHARE) / max(float(gained.sum()) + 1, 1e-9), 0.0), 3.0)
    features, expected = _features(levels, gained), np.array([0.0, share, 0.0, 0.0])
    unexpected = gains - features @ expected
    precision = np.diag(_PRECISION) + features.T @ features
    covariance: Floats = np.linalg.inv(precision).astype(float)
    found: Floats = covariance @ features.T @ unexpected
    left = _WEIGHT * _NOISE**2 + max(float(unexpected @ unexpected - found @ precision @ found), 0.0)
    return Hop(expected + found, covariance, left / (_WEIGHT + len(levels)))


def _features(levels: "Floats", gained: "Floats") -> "Floats":
    """What gains are regressed on: (n, 4)."""
    import numpy as np

    features = np.empty((len(levels), 4))
    features[:, 0] = 1.0
    features[:, 1] = np.minimum(np.maximum(gained, -_KNOWN), _KNOWN)
    features[:, 2] = np.minimum(np.maximum(levels, -_KNOWN), _KNOWN)
    features[:, 3] = (features[:, 2] - _MIDDLE) ** 2
    return features


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


def forecast(level: float, gained: float, hops: Sequence[Hop], *, falls: bool) -> Forecast:
    """Follow the hops to the end. `falls`: levels never rise, as those of a best value so far."""
    slopes, variances = list[tuple[float, float]](), list[float]()
    for hop in hops:
        mean, variance = hop.gain(level, gained)
        gained = max(mean, 0.0) if falls else mean
        level = min(max(level - gained, -FAR), FAR)
        slopes.append((float(hop.weights[1]), float(hop.weights[2])))
        variances.append(variance)
    # How the end depends on level and gain after each hop, from the last one back. The square is left out of it: what
    # it says of levels near the middle would be taken for what happens at a level far from there.
    by_level, by_gain, reveals = 1.0, 0.0, list[float]()
    for (of_gain, of_level), variance in zip(reversed(slopes), reversed(variances), strict=True):
        effect = by_gain - by_level  # of one more that is gained in this hop
        reveals.append(abs(effect) * math.sqrt(variance))
        by_level, by_gain = by_level + effect * of_level, effect * of_gain
    return Forecast(level, tuple(reversed(reveals)))
