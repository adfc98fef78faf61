"""A walk along a fixed sequence of candidates, which takes the first one that nobody has tried.

It makes grid and sobol independent of how a batch is split, of restarts and of what became of earlier trials: the
answer is "the first candidate that is not taken", a function of the sequence and of the points taken. Where the walk
begins saves time only, because all candidates before that are taken, or not fit. It travels in the label of trials.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tunesmith.study import Assignment
from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._points import Points

_INDEX = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point, its key, and its place in the sequence, from 0."""

    index: int
    assignment: Assignment
    key: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence of candidates.

    `begin(index)` gives them from a place on, None for a place that holds no fit point. `ceiling(record, trials)`: a
    trial that `record` describes, among so many, had a place below this; what a label says beyond it is no truth.
    """

    label: str
    begin: Callable[[int], Iterator[Assignment | None]]
    ceiling: Callable[[TrialRecord, int], int]


@dataclass(slots=True)
class _Place:
    """How far a study has come; kept in its memo.

    `ahead`: candidates that were not in the history when they were looked at. The answer that gave them may be lost,
    so they stay until the history has them. `index`: place of the next candidate from `source`.
    """

    source: Iterator[Assignment | None]
    begun: int
    index: int
    ahead: list[Candidate] = field(default_factory=list)


class Walk:
    """One answer's way along the sequence."""

    def __init__(self, sequence: Sequence, study: StudyView, points: Points) -> None:
        """Go on where the study's memo says; without one, after the last place that labels in the history name."""
        self._sequence, self._study, self._points = sequence, study, points
        self._slot = f"walk {sequence.label}"
        if self._slot not in study.memo:
            self._begin(_after_labels(sequence, study))
        place = self._place()
        place.ahead[:] = [candidate for candidate in place.ahead if not points.tried(candidate.key)]
        self._position = 0

    def take(self, limit: float = math.inf) -> Candidate | None:
        """Take the first candidate below `limit` that is not taken; None when there is none."""
        while (candidate := self._peek(limit)) is not None:
            self._position += 1
            if self._points.take(candidate.key):
                return candidate
        return None

    def restart(self) -> bool:
        """Go back to the beginning, in case labels have led us too far; False when the walk began there."""
        if self._place().begun == 0:
            return False
        self._begin(0)
        self._position = 0
        return True

    def _begin(self, index: int) -> None:
        """Put the study at a place of the sequence."""
        self._study.memo[self._slot] = _Place(self._sequence.begin(index), index, index)

    def _place(self) -> _Place:
        """Return where the study is."""
        place: _Place = self._study.memo[self._slot]
        return place

    def _peek(self, limit: float) -> Candidate | None:
        """Return the next candidate below `limit` without taking it."""
        place = self._place()
        while self._position == len(place.ahead):
            if place.index >= limit or not self._look(place):
                return None
        candidate = place.ahead[self._position]
        return candidate if candidate.index < limit else None

    def _look(self, place: _Place) -> bool:
        """Look at one more place of the sequence; False at its end."""
        try:
            assignment = next(place.source)
        except StopIteration:
            return False
        place.index += 1
        if assignment is not None and not self._points.tried(key := self._points.key(assignment)):
            place.ahead.append(Candidate(place.index - 1, assignment, key))
        return True


def _after_labels(sequence: Sequence, study: StudyView) -> int:
    """Return the place after the last one that a label names; labels are untrusted, so only what can be true counts."""
    last, trials = -1, len(study.history)
    for record in study.history.values():
        text = record.labels.get(sequence.label, "")
        if _INDEX.fullmatch(text) and int(text) < sequence.ceiling(record, trials):
            last = max(last, int(text))
    return last + 1
