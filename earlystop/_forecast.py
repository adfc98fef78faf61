"""Where a learning curve will end, from how those of finished trials went on from the same step.

The method is that of B. Baker et al., Accelerating Neural Architecture Search using Performance Prediction, arXiv
1705.10823: for each step a regression from what is seen of a curve up to it to its final value, learned from the trials
that ran to their end, and a trial is stopped when the final value is unlikely to beat the best. Ours is Bayesian and
linear, with the features that a power law suggests: what is still to be gained from step s on is proportional to what
was gained since s/2. Its uncertainty is that of a Student distribution, wide while few trials have finished.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tunesmith.earlystop._curve import Curve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NOISE: Final = 0.05
"""Standard deviation of the error that is expected before anything was learned, as a share of the values' spread."""
FAR: Final = 10.0
_PRIOR: Final = (1e-4, 0.3, 3.0)
"""Precision of the weights beforehand: what all gain, what is gained of the last gain, and by the level."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A Student distribution of a final loss."""

    mean: float
    scale: float
    freedom: int

    def below(self, loss: float) -> float:
        """Probability of a final loss below `loss`."""
        if self.scale <= 0:
            return float(self.mean < loss)
        return student_cdf((loss - self.mean) / self.scale, self.freedom)


def seen(curve: Curve, count: int, *, best: bool) -> tuple[float, float] | None:
    """The level that a curve has after `count` observations, and what it gained in the latter half of them.

    `best`: levels are the best so far; else averages of the last quarter. None: no value of the former half is finite.
    """
    level = curve.best if best else lambda many: _recent(curve, many)
    now, then = level(count), level(max((count + 1) // 2, 1))
    return (now, then - now) if math.isfinite(now) and math.isfinite(then) else None


def _recent(curve: Curve, count: int) -> float:
    """Average of the last quarter of the first `count` losses; infinite when none of them is finite."""
    tail = [loss for loss in curve.losses[count - max(count // 4, 1) : count] if math.isfinite(loss)]
    return sum(tail) / len(tail) if tail else curve.latest(count)


@dataclass(frozen=True, slots=True)
class Regression:
    """What was learned from the trials that finished, of curves that are seen up to one step."""

    center: float
    spread: float
    weights: "Floats"
    covariance: "Floats"
    noise: float
    freedom: int

    def forecast(self, level: float, gained: float) -> Forecast:
        """Where a curve with this level and gain will end."""
        import numpy as np

        x = _features(np.array([level]), np.array([gained]), self.center, self.spread)[0]
        mean = level - self.spread * float(x @ self.weights)
        scale = self.spread * self.noise * math.sqrt(1 + float(x @ self.covariance @ x))
        return Forecast(mean, scale, self.freedom)


def learn(levels: "Floats", gains: "Floats", finals: "Floats") -> Regression:
    """Learn from levels, gains and final losses (n,) of trials, n > 0.

    Weights are normal given the noise, whose variance is inverse gamma: C. Bishop, Pattern Recognition and Machine
    Learning (2006), section 3.3 and exercise 3.12.
    """
    import numpy as np

    center = float(np.median(finals))
    spread = float(np.median(np.abs(np.concatenate([levels, finals]) - center))) or float(np.ptp(levels)) or 1.0
    features = _features(levels, gains, center, spread)
    expected = np.array([0.0, _share(levels - finals, gains), 0.0])
    with np.errstate(over="ignore"):
        unexpected: Floats = _within((levels - finals) / spread) - features @ expected
    precision = np.diag(_PRIOR) + features.T @ features
    covariance: Floats = np.linalg.inv(precision).astype(float)
    found: Floats = covariance @ features.T @ unexpected
    left = NOISE**2 * 2 + float(unexpected @ unexpected - found @ precision @ found)
    freedom = 2 + len(finals)
    return Regression(center, spread, expected + found, covariance, math.sqrt(max(left, 0.0) / freedom), freedom)


def _features(levels: "Floats", gains: "Floats", center: float, spread: float) -> "Floats":
    """What the final value is regressed on: (n, 3)."""
    import numpy as np

    with np.errstate(over="ignore"):
        scaled = (gains / spread, (levels - center) / spread)
    return np.column_stack([np.ones_like(levels), *map(_within, scaled)])


def _within(scaled: "Floats") -> "Floats":
    """Numbers of spreads, where one that is far out, as that of a curve that exploded, counts as `FAR`."""
    return scaled.clip(-FAR, FAR)


def _share(left: "Floats", gains: "Floats") -> float:
    """What is left to gain for each unit of the last gain, taken over all: what a power law makes of every curve."""
    total = float(gains.sum())
    return min(max(float(left.sum()) / total, 0.0), 4.0) if total > 0 else 0.0


def student_cdf(t: float, freedom: int) -> float:
    """Probability below `t`; M. Abramowitz and I. Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 4."""
    if freedom > 200:
        return math.erfc(-t / math.sqrt(2)) / 2
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    within = (angle + math.sin(angle) * total) * 2 / math.pi if odd else math.sin(angle) * total
    return (1 + within) / 2
