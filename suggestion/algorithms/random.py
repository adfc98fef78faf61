"""Random search: each trial is an independent draw."""

from collections.abc import Sequence

from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription
from tunesmith.suggestion._points import EXACT_UP_TO, Points
from tunesmith.suggestion._registry import register

EXHAUSTED = "every point of the search space has been tried"


@register
class Random:
    """Draws each trial from the distributions of the search space, without repetition."""

    description = AlgorithmDescription(
        name="random",
        aliases=("random-search",),
        summary="Each trial is an independent draw from the distributions of the parameters.",
        description=(
            "The baseline that every other algorithm must beat, and a good choice when trials are cheap, very many run "
            "at once, or little is known of the objective. A point comes once only, as long as others are left: "
            f"exactly so in spaces of up to {EXACT_UP_TO:,} points, and nearly always beyond. Take `sobol` when few "
            "trials have to cover several parameters evenly."
        ),
        source="J. Bergstra and Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13 (2012).",
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Draw for each trial with a generator of its own, seeded by the study's seed and the trial's number."""
        points = Points(study)
        suggestions: list[Suggestion] = []
        for name, number in names:
            if (drawn := points.draw(number)) is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, EXHAUSTED)
            suggestions.append(Suggestion(name, drawn.assignment, Explanation("random", drawn.text)))
        return Answer(tuple(suggestions))
