"""Which of many trials are drawn: a page must stay quick, and ten thousand points in a row hide one another.

The rule for points is one for all figures: the best quarter of the room, and of all others an even share. What is
computed (best so far, distributions, correlation) is computed from all trials. Even means by the golden ratio: every
n-th trial could be the n-th of each round of an algorithm, and would be another one after the next trial.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tunesmith.study import ObjectiveType, TrialState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.client._trial_values import Trial
    from tunesmith.client._values import Study

GOLDEN: Final = 0.6180339887498949
"""Multiples of it, less their whole part, fill the unit interval evenly however many there are."""
POINTS: Final = 1_000
"""Trials that one panel draws at most."""
CURVES: Final = 60
"""Trials whose curves are drawn at most."""


def thinned(losses: "NDArray[np.float64]", room: int = POINTS) -> "NDArray[np.intp]":
    """Rows that are drawn, in order: all if there is room.

    Args:
        losses: Shape (trials,); less is better, NaN where a trial has no value.
        room: How many rows at most.
    """
    import numpy as np

    rows = np.arange(len(losses))
    if len(rows) <= room:
        return rows
    best = np.argsort(losses, kind="stable")[: room // 4]  # NaN is sorted behind all numbers
    rest = np.setdiff1d(rows, best, assume_unique=True)
    even = rest[np.argsort((rest * GOLDEN) % 1.0, kind="stable")[: room - len(best)]]
    return np.sort(np.concatenate([best, even]))


def curves_drawn(study: "Study", trials: Sequence["Trial"], room: int = CURVES) -> tuple["Trial", ...]:
    """Trials whose curves are drawn, by number: a third the best, a third those that run, the rest an even share."""
    reported = [trial for trial in trials if trial.state is not TrialState.PENDING and trial.metrics]
    if len(reported) <= room:
        return tuple(reported)
    sign = -1 if study.spec.objective.type is ObjectiveType.MAXIMIZE else 1
    good = [trial for trial in reported if trial.state is TrialState.SUCCEEDED and trial.value is not None]
    chosen = {trial.number for trial in sorted(good, key=lambda trial: sign * (trial.value or 0.0))[: room // 3]}
    chosen |= {trial.number for trial in reported if trial.state is TrialState.RUNNING and trial.number not in chosen}
    chosen = set(sorted(chosen)[-2 * room // 3 :]) if len(chosen) > 2 * room // 3 else chosen
    rest = [trial.number for trial in reported if trial.number not in chosen]
    chosen |= set(sorted(rest, key=lambda number: (number * GOLDEN) % 1.0)[: room - len(chosen)])
    return tuple(trial for trial in reported if trial.number in chosen)
