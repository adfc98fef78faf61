"""Curve prediction: a trial ends when its steps are worth more in a new one, by how all trials went on from there."""

from collections.abc import Sequence
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._end import end_of, most_setting
from tunesmith.earlystop._ladder import Ladder
from tunesmith.earlystop._others import best_of_others
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import START, TRIALS, min_trials, start_step
from tunesmith.earlystop._standings import standing
from tunesmith.earlystop._verdict import unless_best
from tunesmith.earlystop._worth import is_worth_going_on, price_of_a_step
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec

EAGERNESS: Final = "eagerness"


@register
class CurvePrediction:
    """Predicts the final value, with its uncertainty, and weighs the chance to win against the steps that it takes."""

    description = RuleDescription(
        name="curve",
        aliases=("curve-prediction",),
        summary="Stops a trial whose chance to become the best is not worth the steps that it would take.",
        description=(
            "Predicts where a trial will end, and says so with every decision. Learns, from rung to rung of steps "
            "that lie ever further apart, how all trials went on, those that were stopped too, and by their "
            "parameters, as long as these are few (64 numbers and categories): that a small rate begins slowly, "
            "say. It takes no formula for granted. A trial goes on while its chance to beat the best is worth its "
            "next steps, and these would bring less in a new trial: so it is patient with one that begins slowly "
            "where such ones have caught up, and spends little when the best is hard to beat. `maxResource` should "
            "be given, and be the step at which trials do end: rungs are counted back from there, each two thirds of "
            "the next."
        ),
        source=(
            "After B. Baker et al., Accelerating Neural Architecture Search using Performance Prediction, arXiv "
            "1705.10823; the price of a step after M. Weitzman, Optimal Search for the Best Alternative, Econometrica "
            "47 (1979)."
        ),
        settings=(
            most_setting(
                "The step at which trials end. Absent: the last one of the longest trial that succeeded, and nothing "
                "is stopped before there is one."
            ),
            SettingDescription(
                EAGERNESS,
                SettingType.DOUBLE,
                "A trial goes on when its chance is so many times that of a new trial, step for step. More stops more "
                "trials, and sooner; 0 stops only those without a finite value.",
                1.0,
                min=0,
                max=20,
            ),
            start_step(1),
            min_trials(2),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Predict each trial's end."""
        end = end_of(study)
        if end is None or (ladder := Ladder.of(study, end)) is None:
            return []
        found = (_weigh(study, ladder, number) for number in trials)
        return [decision for decision in found if decision is not None]


def _weigh(study: StudyView, ladder: Ladder, number: int) -> Decision | None:
    """Weigh a trial at the last rung that it has reached."""
    curve, bar = study.curves[number], best_of_others(study, number)
    reached = [place for place, rung in enumerate(ladder.rungs) if study.settings.integer(START) <= rung <= curve.last]
    if not reached or curve.last >= ladder.rungs[-1] or ladder.others(number) < study.settings.integer(TRIALS):
        return None
    step, shown = curve.last, f"{study.shown(bar)}, the best of the others"
    if (expected := ladder.forecast(number, reached[-1])) is None:
        return unless_best(study, number, step, f"up to step {step} it has no finite value to set against {shown}")
    price = price_of_a_step(ladder.trials, ladder.each, study.settings.number(EAGERNESS))
    distance = ladder.scale.distance(bar)
    mean = ladder.scale.loss(expected.mean)
    end = f"at step {step} it is expected to end at {study.shown(mean)}"
    if standing(study, number) <= bar:
        text = f"{end}, and is not worse than {shown}"
        return Decision(number, False, text, step, study.sign * mean)
    text = f"{end}, and to beat {shown}, with a probability of {expected.below(distance):.3g}"
    if is_worth_going_on(distance, expected, ladder.lengths(reached[-1]), price):
        return Decision(number, False, f"{text}; it is worth going on", step, study.sign * mean)
    return Decision(number, True, f"{text}; its steps are worth more in a new trial", step, study.sign * mean)
