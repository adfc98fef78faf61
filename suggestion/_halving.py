"""One answer of Hyperband: promotions that are due, then new configurations for the brackets that begin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tunesmith.study import Assignment, NoFeasiblePoint
from tunesmith.suggestion._algorithm import Status, StudyView
from tunesmith.suggestion._brackets import Place, Plan
from tunesmith.suggestion._ladder import Ladder, Promotion
from tunesmith.suggestion._points import DRAWS, Drawn, Points, sample

_MEMO: Final = "hyperband ladder"


@dataclass(slots=True)
class Turn:
    """One answer. `number` of the trial that is being answered, and how many trials there are `before` it."""

    study: StudyView
    plan: Plan
    points: Points
    number: int = 0
    before: int = 0
    status: Status = Status.EXHAUSTED
    message: str = "every configuration has been tried with every resource of the brackets"
    _dry: set[int] = field(default_factory=set)
    """Levels at which no configuration is left."""
    _begun: dict[int, int] = field(default_factory=dict)
    """New configurations in this answer, by bracket."""
    _promoted: dict[int, int] = field(default_factory=dict)
    """Promotions in this answer, by bracket."""
    _new: set[str] = field(default_factory=set)
    """Keys of the new configurations in this answer, at the largest resource."""

    def moves(self) -> Iterator[tuple[Assignment, str, Place, int | None]]:
        """What to propose, one for each trial: assignment, explanation, place and parent."""
        ladder = ladder_of(self.study, self.plan)
        while True:
            for promotion in ladder.promotions(self.study, self._is_dry, self._take):
                bracket = promotion.place.bracket
                self._promoted[bracket] = self._promoted.get(bracket, 0) + 1
                yield promotion.assignment, self._why(promotion), promotion.place, promotion.parent.number
            dried = len(self._dry)
            while len(self._dry) == dried:
                index = self._next(ladder)
                if index is None or self._must_wait(ladder, index):
                    return
                if drawn := self._draw(index):
                    self._begun[index] = self._begun.get(index, 0) + 1
                    self._new.add(self._key(drawn.assignment))
                    yield drawn.assignment, self._begins(index, drawn), Place(index, 0), None
                else:
                    self._dry.add(self._begin(index))

    def _begin(self, index: int) -> int:
        """The level at which a bracket begins."""
        return self.plan.bracket(index).rungs[0].level

    def _is_dry(self, index: int) -> bool:
        return self._begin(index) in self._dry

    def _next(self, ladder: Ladder) -> int | None:
        """The first bracket that takes a new configuration; None when there are no more at any level."""
        index = ladder.filling
        while len(self._dry) < len(self.plan.levels):
            if not self._is_dry(index) and ladder.missing(index) > self._begun.get(index, 0):
                return index
            index += 1
        return None

    def _must_wait(self, ladder: Ladder, index: int) -> bool:
        """Whether all trials that the limit still allows may be needed for promotions from older brackets."""
        limit = self.study.spec.limits.trials
        if limit is None:
            return False
        expected = ladder.expected(self.study, index, self._promoted)
        if not expected or limit - self.before > expected:
            return False
        self.status = Status.WAIT
        self.message = (
            f"the trials left ({max(limit - self.before, 0)}) are for promotions, when their rungs have ended"
        )
        return True

    def _take(self, assignment: Assignment) -> bool:
        """Take a point that constraints allow and that was not tried."""
        return self.study.spec.space.feasible(assignment) and self.points.take(self.points.key(assignment))

    def _draw(self, index: int) -> Drawn | None:
        """A new configuration for a bracket; None when none is left at the resource with which it begins.

        One that is feasible at every rung of the bracket, and was not tried with any resource, comes first. Raises
        NoFeasiblePoint when there are too many to list, and none of those drawn is allowed.
        """
        rng, level = np.random.default_rng([self.study.seed, self.number]), self.plan.levels[self._begin(index)]
        space, second = self.study.spec.space, []
        for _ in range(DRAWS):
            assignment = self.plan.at(sample(space, rng), level)
            if self._fresh(index, assignment) and self._take(assignment):
                return Drawn(assignment, "drawn from the distributions of the search space")
            if space.feasible(assignment):
                second.append(assignment)
        left = self.points.left()
        if left is not None:
            return self._choose(index, [point for _, point in left if point[self.plan.resource] == level], rng)
        if not second:
            problem = f"none of {DRAWS} assignments with {self.plan.resource}={level} meets the constraints"
            raise NoFeasiblePoint(f"{problem}: {'; '.join(space.constraints)}")
        chosen = next(filter(self._take, second), second[-1])
        return Drawn(chosen, f"drawn {DRAWS} times without one that is new, and allowed on every rung")

    def _choose(self, index: int, left: Sequence[Assignment], rng: np.random.Generator) -> Drawn | None:
        """One of the points left."""
        fresh = [point for point in left if self._fresh(index, point)] or left
        if not fresh:
            return None
        chosen = fresh[int(rng.integers(len(fresh)))]
        self._take(chosen)
        return Drawn(chosen, f"chosen among the {len(fresh)} left")

    def _fresh(self, index: int, assignment: Assignment) -> bool:
        """Whether a configuration was not tried with any resource, and is feasible on every rung of a bracket."""
        feasible, rungs = self.study.spec.space.feasible, self.plan.bracket(index).rungs
        if not all(feasible(self.plan.at(assignment, self.plan.levels[rung.level])) for rung in rungs):
            return False
        keys = (self._key(assignment, level) for level in range(len(self.plan.levels)))
        return self._key(assignment) not in self._new and not any(map(self.points.tried, keys))

    def _key(self, assignment: Assignment, level: int = -1) -> str:
        """The key of a configuration with the resource at a level, the largest by default."""
        return self.points.key(self.plan.at(assignment, self.plan.levels[level]))

    def _why(self, promotion: Promotion) -> str:
        parent, place = promotion.parent, promotion.place
        return (
            f"trial {parent.number} again with {self._resource(place)}: with {parent.values[0]:.6g} it is number "
            f"{promotion.rank} of {promotion.of} in rung {place.rung - 1} of {self._called(place.bracket)}"
        )

    def _begins(self, index: int, drawn: Drawn) -> str:
        size = self.plan.bracket(index).rungs[0].size
        return f"one of {size} configurations with which {self._called(index)} begins, {drawn.text}"

    def _resource(self, place: Place) -> str:
        return f"{self.plan.resource}={self.plan.level(place):g}"

    def _called(self, index: int) -> str:
        return f"bracket s={self.plan.bracket(index).s} of iteration {index // len(self.plan.brackets)}"


def ladder_of(study: StudyView, plan: Plan) -> Ladder:
    """The study's ladder as of its whole history."""
    ladder: Ladder | None = study.memo.get(_MEMO)
    if ladder is None or not ladder.take(study):
        ladder = study.memo[_MEMO] = Ladder(plan)
        ladder.take(study)
    return ladder
