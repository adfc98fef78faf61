"""Curve prediction: a trial ends when it will hardly beat the best, by how finished trials went on from its step."""

import math
from collections.abc import Sequence
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._forecast import Regression, learn, seen
from tunesmith.earlystop._others import best_of_others
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import TRIALS, interval, min_trials, start_step
from tunesmith.earlystop._standings import keeps_best, standing
from tunesmith.earlystop._verdict import unless_best, weighed_at
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec, TrialState

MOST: Final = 128
"""Finished trials that are learned from: those of highest number."""
MOST_STEPS: Final = 1024
_MEMO: Final = "curve regressions"


@register
class CurvePrediction:
    """Predicts the final value, with its uncertainty."""

    description = RuleDescription(
        name="curve",
        aliases=("curve-prediction",),
        summary="Stops a trial that will hardly beat the best one, as its curve and those of finished trials predict.",
        description=(
            "Says with every decision which value it expects in the end. Learns, for each step, how trials that ran to "
            "their end went on from there, so it works for curves of any shape, and begins when `minTrials` of them "
            "have finished; trials that were stopped teach nothing, as nobody knows where they would have ended. Keeps "
            "a slow starter that `median` would stop, and stops late what `median` would let finish below the best."
        ),
        source=(
            "B. Baker et al., Accelerating Neural Architecture Search using Performance Prediction, arXiv 1705.10823, "
            "with a Bayesian linear regression."
        ),
        settings=(
            SettingDescription(
                "probability",
                SettingType.DOUBLE,
                "A trial is stopped when it beats the best with a smaller probability.",
                0.05,
                min=0,
                max=0.5,
            ),
            start_step(2),
            min_trials(4),
            interval(),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Predict each trial's end."""
        found = (self._weigh(study, number) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int) -> Decision | None:
        curve = study.curves[number]
        if (place := weighed_at(study, curve)) is None:
            return None
        step, bar = curve.steps[place], best_of_others(study, number)
        if (learned := _learned(study, step)) is None or not math.isfinite(bar):
            return None
        if not math.isfinite(curve.best(place + 1)):
            text = f"up to step {step} it has no finite value to set against {study.shown(bar)}, the best"
            return unless_best(study, number, step, text)
        if (now := seen(curve, place + 1, best=keeps_best(study))) is None:
            return None
        forecast = learned.forecast(*now)
        mean = min(forecast.mean, now[0]) if keeps_best(study) else forecast.mean
        chance = 1.0 if standing(study, number) <= bar else forecast.below(bar)
        stop = chance < study.settings.number("probability")
        text = (
            f"at step {step} with {study.shown(now[0])} it is expected to end at {study.shown(mean)}, and to beat "
            f"{study.shown(bar)}, the best, with a probability of {chance:.3g}"
        )
        return Decision(number, stop, text, step, study.sign * mean)


def _learned(study: StudyView, step: int) -> Regression | None:
    """What finished trials teach of curves that are seen up to a step; None: too few have come so far."""
    epoch, known = study.memo.get(_MEMO, (None, {}))
    if epoch != study.epoch or len(known) >= MOST_STEPS:
        known = {}
        study.memo[_MEMO] = (study.epoch, known)
    if step not in known:
        known[step] = _learn(study, step)
    learned: Regression | None = known[step]
    return learned


def _learn(study: StudyView, step: int) -> Regression | None:
    import numpy as np

    rows, best = list[tuple[float, float, float]](), keeps_best(study)
    for number in sorted(study.ended, reverse=True):
        ended, curve = study.ended[number], study.curves.get(number)
        if ended.state is not TrialState.SUCCEEDED or curve is None or curve.last < step or len(rows) == MOST:
            continue
        then = seen(curve, curve.upto(step), best=best)
        if then is not None and ended.loss is not None and math.isfinite(ended.loss):
            rows.append((*then, ended.loss))
    if len(rows) < study.settings.integer(TRIALS):
        return None
    levels, gains, finals = np.array(rows).T
    return learn(levels, gains, finals)
