"""Median stopping: a trial goes on while it is not worse than half of the others were at its step."""

from collections.abc import Mapping, Sequence
from typing import Final

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._others import others
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import TRIALS, interval, min_trials, start_step
from tunesmith.earlystop._verdict import compared, weighed_at
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, ParameterValue, StudySpec

COMPARE: Final = "compare"
BEST: Final = "best"
AVERAGE: Final = "average"
_KATIB: Final[Mapping[str, ParameterValue]] = {COMPARE: AVERAGE}
"""Katib's rule takes averages; from the fourth report on, too, as reports without a step count from 0."""


@register
class Median:
    """Compares the best so far with the others' values at the step, or running averages."""

    description = RuleDescription(
        name="median",
        aliases=("medianstop", "median-stop"),
        summary="Stops a trial whose best value so far is worse than the median of the others' at the same step.",
        description=(
            "Needs to know nothing of the curves: compares a trial with all others that have reached its step, whether "
            "they succeeded, were stopped early or still run, and works from the first trials on. A good first choice. "
            "With `compare: average` running averages are compared, which are not misled by noise, but hold a slow "
            "beginning against a trial for long. That is the rule that is known as `medianstop`: under this name, or "
            "`median-stop`, it is the default. Take `asha` when trials are many and most of them hopeless."
        ),
        source=(
            "D. Golovin et al., Google Vizier: A Service for Black-Box Optimization, KDD 2017, section 3.2.2; there "
            "the best value of a trial is compared with running averages, and only with those of trials that completed."
        ),
        settings=(
            SettingDescription(
                COMPARE,
                SettingType.STRING,
                "A trial's best value so far is compared with the others' at its step, or averages up to the step are.",
                BEST,
                choices=(BEST, AVERAGE),
            ),
            start_step(3, "start_step"),
            min_trials(3, "min_trials_required"),
            interval(),
        ),
        defaults={"medianstop": _KATIB, "median-stop": _KATIB},
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial with the median of the others."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        curve = study.curves[number]
        if (place := weighed_at(study, curve)) is None:
            return None
        step, best = curve.steps[place], study.settings[COMPARE] == BEST
        there = others(study, Curve.latest_upto if best else Curve.mean_upto, step, number)
        if len(there) < study.settings.integer(TRIALS):
            return None
        own = curve.best(place + 1) if best else curve.mean(place + 1)
        called = "best value so far" if best else "running average"
        return compared(study, number, step, own, there.quantile(0.5), (called, f"the median of {len(there)} trials"))
