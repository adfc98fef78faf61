"""What all learning curves of a study say of how one goes on: for stopping rules, and for algorithms.

Between the rungs of a ladder of steps there is a regression each: from the level that a curve has at one rung, and what
it gained since the rung before, to what it gains until the next. So a trial that was stopped teaches too, all hops that
it made; and as it was stopped for what it had shown by then, the regressions are not biased by who is missing:
R. Little and D. Rubin, Statistical Analysis with Missing Data (2nd edition, 2002), chapter 7, monotone patterns.

To learn from curves how others will end is the idea of B. Baker et al., Accelerating Neural Architecture Search using
Performance Prediction, arXiv 1705.10823, who learn from configurations too. Ours is Bayesian, and linear in a level,
its square, a gain, and traits of the configuration.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LARGEST: Final = 1e290
"""Finite values beyond it count as so much, lest sums and differences overflow."""
APART: Final = 1.5
"""How many times as far each rung is as the one before."""
MOST_RUNGS: Final = 24
"""Rungs before a ten-thousandth of the end are left out."""
MOST_TRIALS: Final = 1000
"""Trials that are learned from: those of highest number."""
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
_TRAIT_PRECISION: Final = 1.0
"""Of the weights of traits."""
_OF_LEVEL: Final = 0.5
"""How much of a level counts where a trait counts for how the level does."""
_SHARE: Final = 0.7
"""What is gained in a hop of what was gained in the one before, as long as nobody knows better."""
NOISE: Final = 0.05
"""Standard deviation of the error that is expected before anything was learned."""
_WEIGHT: Final = 3
"""How many trials' errors that expectation is worth."""


def bounded(value: float) -> float:
    """A value that can be reckoned with; NaN and infinities stay what they are."""
    if -LARGEST <= value <= LARGEST or not math.isfinite(value):
        return value
    return math.copysign(LARGEST, value)


def rungs_to(end: int) -> tuple[int, ...]:
    """The steps of the rungs, ascending; the last is the end. Empty when trials end at once."""
    rungs = [end] if end > 1 else []
    while rungs and rungs[-1] > 1 and len(rungs) < MOST_RUNGS:
        rungs.append(min(max(round(rungs[-1] / APART), 1), rungs[-1] - 1))
    return tuple(reversed(rungs))


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
        middle = _middle(finite)
        if middle == best:  # half of them are as good as the best
            middle = _middle([loss for loss in finite if loss > best] or [best])
        return cls(best, (NEAR * middle - NEAR * best) or 1.0)  # the difference of the two may be no number

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

    def losses(self, distances: "Floats") -> "Floats":
        """Return the losses at distances; one below 0 is better than the best."""
        import numpy as np

        with np.errstate(over="ignore"):
            losses = self.best + self.unit * np.where(distances > 0, np.expm1(np.minimum(distances, FAR)), distances)
        return np.clip(losses, -sys.float_info.max, sys.float_info.max)

    def loss(self, distance: float) -> float:
        """Return the loss at one distance."""
        import numpy as np

        return float(self.losses(np.array(distance)))


def _middle(losses: Sequence[float]) -> float:
    """The median, without overflow."""
    ordered = sorted(losses)
    return ordered[(len(ordered) - 1) // 2] / 2 + ordered[len(ordered) // 2] / 2


@dataclass(frozen=True, slots=True)
class Hop:
    """What is gained between two rungs: a regression on level and last gain, which are distances, and on k traits."""

    weights: "Floats"
    covariance: "Floats"
    variance: float

    def gain(self, level: float, gained: float, traits: "Floats | None" = None) -> tuple[float, float]:
        """`gains` of one curve, of traits (k,)."""
        import numpy as np

        mean, variance = self.gains(np.array([level]), np.array([gained]), None if traits is None else traits[None])
        return float(mean[0]), float(variance[0])

    def gains(self, levels: "Floats", gained: "Floats", traits: "Floats | None" = None) -> "tuple[Floats, Floats]":
        """Means and variances of what n curves will gain, of traits (n, k) as were learned from: (n,) and (n,)."""
        x = _features(levels, gained, traits)
        return x @ self.weights, self.variance * (1 + ((x @ self.covariance) * x).sum(axis=1))

    def slopes(self, traits: "Floats | None" = None) -> tuple[float, float]:
        """How much more is gained for one more that was gained last, and for one more of level, of traits (k,).

        The square is left out: what it says of levels near the middle would be taken for what happens far from there.
        """
        of_gain, of_level = self.weights[1:3].tolist()
        if traits is not None and len(traits):
            of_level += float(traits @ self.weights[-len(traits) :]) * _OF_LEVEL
        return of_gain, of_level


def learn(
    levels: "Floats", gained: "Floats", after: "Floats", traits: "Floats | None" = None, variance: float = NOISE**2
) -> Hop:
    """Learn from trials that made the hop: levels before it, what they had gained then, levels after it; (n,), n >= 0.

    `traits`: what is known of their configurations, (n, k), about 0 and of 1 at most; None: nothing. `variance`: of the
    error that is expected before anything was learned. Weights are normal given the noise, whose variance is inverse
    gamma: C. Bishop, Pattern Recognition and Machine Learning (2006), section 3.3 and exercise 3.12.
    """
    import numpy as np

    gains = levels - after
    # What is gained of the last gain, from nothing to three times: of curves that fall as a power law it is alike.
    share = min(max((float(gains.sum()) + _SHARE) / max(float(gained.sum()) + 1, 1e-9), 0.0), 3.0)
    features = _features(levels, gained, traits)
    of_traits = features.shape[1] - len(_PRECISION)
    expected = np.array([0.0, share, 0.0, 0.0] + [0.0] * of_traits)
    unexpected = gains - features @ expected
    precision = np.diag(_PRECISION + (_TRAIT_PRECISION,) * of_traits) + features.T @ features
    covariance: Floats = np.linalg.inv(precision).astype(float)
    found: Floats = covariance @ features.T @ unexpected
    left = _WEIGHT * variance + max(float(unexpected @ unexpected - found @ precision @ found), 0.0)
    return Hop(expected + found, covariance, left / (_WEIGHT + len(levels)))


def _features(levels: "Floats", gained: "Floats", traits: "Floats | None") -> "Floats":
    """What gains are regressed on: (n, 4 + 2 k). Traits count for themselves, and for how the level counts."""
    import numpy as np

    features = np.empty((len(levels), len(_PRECISION)))
    features[:, 0] = 1.0
    features[:, 1] = np.minimum(np.maximum(gained, -_KNOWN), _KNOWN)
    features[:, 2] = np.minimum(np.maximum(levels, -_KNOWN), _KNOWN)
    features[:, 3] = (features[:, 2] - _MIDDLE) ** 2
    if traits is None:
        return features
    return np.hstack([features, traits, traits * ((features[:, 2:3] - _MIDDLE) * _OF_LEVEL)])
