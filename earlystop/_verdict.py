"""Where a trial is weighed, and what is said of it."""

import math
from typing import TYPE_CHECKING, Final

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._others import is_best
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import INTERVAL, START
from tunesmith.earlystop._standings import standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDING: Final = 1e-12
"""Of a loss, what is an error of arithmetic: averages and medians of equal values may differ by it."""


def weighed_at(study: StudyView, curve: Curve) -> int | None:
    """The place of the observation at which a trial is weighed: the first one in its interval; None: not yet."""
    start, interval = study.settings.integer(START), study.settings.integer(INTERVAL)
    if curve.last < start:
        return None
    return curve.first_from(start + (curve.last - start) // interval * interval)


def weighed_places(study: StudyView, curve: Curve) -> "NDArray[np.intp]":
    """The places of all observations at which a trial is weighed: the first one in each interval, (n,)."""
    import numpy as np

    start, interval = study.settings.integer(START), study.settings.integer(INTERVAL)
    steps = np.array(curve.steps)
    first = int(np.searchsorted(steps, start))
    places: NDArray[np.intp] = first + np.flatnonzero(np.diff((steps[first:] - start) // interval, prepend=-1))
    return places


def compared(study: StudyView, trial: int, step: int, own: float, bar: float, called: tuple[str, str]) -> Decision:
    """Stop a trial whose loss is above a bar by more than errors of arithmetic, unless it is the best of all.

    `called`: what the loss and the bar are, as in "running average" and "the median of 9 trials".
    """
    mine, theirs = called
    if not math.isfinite(own):
        seen = f"up to step {step} it has no finite value to set against"
        return unless_best(study, trial, step, f"{seen} {study.shown(bar)}, {theirs}")
    same = math.isclose(own, bar, rel_tol=_ROUNDING)
    one, other = (study.shown(own), study.shown(bar)) if same else (study.shown(own, bar), study.shown(bar, own))
    seen, limit = f"at step {step} its {mine} {one} is", f"{other}, {theirs}"
    if own <= bar or same:
        return Decision(trial, False, f"{seen} not worse than {limit}", step)
    return unless_best(study, trial, step, f"{seen} worse than {limit}")


def unless_best(study: StudyView, trial: int, step: int, reason: str) -> Decision:
    """Stop a trial, unless it is the best of all, whatever was looked at."""
    if not is_best(study, trial):
        return Decision(trial, True, reason, step)
    best = f"but its {study.shown(standing(study, trial))} is the best of all trials"
    return Decision(trial, False, f"{reason}, {best}", step)
