"""Threshold stopping: a trial ends as soon as its value leaves what is thinkable."""

import math
from collections.abc import Sequence
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import PATH, interval, start_step
from tunesmith.earlystop._verdict import weighed_places
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec

_NEEDED: Final = "One of `lower` and `upper` is needed."


@register
class Threshold:
    """Compares a trial's value with bounds."""

    description = RuleDescription(
        name="threshold",
        summary="Stops a trial whose value is below or above a bound, or not finite.",
        description=(
            "Knows of no other trial, so it stops the first one too: for a loss that has exploded, or an accuracy that "
            "is no better than chance after some steps. The bounds are values as they are reported, whether they are "
            "minimized or maximized. The best trial so far is stopped like any other."
        ),
        source="Optuna's ThresholdPruner.",
        settings=(
            SettingDescription("lower", SettingType.DOUBLE, f"A trial whose value is below it is stopped. {_NEEDED}"),
            SettingDescription("upper", SettingType.DOUBLE, f"A trial whose value is above it is stopped. {_NEEDED}"),
            start_step(0, "n_warmup_steps"),
            interval(),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse bounds that bound nothing, or leave nothing."""
        lower, upper = settings["lower"], settings["upper"]
        if lower is None and upper is None:
            return [Mistake(PATH, "`lower` or `upper` must be given, but neither is")]
        if lower is not None and upper is not None and settings.number("lower") > settings.number("upper"):
            return [Mistake(f"{PATH}.upper", f"`lower <= upper` must hold, but got (lower={lower}, upper={upper})")]
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Look at each trial's value."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        """Look at all values at once: a trial that was out of bounds for a moment has been there."""
        import numpy as np

        curve, given = study.curves[number], study.settings
        places = weighed_places(study, curve)
        if not len(places):
            return None
        values = study.sign * np.array(curve.losses)[places]
        lower = -math.inf if given["lower"] is None else given.number("lower")
        upper = math.inf if given["upper"] is None else given.number("upper")
        out = np.flatnonzero(~np.isfinite(values) | (values < lower) | (values > upper))
        place = places[out[0] if len(out) else -1]
        step, loss, value = curve.steps[place], curve.losses[place], study.sign * curve.losses[place]
        if not math.isfinite(value):
            return Decision(number, True, f"at step {step} its value is not finite", step)
        if not len(out):
            return Decision(number, False, f"at step {step} its value {study.shown(loss)} is within its bounds", step)
        called, bound = ("below", lower) if value < lower else ("above", upper)
        beside = study.sign * bound
        seen = f"at step {step} its value {study.shown(loss, beside)}"
        return Decision(number, True, f"{seen} is {called} {study.shown(beside, loss)}", step)
