"""What a trial is compared with: numbers of the other trials at a step, and the best of them all.

Trials count that succeeded, were stopped early, or still run. Those that failed or were killed do not: nobody knows
what their values are worth. What is asked of trials that ended is computed once, until one of them changes.
"""

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._rule import StudyView
from tunesmith.study import ObjectiveType, Strategy, TrialState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Measure = Callable[[Curve, int], float | None]
"""A number of a curve at a step; None, or one that is not finite: it has none there."""

COUNTED: Final = frozenset({TrialState.SUCCEEDED, TrialState.EARLY_STOPPED})
_MOST_COLUMNS: Final = 1024


def mean_upto(curve: Curve, step: int) -> float | None:
    """The running average up to a step, of a trial that has reached it."""
    return curve.mean(curve.upto(step)) if curve.last >= step else None


def latest_upto(curve: Curve, step: int) -> float | None:
    """The loss at a step, or at the last one before it, of a trial that has reached it."""
    return curve.losses[place - 1] if curve.last >= step and (place := curve.upto(step)) else None


def first_from(curve: Curve, step: int) -> float | None:
    """The loss at the first step from this one on."""
    return None if (place := curve.first_from(step)) is None else curve.losses[place]


@dataclass(slots=True)
class _Ended:
    """What is known of the trials that ended, at an epoch."""

    epoch: int
    numbers: tuple[int, ...]
    best: float
    columns: "dict[tuple[Measure, int, Hashable], Floats]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the trials. Groups with the same key have the same trials, as long as none ends or begins again."""

    key: Hashable
    has: Callable[[int], bool]


EVERYBODY: Final = Group(None, lambda number: True)


def succeeded(study: StudyView) -> Group:
    """The trials that ran to their end."""
    return Group("succeeded", lambda number: number in study.ended and _has_succeeded(study, number))


def others(study: StudyView, measure: Measure, step: int, besides: int, group: Group = EVERYBODY) -> "Floats":
    """Numbers of all trials of a group at a step but those of one that runs; in no certain order, and finite."""
    import numpy as np

    ended, key = _ended(study), (measure, step, group.key)
    if (column := ended.columns.get(key)) is None:
        if len(ended.columns) >= _MOST_COLUMNS:
            ended.columns.clear()
        column = ended.columns[key] = _numbers(study, measure, step, filter(group.has, ended.numbers))
    now = (number for number in study.running if number != besides and group.has(number))
    return np.concatenate([column, _numbers(study, measure, step, now)])


def is_best(study: StudyView, number: int) -> bool:
    """Whether no other trial is better than this one would be if it ended now."""
    own = standing(study, number)
    return math.isfinite(own) and own <= best_of_others(study, number)


def best_of_others(study: StudyView, number: int) -> float:
    """The least loss of all other trials that count, as they are; infinite when none has one."""
    return min((_ended(study).best, *(standing(study, other) for other in study.running if other != number)))


def standing(study: StudyView, number: int) -> float:
    """The loss of a trial as it is, by the objective's strategy; infinite when it has none."""
    ended, curve = study.ended.get(number), study.curves.get(number)
    if ended is not None and ended.loss is not None:
        return ended.loss if math.isfinite(ended.loss) else math.inf
    if curve is None:
        return math.inf
    objective, seen = study.spec.objective, len(curve)
    best = Strategy.MAX if objective.type is ObjectiveType.MAXIMIZE else Strategy.MIN
    if objective.strategy is best:
        return curve.best(seen)
    if objective.strategy is Strategy.LATEST:
        return curve.latest(seen)
    return curve.mean(seen)  # also where somebody keeps the worst value


def _has_succeeded(study: StudyView, number: int) -> bool:
    return study.ended[number].state is TrialState.SUCCEEDED


def _ended(study: StudyView) -> _Ended:
    known: _Ended | None = study.memo.get("others")
    if known is None or known.epoch != study.epoch:
        numbers = [number for number, ended in study.ended.items() if ended.state in COUNTED]
        best = min((standing(study, number) for number in numbers), default=math.inf)
        known = _Ended(study.epoch, tuple(number for number in numbers if number in study.curves), best)
        study.memo["others"] = known
    return known


def _numbers(study: StudyView, measure: Measure, step: int, trials: Iterable[int]) -> "Floats":
    import numpy as np

    found = (measure(study.curves[number], step) for number in trials)
    return np.array([number for number in found if number is not None and math.isfinite(number)], dtype=float)
