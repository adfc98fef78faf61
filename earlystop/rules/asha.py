"""Asynchronous successive halving: at rungs that lie ever further apart, one in so many trials goes on."""

from collections.abc import Sequence

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._rungs import FACTOR, LEAST, MOST, halved, highest_rung, rung_settings, rungs_problem
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec


@register
class Asha:
    """Weighs a trial at the last rung that it has reached."""

    description = RuleDescription(
        name="asha",
        aliases=("successive-halving",),
        summary="At each of a ladder of rungs, lets a trial go on that is among the best of those before it.",
        description=(
            "Spends most where there is most to win, and stops most trials at the first rung, so it wants many trials. "
            "At a rung, a trial is compared with those that began before it and have come so far, whether they "
            "succeeded, were stopped or still run; what comes after it does not call it back. Take `hyperband` when "
            "early values may mislead."
        ),
        source="L. Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, arXiv 1810.05934.",
        settings=rung_settings(1, 4, "The step at which trials end; there are no rungs from there on."),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse rungs of which there is none."""
        return rungs_problem(settings)

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial with those before it that have reached its rung."""
        given, found = study.settings, list[Decision]()
        end = None if given[MOST] is None else given.integer(MOST)
        for number in trials:
            rung = highest_rung(study.curves[number].last, given.integer(LEAST), given.integer(FACTOR), end)
            if rung is not None and (decision := halved(study, number, rung, given.integer(FACTOR))):
                found.append(decision)
        return found
