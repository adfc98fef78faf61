"""A rule of Tunesmith of one's own: a third party's package, which the early-stopping service finds.

Nothing is kept anywhere: a decision is computed from the curves whenever it is asked for, so that the same question has
the same answer after any restart.
"""

import math
from collections.abc import Sequence

from tunesmith.earlystop import (
    Decision,
    RuleDescription,
    SettingDescription,
    Settings,
    SettingType,
    StudyView,
    register,
)
from tunesmith.study import Mistake, StudySpec


@register
class Slope:
    """Follows each curve in a straight line to its end."""

    description = RuleDescription(
        name="slope",
        summary="Stops a trial that would not reach the best one if it went on improving as fast as it did.",
        description=(
            "Draws a straight line through the best values of a trial over its last steps, up to the step at which "
            "trials end. Most curves flatten, so what is stopped would hardly have made it."
        ),
        source="An example of Tunesmith's.",
        settings=(
            SettingDescription("lastStep", SettingType.INT, "The step at which trials end.", 12, min=1, max=10**9),
            SettingDescription("window", SettingType.INT, "Reports that the line is drawn through.", 4, min=1, max=999),
        ),
        aliases=("straight-line",),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study: what the description says is checked already."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Decide about each trial whose line can be drawn."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        """Compare losses: values where the study minimizes, and values times -1 where it maximizes."""
        curve, end = study.curves[number], study.settings.integer("lastStep")
        many, past = len(curve), len(curve) - study.settings.integer("window")
        if past < 1 or curve.last >= end:
            return None
        best = min((other.best(len(other)) for key, other in study.curves.items() if key != number), default=math.inf)
        then, now = curve.best(past), curve.best(many)
        if not (math.isfinite(best) and math.isfinite(then)):
            return None
        slope = (then - now) / (curve.last - curve.steps[past - 1])
        ends = now - slope * (end - curve.last)
        seen = f"at step {curve.last} its best is {study.shown(now)}, and in a straight line it ends at"
        text = f"{seen} {study.shown(ends)}, the best of the others being {study.shown(best)}"
        return Decision(number, ends > best, text, curve.last, study.sign * ends)
