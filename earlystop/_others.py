"""What a trial is compared with: numbers of the other trials at a step, and the best of them all.

Trials count that succeeded, were stopped early, or still run. Those that failed or were killed do not: nobody knows
what their values are worth. What is asked of trials that ended is computed once, until one of them changes.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._rule import StudyView
from tunesmith.earlystop._standings import standing
from tunesmith.study import TrialState

Measure = Callable[[Curve, int], float | None]
"""A number of a curve at a step; None, or one that is not finite: it has none there."""

COUNTED: Final = frozenset({TrialState.SUCCEEDED, TrialState.EARLY_STOPPED})
_MEMO: Final = "others"
_MOST_COLUMNS: Final = 1024
_NOBODY: Final = -1
"""The number of no trial."""


def first_from(curve: Curve, step: int) -> float | None:
    """The loss at the first step from this one on."""
    return None if (place := curve.first_from(step)) is None else curve.losses[place]


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the trials. Groups with the same key have the same trials, as long as none ends or begins again."""

    key: Hashable
    has: Callable[[int], bool]


EVERYBODY: Final = Group(None, lambda number: True)


def succeeded(study: StudyView) -> Group:
    """The trials that ran to their end."""
    return Group("succeeded", lambda number: number in study.ended and _has_succeeded(study, number))


@dataclass(frozen=True, slots=True)
class Pool:
    """Finite numbers of trials: of many that ended, ascending, and of a few that run, ascending too."""

    ended: "array[float]"
    running: list[float]

    def __len__(self) -> int:
        """Count the numbers."""
        return len(self.ended) + len(self.running)

    def at(self, place: int) -> float:
        """The number at a place, counted from 0, in ascending order of all."""
        # Of those that ended, it is none before the place less the number of those that run.
        low = max(place - len(self.running), 0)
        return sorted([*self.ended[low : place + 1], *self.running])[place - low]

    def below(self, bar: float) -> int:
        """Count the numbers below a bar."""
        return bisect_left(self.ended, bar) + bisect_left(self.running, bar)

    def quantile(self, share: float) -> float:
        """The number below which a share in [0, 1] of them is, as `numpy.quantile` has it; 0.5: the median."""
        place = share * (len(self) - 1)
        low = math.floor(place)
        one = self.at(low)
        if (part := place - low) == 0:
            return one
        other = self.at(low + 1)
        return other - (other - one) * (1 - part) if part >= 0.5 else one + (other - one) * part


@dataclass(slots=True)
class _Ended:
    """What is known of the trials that ended, at an epoch."""

    epoch: int
    numbers: tuple[int, ...]
    best: float
    columns: "dict[tuple[Measure, int, Hashable], array[float]]" = field(default_factory=dict)
    ranked: dict[tuple[Measure, int, Hashable], list[tuple[float, int]]] = field(default_factory=dict)
    """Numbers as in a column, each with the trial that has it."""


def others(study: StudyView, measure: Measure, step: int, besides: int, group: Group = EVERYBODY) -> Pool:
    """Numbers of all trials of a group at a step but those of one that runs."""
    ended, key = _ended(study), (measure, step, group.key)
    if (column := ended.columns.get(key)) is None:
        if len(ended.columns) >= _MOST_COLUMNS:
            ended.columns.clear()
        column = ended.columns[key] = array("d", _numbers(study, measure, step, filter(group.has, ended.numbers)))
    now = (number for number in study.running if number != besides and group.has(number))
    return Pool(column, _numbers(study, measure, step, now))


def earlier(study: StudyView, measure: Measure, step: int, trial: int, group: Group) -> Pool:
    """Numbers at a step of the trials of a group that began before one: trials begin in the order of their numbers."""
    ended, key = _ended(study), (measure, step, group.key)
    if (ranked := ended.ranked.get(key)) is None:
        ranked = ended.ranked[key] = sorted(_ranked(study, measure, step, filter(group.has, ended.numbers)))
    column = array("d", [value for value, number in ranked if number < trial])
    now = (number for number in study.running if number < trial and group.has(number))
    return Pool(column, _numbers(study, measure, step, now))


def is_best(study: StudyView, number: int) -> bool:
    """Whether no other trial is better than this one would be if it ended now."""
    own = standing(study, number)
    return math.isfinite(own) and own <= best_of_others(study, number)


def best_of_others(study: StudyView, number: int) -> float:
    """The least loss of all other trials that count, as they are; infinite when none has one."""
    return min(_ended(study).best, *(standing(study, other) for other in _leaders(study) if other != number), math.inf)


def best_of_all(study: StudyView) -> float:
    """The least loss of all trials that count, as they are; infinite when none has one."""
    return best_of_others(study, _NOBODY)


def counted_with_curves(study: StudyView) -> list[int]:
    """The trials that count and have a curve, in order."""
    return sorted([*_ended(study).numbers, *study.running])


def _leaders(study: StudyView) -> list[int]:
    """The best two of the trials that run: one of them is the best of all but one."""
    version, leaders = study.memo.get("leaders", (None, []))
    if version != study.version:
        leaders = sorted(study.running, key=lambda number: (standing(study, number), number))[:2]
        study.memo["leaders"] = (study.version, leaders)
    found: list[int] = leaders
    return found


def _has_succeeded(study: StudyView, number: int) -> bool:
    return study.ended[number].state is TrialState.SUCCEEDED


def _ended(study: StudyView) -> _Ended:
    known: _Ended | None = study.memo.get(_MEMO)
    if known is None or known.epoch != study.epoch:
        numbers = [number for number, ended in study.ended.items() if ended.state in COUNTED]
        best = min((standing(study, number) for number in numbers), default=math.inf)
        known = _Ended(study.epoch, tuple(number for number in numbers if number in study.curves), best)
        study.memo[_MEMO] = known
    return known


def _numbers(study: StudyView, measure: Measure, step: int, trials: Iterable[int]) -> list[float]:
    """The finite ones, ascending."""
    return sorted(value for value, _ in _ranked(study, measure, step, trials))


def _ranked(study: StudyView, measure: Measure, step: int, trials: Iterable[int]) -> Iterator[tuple[float, int]]:
    """The finite ones, each with its trial."""
    curves = study.curves
    for number in trials:
        value = measure(curves[number], step)
        if value is not None and math.isfinite(value):
            yield value, number
