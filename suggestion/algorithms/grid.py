"""Grid search: every combination once, in a fixed order."""

from collections.abc import Iterator, Sequence
from itertools import islice

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion import _walk
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion, TrialRecord
from tunesmith.suggestion._description import AlgorithmDescription
from tunesmith.suggestion._points import Points
from tunesmith.suggestion._registry import register

LABEL = "grid.index"
"""Label of a trial: its place in the grid's order, from 0."""

_COUNTED = 10**4  # counting takes time, and who asks for more trials knows what a grid is


@register
class Grid:
    """Tries every combination of values once; the study ends when all have been tried."""

    description = AlgorithmDescription(
        name="grid",
        aliases=("grid-search",),
        summary="Every combination of values once, in a fixed order; the study ends with the last.",
        description=(
            "For small spaces that shall be covered completely. Parameters with a step, integers and lists give all "
            "their values; a double without a step gives `points` values, evenly spread over its distribution, bounds "
            "included. The number of combinations is a product, so a fourth or fifth parameter soon makes `sobol` the "
            "better choice. Combinations tried before (as `initial`, or by hand) are left out."
        ),
        source="",
        settings=(
            SettingDescription(
                "points",
                SettingType.INT,
                "Values tried of each double parameter that has no step.",
                default=5,
                min=2,
                max=10**6,
            ),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse a grid that constraints leave empty: such a study would end before its first trial."""
        if not spec.space.constraints or next(spec.space.enumerate(settings.integer("points")), None) is not None:
            return []
        return [Mistake("spec.constraints", f"no point of the grid meets them (points={settings.integer('points')})")]

    def remarks(self, spec: StudySpec, settings: Settings) -> list[str]:
        """Say when the limit ends the study before the grid is done."""
        most = spec.limits.trials
        if most is None or most > _COUNTED:
            return []
        grid = spec.space.enumerate(settings.integer("points"))
        if next(islice(grid, most, None), None) is None:
            return []
        return [
            f"the grid has more than the {most} points that `limits.trials` allows; `sobol` would spread them evenly"
        ]

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Give each trial the first point of the grid that was not tried."""
        walk = _walk.Walk(_sequence(study), study, Points(study))
        suggestions: list[Suggestion] = []
        for name, _ in names:
            candidate = walk.take()
            if candidate is None and walk.restart():
                candidate = walk.take()
            if candidate is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, "every point of the grid has been tried")
            suggestions.append(_suggestion(name, candidate))
        return Answer(tuple(suggestions))


def _suggestion(name: str, candidate: _walk.Candidate) -> Suggestion:
    """Propose a point of the grid."""
    explanation = Explanation("grid", f"point {candidate.index} of the grid, counted from 0")
    return Suggestion(name, candidate.assignment, explanation, {LABEL: str(candidate.index)})


def _sequence(study: StudyView) -> _walk.Sequence:
    """Make the grid a sequence; it has fit points only."""

    def begin(index: int) -> Iterator[Assignment | None]:
        return islice(study.spec.space.enumerate(study.settings.integer("points")), index, None)

    return _walk.Sequence(LABEL, begin, _ceiling)


def _ceiling(record: TrialRecord, trials: int) -> int:
    """Each point before a trial's own was tried by another trial, of a lower number."""
    return min(record.number + 1, trials)
