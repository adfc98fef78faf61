"""Where trials end: a setting, and what is seen of it."""

import math
from typing import Final

from tunesmith.earlystop._rule import StudyView
from tunesmith.earlystop._settings import LIMIT
from tunesmith.services.settings import SettingDescription, SettingType
from tunesmith.study import TrialState

MOST: Final = "maxResource"
ENOUGH: Final = 3
"""Trials that ran to their end which show where that is."""
_END: Final = "end of trials"


def most_setting(meaning: str) -> SettingDescription:
    """Describe the step at which trials end, by what it means to a rule."""
    text = (
        f"{meaning} A step too far away gives way to the last one of the longest trial, once {ENOUGH} have succeeded "
        "sooner and none goes on beyond them."
    )
    return SettingDescription(MOST, SettingType.INT, text, min=1, max=LIMIT, aliases=("max_resource",))


def end_of(study: StudyView) -> int | None:
    """The step at which trials end: as is set, or the last one of the longest that succeeded; None: not known yet.

    A setting too large gives way to what is seen.
    """
    seen, many = _seen_end(study)
    if study.settings[MOST] is None:
        return seen
    set_to = study.settings.integer(MOST)
    if seen is None or many < ENOUGH or not 1 < seen < set_to:
        return set_to
    went_on = any(curve.last > seen for curve in study.curves.values())  # so those that succeeded were done early
    return set_to if went_on else seen


def _seen_end(study: StudyView) -> tuple[int | None, int]:
    """The last step of the longest trial that succeeded, and how many did with a value; None: none reported."""
    epoch, found = study.memo.get(_END, (None, (None, 0)))
    if epoch != study.epoch:
        ended = [(number, one) for number, one in study.ended.items() if one.state is TrialState.SUCCEEDED]
        lasts = {number: study.curves[number].last for number, _ in ended if number in study.curves}
        valued = sum(number in lasts and one.loss is not None and math.isfinite(one.loss) for number, one in ended)
        found = max(lasts.values(), default=None), valued
        study.memo[_END] = (study.epoch, found)
    seen: tuple[int | None, int] = found
    return seen
