"""Asynchronous successive halving: at rungs that lie ever further apart, one in so many trials goes on."""

from collections.abc import Sequence

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._end import MOST, end_of
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._rungs import FACTOR, LEAST, halved, highest_rung, rung_settings, rungs_problem
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec

DIVISIONS = 3
"""So many times the end is divided by the factor, unless a document says where the first rung is."""


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
            "succeeded, were stopped or still run; what comes after it does not call it back. By default it begins "
            "at a 64th of a trial. A later first rung, or `hyperband`, is for trials whose early values say little."
        ),
        source="L. Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, arXiv 1810.05934.",
        settings=rung_settings(
            "The step of the first rung. Absent: a trial's end, divided three times by `reductionFactor` and rounded "
            "down, so a 64th; 1 at least.",
            None,
            4,
            "The step at which trials end; there are no rungs from there on. Where neither it nor `minResource` is "
            "given: the last one of the longest trial that succeeded, and nothing is stopped before there is one.",
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse rungs of which there is none."""
        return rungs_problem(settings)

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial with those before it that have reached its rung."""
        if (ladder := _ladder(study)) is None:
            return []
        (first, end), factor, found = ladder, study.settings.integer(FACTOR), list[Decision]()
        for number in trials:
            rung = highest_rung(study.curves[number].last, first, factor, end)
            if rung is not None and (decision := halved(study, number, rung, factor)):
                found.append(decision)
        return found


def _ladder(study: StudyView) -> tuple[int, int | None] | None:
    """The first rung, and the step from which on there are none; None: it is not known yet how far trials go."""
    given = study.settings
    if given[LEAST] is not None:
        return given.integer(LEAST), None if given[MOST] is None else end_of(study)
    if (end := end_of(study)) is None:
        return None
    return max(end // given.integer(FACTOR) ** DIVISIONS, 1), end
