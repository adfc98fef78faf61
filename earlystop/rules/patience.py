"""Patience: a trial ends when it has not improved for a while."""

import math
from collections.abc import Sequence
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import START, start_step
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec

PATIENCE: Final = "patience"
DELTA: Final = "minDelta"


@register
class Patience:
    """Compares the best of the last values with the best before them."""

    description = RuleDescription(
        name="patience",
        summary="Stops a trial that has not improved on its own best for so many reports.",
        description=(
            "Ends training that has converged, or begun to overfit, as the callbacks of training libraries do. Knows "
            "of no other trial: the best one so far is stopped too, once it does not get better. Such a trial is done "
            "rather than hopeless: it succeeds, and its value counts. A value that is not finite is no improvement."
        ),
        source="L. Prechelt, Early Stopping - But When?, in Neural Networks: Tricks of the Trade (1998), criterion UP.",
        settings=(
            SettingDescription(
                PATIENCE, SettingType.INT, "Reports without an improvement after which a trial is stopped.", 10, min=1,
                max=10**6,
            ),
            SettingDescription(
                DELTA, SettingType.DOUBLE, "What a value must be better by to be an improvement.", 0.0, min=0,
                aliases=("min_delta",),
            ),
            start_step(0),
        ),
    )  # fmt: skip

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Look at each trial's own values."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        curve, patience = study.curves[number], study.settings.integer(PATIENCE)
        many, step = len(curve), curve.last
        if many <= patience or step < study.settings.integer(START):
            return None
        before = curve.best(many - patience)
        after = min(filter(math.isfinite, curve.losses[many - patience :]), default=math.inf)
        seen = f"up to step {step} the best of its last {patience} values"
        if not math.isfinite(after):
            return Decision(number, True, f"up to step {step} none of its last {patience} values is finite", step)
        if not math.isfinite(before):
            return Decision(number, False, f"{seen} is {study.shown(after)}, and there was none before", step)
        delta = study.settings.number(DELTA)
        improved = after < before - delta
        verdict = "improves on" if improved else "does not improve on"
        than = f"{study.shown(before, after)}, the best before them{f', by more than {delta:.6g}' if delta else ''}"
        text = f"{seen}, {study.shown(after, before)}, {verdict} {than}"
        return Decision(number, not improved, text, step, complete=not improved)
