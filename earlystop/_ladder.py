"""What is seen of all trials at a ladder of rungs, and what a trial's end is expected to be from there.

Between calls what was seen of each curve is kept, which is most of the work, and what was learned, as long as trials
would teach the same.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._curves import Ended
from tunesmith.earlystop._forecast import Forecast, forecast
from tunesmith.earlystop._others import best_of_all, counted_with_curves
from tunesmith.earlystop._rule import StudyView
from tunesmith.earlystop._standings import standing
from tunesmith.services.learning_curves import MOST_TRIALS, Hop, Scale, learn, rungs_to
from tunesmith.services.traits import traits_of
from tunesmith.study import Assignment, TrialState

if TYPE_CHECKING:
    from tunesmith.earlystop._curve import Floats

GRANTED: Final = 3
"""Trials that run to their end which are taken for granted."""
_MEMO: Final = "ladder"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of a trial, and of which curve: a curve of the same length is the same."""

    curve: Curve
    count: int
    ended: Ended | None
    levels: "Floats"
    """At the rungs; NaN where nobody knows."""
    level: float
    """Now."""
    standing: float
    steps: int

    def holds(self, curve: Curve, ended: Ended | None) -> bool:
        """Whether it is what would be seen now."""
        return self.curve is curve and self.count == len(curve) and self.ended == ended


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an assignment is in the unit cube, (d,); NaN where it has no value or nobody knows it."""

    assignment: Assignment | None
    units: Sequence[float]


class Ladder:
    """All trials that count, at a version of a study."""

    def __init__(self, study: StudyView, rungs: tuple[int, ...], last: "Ladder | None") -> None:
        """Look at what the last ladder does not know."""
        import numpy as np

        self.rungs, self._seen, self._placed = rungs, dict[int, _Seen](), dict[int, _Place]()
        self._epoch, self._version = study.epoch, study.version
        seen_before, placed_before = (last._seen, last._placed) if last else ({}, {})
        same = last is not None and last._epoch == study.epoch  # then only those that run have anything new
        counted = counted_with_curves(study)
        for number in sorted({*counted[-MOST_TRIALS:], *study.running}):
            one, place = seen_before.get(number), placed_before.get(number)
            if one is None or place is None or not same or number in study.running:
                one, place = _see(study, number, rungs, one), _locate(study, number, place)
            self._seen[number], self._placed[number] = one, place
        seen = self._seen.values()
        self.trials, self._steps = len(counted), sum(one.steps for one in seen)
        self._finite = sum(math.isfinite(one.standing) for one in seen)
        self.scale = Scale.of([one.standing for one in seen], best_of_all(study))
        self._levels = self.scale.distances(np.array([one.levels for one in seen]).reshape(-1, len(rungs)))
        self._rows = {number: row for row, number in enumerate(self._seen)}
        self._units = [place.units for place in self._placed.values()]
        if last is not None and last._units == self._units:  # NaN too, where it is the same list of the same trial
            traits, hops = last._traits, self._still(last)
        else:
            units = np.array(self._units).reshape(-1, len(study.spec.space.names))
            traits, hops = traits_of(study.spec.space, units), dict[int, Hop]()
        self._traits: Floats = traits
        self._hops: dict[int, Hop] = hops
        self._falls = study.spec.objective.keeps_best

    @classmethod
    def of(cls, study: StudyView, end: int) -> "Ladder | None":
        """That of a study whose trials end at a step; None: they end too soon to be stopped."""
        if not (rungs := rungs_to(end)):
            return None
        last: Ladder | None = study.memo.get(_MEMO)
        if last is None or last.rungs != rungs:
            last = None
        if last is None or last._version != study.version:
            last = study.memo[_MEMO] = cls(study, rungs, last)
        return last

    def forecast(self, number: int, rung: int) -> Forecast | None:
        """Where a trial will end that has reached a rung; None: it has no finite value.

        By its level now. Of the hop that it is in, it has the part still to gain whose steps it has still to go; but as
        much doubt as at the rung, until the next one tells.
        """
        seen = self._seen[number]
        if not math.isfinite(seen.level):
            return None
        before, at = self.scale.distances(seen.levels[[max(rung - 1, 0), rung]])
        gained = float(before - at) if math.isfinite(before - at) else 0.0
        ahead = [self._hop(place) for place in range(rung, len(self.rungs) - 1)]
        traits = self._traits[self._rows[number]]
        left = (self.rungs[rung + 1] - seen.curve.last) / self.lengths(rung)[0]
        return forecast(self.scale.distance(seen.level), gained, ahead, traits, left=left, falls=self._falls)

    def others(self, number: int) -> int:
        """Count the others with a finite value, which a trial can be compared with."""
        return self._finite - math.isfinite(self._seen[number].standing)

    @property
    def each(self) -> float:
        """Steps that a trial takes on average, with those granted: nobody knows yet while the first ones run."""
        return (self._steps + GRANTED * self.rungs[-1]) / (len(self._seen) + GRANTED)

    def lengths(self, rung: int) -> Sequence[int]:
        """The steps of each hop from a rung to the end."""
        return [after - before for before, after in pairwise(self.rungs[rung:])]

    def _still(self, last: "Ladder") -> dict[int, Hop]:
        """Those of the last ladder's hops for which this one, with the same trials, would learn the same."""
        import numpy as np

        if last.scale != self.scale:
            return {}
        same = ((last._levels == self._levels) | np.isnan(last._levels) & np.isnan(self._levels)).all(axis=0)
        return {place: hop for place, hop in last._hops.items() if same[max(place - 1, 0) : place + 2].all()}

    def _hop(self, place: int) -> Hop:
        """What trials gain from one rung to the next."""
        import numpy as np

        if place not in self._hops:
            now, after = self._levels[:, place], self._levels[:, place + 1]
            made = np.isfinite(now) & np.isfinite(after)
            gained = (self._levels[:, place - 1] - now if place else np.zeros_like(now))[made]
            gained = np.where(np.isfinite(gained), gained, 0.0)
            self._hops[place] = learn(now[made], gained, after[made], self._traits[made])
        return self._hops[place]


