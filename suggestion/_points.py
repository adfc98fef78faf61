"""The points of a study's search space: which are taken, and which are left."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.study import Assignment, NoFeasiblePoint, SearchSpace
from tunesmith.suggestion._algorithm import StudyView

if TYPE_CHECKING:
    import numpy as np

EXACT_UP_TO = 10**5
"""In a space of at most this many points, a point that was tried comes again only when none is left."""

DRAWS = 32
"""Random draws before the points that are left are listed; in a larger space the last draw is accepted then."""

PATIENCE = 5
"""Times that the space may give up on a draw. It tries 10,000 points each time, so where constraints allow one point of
10,000, it gives up now and then, and must not end a study by that."""

_LEFT = "points left"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A random point, and how it came about, for people."""

    assignment: Assignment
    text: str


class Points:
    """Points taken by the history, and by the answer that is being made."""

    def __init__(self, study: StudyView) -> None:
        """Start an answer: nothing is taken yet beyond the history."""
        self._study = study
        self._space = study.spec.space
        self._given: set[str] = set()

    def key(self, assignment: Assignment) -> str:
        """Return what two assignments have in common when they are the same point."""
        return self._space.key(assignment)

    def tried(self, key: str) -> bool:
        """Whether the history holds the point."""
        return key in self._study.tried

    def take(self, key: str) -> bool:
        """Take a point for this answer; False when it was taken before."""
        if key in self._given or key in self._study.tried:
            return False
        self._given.add(key)
        return True

    def pick(self, candidates: Iterable[Assignment], number: int, text: str) -> Drawn | None:
        """Take the first of the candidates, which come best first, that constraints allow and nobody has tried.

        Where there is none, draw one for trial `number`; None when no point is left. `text` explains a candidate.
        """
        for assignment in candidates:
            if self._space.feasible(assignment) and self.take(self.key(assignment)):
                return Drawn(assignment, text)
        return self.draw(number)

    def draw(self, number: int) -> Drawn | None:
        """Draw a point for trial `number` and take it; None when none is left.

        Draws are from the space's own distributions. When all are taken, or the first is and so are half of all
        points, one of the points left is chosen, each as likely as the others. Raises NoFeasiblePoint when constraints
        leave nothing that can be found.
        """
        import numpy as np  # the room's face imports this module, and must stay cheap

        rng = np.random.default_rng([self._study.seed, number])
        for _ in range(DRAWS):
            assignment = sample(self._space, rng)
            if self.take(self.key(assignment)):
                return Drawn(assignment, "drawn from the distributions of the search space")
            if self._half_taken():
                break  # a draw can be slow where constraints allow little
        if (left := self.left()) is None:
            return Drawn(assignment, f"drawn again: {DRAWS} draws gave no point that was not tried before")
        return self._choose(left, rng)

    def _half_taken(self) -> bool:
        """Whether at most half of the points are left."""
        count = self._space.count(EXACT_UP_TO)
        return count is not None and count <= 2 * (len(self._study.tried) + len(self._given))

    def _choose(self, left: list[tuple[str, Assignment]], rng: "np.random.Generator") -> Drawn | None:
        """Take one of the points left."""
        if not left:
            return None
        key, chosen = left[int(rng.integers(len(left)))]
        self.take(key)
        return Drawn(chosen, f"chosen among the {len(left)} points left")

    def left(self) -> list[tuple[str, Assignment]] | None:
        """List the points not taken, with their keys, in the order of the space; None when there are too many."""
        memo = self._study.memo
        if _LEFT not in memo:
            memo[_LEFT] = self._all()
        if memo[_LEFT] is None:
            return None
        memo[_LEFT] = [item for item in memo[_LEFT] if not self.tried(item[0])]
        return [item for item in memo[_LEFT] if item[0] not in self._given]

    def _all(self) -> list[tuple[str, Assignment]] | None:
        """List all points of the space; None when they are more than EXACT_UP_TO."""
        if self._space.count(EXACT_UP_TO) is None:
            return None
        return [(self.key(assignment), assignment) for assignment in self._space.enumerate()]


def sample(space: SearchSpace, rng: "np.random.Generator") -> Assignment:
    """Draw a feasible assignment. Raises NoFeasiblePoint when the space has given up on it PATIENCE times."""
    for _ in range(PATIENCE - 1):
        try:
            return space.sample(rng)
        except NoFeasiblePoint:
            continue
    return space.sample(rng)
