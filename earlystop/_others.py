"""What a trial is compared with: numbers of the other trials at a step, and the best of them all.

Trials count that succeeded, were stopped early, or still run. Those that failed or were killed do not: nobody knows
what their values are worth. What is asked of trials that ended is computed once, until one of them changes.
"""

import math
from collections.abc import Callable, Collection, Iterable
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
    columns: "dict[tuple[Measure, int, bool], Floats]" = field(default_factory=dict)


def others(
    study: StudyView,
    measure: Measure,
    step: int,
    besides: int,
    *,
    finished_only: bool = False,
    among: Collection[int] | None = None,
) -> "Floats":
    """Numbers of all trials at a step but those of one that runs; in no certain order, and finite.

    Args:
        study: The study.
        measure: Which number.
        step: Where.
        besides: The trial that they are compared with.
        finished_only: Only trials that succeeded.
        among: Only these trials; None: all.
    """
    import numpy as np

    if among is not None:
        return _numbers(study, measure, step, (n for n in among if n != besides and _counts(study, n)))
    ended = _ended(study)
    if (column := ended.columns.get((measure, step, finished_only))) is None:
        if len(ended.columns) >= _MOST_COLUMNS:
            ended.columns.clear()
        chosen = (n for n in ended.numbers if not finished_only or study.ended[n].state is TrialState.SUCCEEDED)
        column = ended.columns[measure, step, finished_only] = _numbers(study, measure, step, chosen)
    if finished_only:
        return column
    return np.concatenate([column, _numbers(study, measure, step, (n for n in study.running if n != besides))])


def is_best(study: StudyView, number: int) -> bool:
    """Whether no other trial is better than this one would be if it ended now."""
    own = standing(study, number)
    return math.isfinite(own) and own <= min(
        (_ended(study).best, *(standing(study, other) for other in study.running if other != number))
    )


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


def _counts(study: StudyView, number: int) -> bool:
    ended = study.ended.get(number)
    return number in study.curves and (ended is None or ended.state in COUNTED)


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
