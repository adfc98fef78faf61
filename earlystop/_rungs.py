"""Rungs of successive halving: at each, a share of the trials that have reached it goes on.

L. Li et al., A System for Massively Parallel Hyperparameter Tuning, arXiv 1810.05934, algorithm 2, in its variant that
stops trials instead of promoting them: a trial is judged when it crosses a rung, by those that were there before it,
and nothing waits for a rung to fill.

Who was there before it, no history tells once reports came late, several at a time, or again after a restart. So those
count that began before it: the trials of lower numbers, at whatever time they are looked at. What comes after a trial
is judged by it and does not judge it, so one that may go on is not called back.
"""

import math
from typing import Final

from tunesmith.earlystop._end import MOST, most_setting
from tunesmith.earlystop._others import EVERYBODY, Group, earlier, first_from
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import LIMIT, PATH
from tunesmith.earlystop._verdict import unless_best
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake

LEAST: Final = "minResource"
FACTOR: Final = "reductionFactor"


def rung_settings(least: str, first: int | None, factor: int, most: str) -> tuple[SettingDescription, ...]:
    """Describe the settings of rules that have rungs.

    `least` and `most`: what the smallest and the largest resource mean to this one; `first`: the smallest by default.
    """
    return (
        SettingDescription(LEAST, SettingType.INT, least, first, min=1, max=LIMIT, aliases=("min_resource",)),
        most_setting(most),
        SettingDescription(
            FACTOR,
            SettingType.INT,
            "One in so many trials goes on at each rung, and the next rung is so many times as far.",
            factor,
            min=2,
            max=1000,
            aliases=("reduction_factor", "eta"),
        ),
    )


def rungs_problem(settings: Settings) -> list[Mistake]:
    """Say when the first rung lies beyond the largest resource."""
    if settings[LEAST] is None or settings[MOST] is None or settings.integer(LEAST) <= settings.integer(MOST):
        return []
    got = f"({LEAST}={settings[LEAST]}, {MOST}={settings[MOST]})"
    return [Mistake(f"{PATH}.{MOST}", f"`{LEAST} <= {MOST}` must hold, but got {got}")]


def highest_rung(step: int, first: int, factor: int, end: int | None) -> int | None:
    """The step of the last rung that was reached at `step`; None: none yet. There are none from `end` on."""
    rung = None
    while first <= step and (end is None or first < end):
        rung, first = first, first * factor
    return rung


def halved(study: StudyView, trial: int, rung: int, factor: int, group: Group = EVERYBODY) -> Decision | None:
    """Stop a trial that is not among the best that have crossed its rung; None: none that began before it has."""
    curve = study.curves[trial]
    place = curve.first_from(rung)
    there = earlier(study, first_from, rung, trial, group)
    if place is None or not len(there):
        return None
    step, own = curve.steps[place], curve.losses[place]
    many = len(there) + 1
    kept = max(many // factor, 1)
    at = f"at the rung of step {rung}"
    if not math.isfinite(own):
        reason = f"{at} its value is not finite, and those of {len(there)} others are"
        return unless_best(study, trial, step, reason)
    called, one, last = f"the best of {many} trials", "", ""
    if kept > 1:
        called, one, last = f"the best {kept} of {many} trials", "among ", "the last of "
    if there.below(own) < kept:
        return Decision(trial, False, f"{at} its {study.shown(own)} is {one}{called}", step)
    bar = there.at(kept - 1)
    worse = f"{study.shown(own, bar)} is worse than {study.shown(bar, own)}"
    return unless_best(study, trial, step, f"{at} its {worse}, {last}{called}")
