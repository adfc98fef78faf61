"""Median stopping: a trial goes on while it is not worse than half of the others were at its step."""

from collections.abc import Sequence

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._others import others
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import TRIALS, interval, min_trials, start_step
from tunesmith.earlystop._verdict import compared, weighed_at
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec


@register
class Median:
    """Compares running averages up to the step."""

    description = RuleDescription(
        name="median",
        aliases=("medianstop", "median-stop"),
        summary="Stops a trial whose running average is worse than the median of the others' up to the same step.",
        description=(
            "Needs to know nothing of the curves, and is not misled by noise, because averages are compared: of all "
            "values up to the step, for every other trial that has reached it, whether it succeeded, was stopped early "
            "or still runs. A good first choice. Take `asha` when trials are many and most of them hopeless."
        ),
        source=(
            "D. Golovin et al., Google Vizier: A Service for Black-Box Optimization, KDD 2017, section 3.2.2; there it "
            "is the best value of a trial that is compared, and only with trials that completed."
        ),
        settings=(start_step(4, "start_step"), min_trials(3, "min_trials_required"), interval()),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial's average with the median of the others'."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        curve = study.curves[number]
        if (place := weighed_at(study, curve)) is None:
            return None
        step = curve.steps[place]
        averages = others(study, Curve.mean_upto, step, number)
        if len(averages) < study.settings.integer(TRIALS):
            return None
        bar, own = averages.quantile(0.5), curve.mean(place + 1)
        return compared(study, number, step, own, bar, ("running average", f"the median of {len(averages)} trials"))
