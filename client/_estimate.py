"""What a trial that was stopped early would have reached: an estimate from the curves of a study's finished trials.

The final value of the finished trials is regressed, by least squares, on the value at which each of them stood at the
step of the stop, and the line is read at the value of the stopped trial. Where many have finished, only the half of
them takes part that stood nearest to it: trials that have learned nothing by then say little of how the good ones go on
(W. S. Cleveland, Robust Locally Weighted Regression and Smoothing Scatterplots, JASA 74, 1979; here with equal
weights).

Trials that have exploded take no part: those that are worse than the median by 100 times what is usual, by the value at
the step or by the final one. Usual is the largest of three: the median distance from the median (F. Hampel, The
Influence Curve and Its Role in Robust Estimation, JASA 69, 1974), the distance of the best from it, and its own size.

Its error is told by leave-one-out residuals: each trial that takes part is predicted from the others, and the root of
the mean square of what is wrong is the spread of a prediction amid the data; away from them it grows with the leverage,
as that of any regression does. Errors over the spread are taken to be of Student's t distribution with n - 2 degrees of
freedom, n being the number of trials that take part.

The line is a rough picture far beyond what the finished trials show, and they are a choice: a rule lets the good ones
finish. Those that had finished before it had enough to compare with are the ones that it did not choose.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.services.learning_curves import LARGEST, bounded
from tunesmith.study import Objective, Strategy

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Floats = NDArray[float64]

FEWEST = 4
"""Finished trials without which nothing is estimated: a line through three leaves its error to one."""
LOCAL = 2 * FEWEST
"""Finished trials that take part in any case, however far from it they stood."""
_FAR_OUT = 100.0
"""Times what is usual, of values that are so much worse than others that they say nothing of them."""
_ROUNDING = 1e-12
"""Of a value, what is an error of arithmetic and no other."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a trial reported of the objective: steps, ascending, each once, and finite values."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, reports: Sequence[tuple[int, float]]) -> "Curve":
        """From reports in the order in which they came. Of a step the first counts, and none that is no number."""
        first: dict[int, float] = {}
        for step, value in reports:
            first.setdefault(step, value)
        kept = sorted((step, bounded(value)) for step, value in first.items() if math.isfinite(value))
        return cls(tuple(step for step, _ in kept), tuple(value for _, value in kept))

    @property
    def last(self) -> int:
        """The last step; 0 where there is none."""
        return self.steps[-1] if self.steps else 0

    def standing(self, strategy: Strategy, step: int) -> float | None:
        """The trial's value as it was at a step; None: there was none."""
        seen = self.values[: bisect_right(self.steps, step)]
        if not seen:
            return None
        match strategy:
            case Strategy.MIN:
                return min(seen)
            case Strategy.MAX:
                return max(seen)
            case Strategy.AVERAGE:
                return sum(seen) / len(seen)
            case Strategy.LATEST:
                return seen[-1]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A final value with the standard deviation of its error, which has so many degrees of freedom."""

    expected: float
    spread: float
    freedom: int

    def chance(self, objective: Objective, best: float) -> float:
        """How likely the final value is better than `best`."""
        if self.spread == 0:
            return float(objective.better(self.expected, best))
        lead = (self.expected - best) / self.spread
        return student(lead if objective.better(1.0, 0.0) else -lead, self.freedom)


def estimate(objective: Objective, stopped: Curve, finished: Sequence[tuple[Curve, float]]) -> Estimate | None:
    """What a trial would have reached that was stopped after its last step.

    Args:
        objective: Whose value is asked for.
        stopped: The trial that was stopped.
        finished: Trials that ran to their ends: curves and final values. Those that end before the step are left out.

    Returns:
        The estimate; None: too few that are alike have finished to say.
    """
    step = stopped.last
    at = stopped.standing(objective.strategy, step)
    pairs = _alike(
        objective,
        [
            (standing, bounded(final))
            for curve, final in finished
            if curve.last >= step and (standing := curve.standing(objective.strategy, step)) is not None
        ],
    )
    if at is None or len(pairs) < FEWEST:
        return None
    near = sorted(pairs, key=lambda pair: abs(pair[0] - at))[: max(LOCAL, (len(pairs) + 1) // 2)]
    line, spread = _regressed(at, near)
    return Estimate(_no_worse(objective, line, at), spread, len(near) - 2)


def _no_worse(objective: Objective, value: float, standing: float) -> float:
    """The best value so far is not lost again."""
    return standing if objective.keeps_best and objective.better(standing, value) else value


def _alike(objective: Objective, pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The pairs of which neither value is of a trial that exploded."""
    import numpy as np

    if not pairs:
        return []
    sign = -1.0 if objective.better(1.0, 0.0) else 1.0
    losses = sign * np.array(pairs, dtype=float)  # (n, 2)
    middle = np.median(losses, axis=0)
    worse = losses - middle
    usual = np.max([np.median(np.abs(worse), axis=0), np.abs(middle), -worse.min(axis=0)], axis=0)
    near = ((worse <= _FAR_OUT * usual) | (usual == 0)).all(axis=1)
    return [pair for pair, kept in zip(pairs, near, strict=True) if kept]


def _regressed(at: float, pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The regression line at `at`, and the spread of the error there."""
    import numpy as np

    x, y = np.array(pairs, dtype=float).T  # (n,), (n,)
    (x, x_middle, x_unit), (y, y_middle, y_unit) = _in_units(x), _in_units(y)
    n, there = len(x), (at - x_middle) / x_unit
    squares = float((x**2).sum())
    slope = float((x * y).sum()) / squares if squares > 0 else 0.0
    leverage = 1 / n + (x**2 / squares if squares > 0 else 0 * x)
    farther = there / math.sqrt(squares) if squares > 0 else 0.0
    wrong = math.sqrt(float((_left_out(y, y - slope * x, leverage) ** 2).mean()))
    # The left-out residuals hold the error of the fit amid the data already: of 1 + leverage, on average.
    spread = y_unit * (wrong * math.hypot(math.sqrt(1 + 1 / n), farther) / math.sqrt(1 + float(leverage.mean())))
    exact = spread <= _ROUNDING * max(abs(final) for _, final in pairs)
    expected = min(max(y_middle + y_unit * (slope * there), -LARGEST), LARGEST)
    return expected, 0.0 if exact else spread


def _in_units(values: "Floats") -> "tuple[Floats, float, float]":
    """Values about their mean, from -1 to 1, lest squares overflow; the mean, and the unit."""
    import numpy as np

    middle = float(values.mean())
    unit = float(np.abs(values - middle).max()) or 1.0
    return (values - middle) / unit, middle, unit


def _left_out(y: "Floats", residuals: "Floats", leverage: "Floats") -> "Floats":
    """How wrong each value, of mean 0, is predicted by a fit to the others: e / (1 - h).

    The slope of a point without which there is none is unknown; then it is predicted by the mean of the others.
    """
    import numpy as np

    n, alone = len(y), leverage > 1 - 1e-9
    by_mean = y * n / (n - 1)
    return np.where(alone, by_mean, residuals / np.where(alone, 1.0, 1 - leverage))


def student(t: float, freedom: int) -> float:
    """P(T <= t) of Student's t distribution with whole degrees of freedom.

    M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2 == 1
    term = total = (cosine if odd else 1.0) if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= (k - 1) / k * cosine * cosine
        total += term
    both = 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
    return min(max((1 + both) / 2, 0.0), 1.0)
