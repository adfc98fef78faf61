"""Percentile stopping: a trial goes on while its best is within the best share of the others at its step."""

from collections.abc import Sequence

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._others import others, succeeded
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import TRIALS, interval, min_trials, start_step
from tunesmith.earlystop._verdict import compared, weighed_at
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec


@register
class Percentile:
    """Compares the best so far with values at the step."""

    description = RuleDescription(
        name="percentile",
        summary="Stops a trial whose best value so far is worse than a percentile of the finished ones at its step.",
        description=(
            "With `percentile: 25` a trial must have come as far as the best quarter of the trials that ran to their "
            "end; those that were stopped do not count, so the bar rises as the study goes on. The rule of "
            "Optuna's PercentilePruner, and with 50 of its MedianPruner, but for the defaults, and that the best trial "
            "is never stopped. Take `median` when trials run side by side and none has ended yet."
        ),
        source="T. Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, KDD 2019.",
        settings=(
            SettingDescription(
                "percentile",
                SettingType.DOUBLE,
                "The share, in percent, of the finished trials that a trial must keep up with.",
                25.0,
                min=0,
                max=100,
            ),
            start_step(4, "n_warmup_steps"),
            min_trials(3, "n_startup_trials"),
            interval(),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial's best with the percentile of the others' values."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        curve = study.curves[number]
        if (place := weighed_at(study, curve)) is None:
            return None
        step, share = curve.steps[place], study.settings.number("percentile")
        values = others(study, Curve.latest_upto, step, number, succeeded(study))
        if len(values) < study.settings.integer(TRIALS):
            return None
        bar = values.quantile(share / 100)
        called = f"within which the best {share:g} % of {len(values)} trials are"
        return compared(study, number, step, curve.best(place + 1), bar, ("best value so far", called))
