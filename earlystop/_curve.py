"""What one trial reported, in step order, whatever order it arrived in.

Values are losses: times -1 where the study maximizes, so that lower is better everywhere. Steps and losses lie in
plain arrays, and what is asked of a step is found by bisection: a thousand trials are looked at in a millisecond.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from tunesmith.services.learning_curves import bounded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Curve:
    """Observations of one trial. The first value of a step counts. `bests` and the like follow when they are asked."""

    __slots__ = ("_bests", "_counts", "_late", "_losses", "_steps", "_sums")

    def __init__(self) -> None:
        """Start without observations."""
        self._steps, self._losses = array("q"), array("d")
        self._late: dict[int, float] = {}
        self._bests, self._sums, self._counts = array("d"), array("d"), array("q")

    def __len__(self) -> int:
        """Count the steps with an observation."""
        return len(self._steps) + len(self._late)

    def add(self, step: int, loss: float) -> bool:
        """Take an observation. Returns whether it is news: another value of a known step is none."""
        steps, loss = self._steps, bounded(loss)
        if not steps or step > steps[-1]:
            steps.append(step)
            self._losses.append(loss)
            return True
        at = bisect_left(steps, step)
        if steps[at] == step or step in self._late:
            return False
        self._late[step] = loss
        return True

    @property
    def steps(self) -> "array[int]":
        """The steps, ascending."""
        if self._late:
            self._settle()
        return self._steps

    @property
    def losses(self) -> "array[float]":
        """The loss at each step; perhaps NaN or infinite."""
        if self._late:
            self._settle()
        return self._losses

    @property
    def last(self) -> int:
        """The last step. There must be an observation."""
        return self._steps[-1]

    def upto(self, step: int) -> int:
        """Count the observations at steps up to this one."""
        if self._late:
            self._settle()
        steps = self._steps
        guess = step - steps[0] if steps else -1  # right for steps that lie side by side, and much quicker
        if 0 <= guess < len(steps) and steps[guess] == step:
            return guess + 1
        return bisect_right(steps, step)

    def mean_upto(self, step: int) -> float | None:
        """The running average up to a step; None: it was not reached."""
        return self.mean(self.upto(step)) if self._steps[-1] >= step else None

    def latest_upto(self, step: int) -> float | None:
        """The loss at a step, or at the last one before it; None: it was not reached, or there is none so early."""
        if self._steps[-1] < step or not (count := self.upto(step)):
            return None
        return self._losses[count - 1]

    def first_from(self, step: int) -> int | None:
        """The place of the first observation at this step or later; None: it was not reached."""
        place = bisect_left(self.steps, step)
        return place if place < len(self._steps) else None

    def mean(self, count: int) -> float:
        """Average of the finite ones among the first `count` losses; infinite when there is none."""
        if self._late or len(self._bests) < len(self._losses):
            self._follow()
        finite = self._counts[count - 1] if count else 0
        return self._sums[count - 1] / finite if finite else math.inf

    def best(self, count: int) -> float:
        """Least of the finite ones among the first `count` losses; infinite when there is none."""
        if self._late or len(self._bests) < len(self._losses):
            self._follow()
        return self._bests[count - 1] if count else math.inf

    def latest(self, count: int) -> float:
        """The last finite one among the first `count` losses; infinite when there is none."""
        losses = self.losses
        return next((losses[at] for at in range(count - 1, -1, -1) if math.isfinite(losses[at])), math.inf)

    def _settle(self) -> None:
        """Put late observations in their places; what is computed of later ones is void."""
        first = bisect_left(self._steps, min(self._late))
        tail = dict(zip(self._steps[first:], self._losses[first:], strict=True)) | self._late
        del self._steps[first:], self._losses[first:]
        for step in sorted(tail):
            self._steps.append(step)
            self._losses.append(tail[step])
        for known in (self._bests, self._sums, self._counts):
            del known[first:]
        self._late.clear()

    def _follow(self) -> None:
        """Compute bests, sums and counts of the observations that came since."""
        import numpy as np

        if self._late:
            self._settle()
        known = len(self._bests)

        best, total, count = (self._bests[-1], self._sums[-1], self._counts[-1]) if known else (math.inf, 0.0, 0)
        new = np.array(self._losses[known:])
        finite = np.isfinite(new)
        bests = np.minimum.accumulate(np.concatenate([[best], np.where(finite, new, math.inf)]))
        sums = np.add.accumulate(np.concatenate([[total], np.where(finite, new, 0.0)]))
        counts = np.add.accumulate(np.concatenate([[count], finite]), dtype=np.int64)
        for kept, more in ((self._bests, bests), (self._sums, sums), (self._counts, counts)):
            kept.frombytes(more[1:].tobytes())