def _see(study: StudyView, number: int, rungs: Sequence[int], known: _Seen | None) -> _Seen:
    curve, ended = study.curves[number], study.ended.get(number)
    if known is not None and known.holds(curve, ended):
        return known
    level = curve.best if study.spec.objective.keeps_best else lambda count: _recent(curve, count)
    stands, steps = standing(study, number), min(max(curve.last, 0), rungs[-1])
    end = stands if ended is not None and ended.state is TrialState.SUCCEEDED else None
    return _Seen(curve, len(curve), ended, _levels(level, curve, end, rungs), level(len(curve)), stands, steps)


def _locate(study: StudyView, number: int, known: _Place | None) -> _Place:
    assignment, space = study.assignments.get(number), study.spec.space
    if known is not None and known.assignment is assignment:
        return known
    units = None if assignment is None else space.locate(assignment)
    return _Place(assignment, units or [math.nan] * len(space.names))


def _levels(level: Callable[[int], float], curve: Curve, end: float | None, rungs: Sequence[int]) -> "Floats":
    """What a curve has come to at each rung. A trial that succeeded, with `end`, stays as it was from there on.

    `level`: what a curve has come to after so many values.
    """
    import numpy as np

    found = [level(curve.upto(rung)) if curve.last >= rung or end is not None else math.nan for rung in rungs]
    levels = np.array(found if end is None else [*found[:-1], end])
    return np.where(np.isfinite(levels), levels, math.nan)


def _recent(curve: Curve, count: int) -> float:
    """Average of the last quarter of the first `count` losses; infinite when none of them is finite."""
    tail = [loss for loss in curve.losses[count - max(count // 4, 1) : count] if math.isfinite(loss)]
    return sum(tail) / len(tail) if tail else curve.latest(count)
