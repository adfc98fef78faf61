"""The default: chooses an algorithm from the space and the limits, and says why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunesmith.study import Mistake, StudySpec
from tunesmith.suggestion._algorithm import Algorithm, Answer, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription
from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._points import EXACT_UP_TO
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import Settings, read_settings
from tunesmith.suggestion.algorithms.grid import Grid
from tunesmith.suggestion.algorithms.random import Random
from tunesmith.suggestion.algorithms.sobol import Sobol

_MEMO = "auto choice"


@dataclass(frozen=True, slots=True)
class Choice:
    """An algorithm, and why it was chosen: a clause that follows "because"."""

    algorithm: Algorithm
    reason: str


@register
class Auto:
    """Leaves each study to the algorithm that fits it."""

    description = AlgorithmDescription(
        name="auto",
        summary="Chooses an algorithm from the space and the limits, and says why with each trial.",
        description=(
            "The default. `grid` when all points of the space fit into `limits.trials` (or are at most "
            f"{EXACT_UP_TO:,} and no such limit is given): then every point is tried once and the study ends. "
            f"Otherwise `sobol`, which spreads the trials evenly, or `random` beyond its {DIMENSIONS} parameters. The "
            "choice follows an edit of the limits, and points tried before are not tried again."
        ),
        source="",
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Ask the chosen algorithm, and add the reason to its explanations."""
        choice: Choice = study.memo.setdefault(_MEMO, None) or choose(study.spec)
        study.memo[_MEMO] = choice
        defaults, _ = read_settings(choice.algorithm.description, {})
        answer = choice.algorithm.suggest(replace(study, settings=defaults), names)
        return replace(answer, suggestions=tuple(_because(choice, suggestion) for suggestion in answer.suggestions))


def choose(spec: StudySpec) -> Choice:
    """Choose the algorithm for a study."""
    trials = spec.limits.trials
    count = spec.space.count(EXACT_UP_TO if trials is None else min(trials, EXACT_UP_TO))
    if count is not None:
        fits = "can all be tried" if trials is None else f"fit into the limit of {trials} trials"
        return Choice(Grid(), f"the {count} points of the space {fits}")
    if len(spec.space.names) > DIMENSIONS:
        return Choice(Random(), f"`sobol` takes at most {DIMENSIONS} parameters")
    beyond = "are too many to try all" if trials is None else f"do not fit into the limit of {trials} trials"
    return Choice(Sobol(), f"the points of the space {beyond}")


def _because(choice: Choice, suggestion: Suggestion) -> Suggestion:
    """Add the reason of the choice to a suggestion's explanation."""
    name, explanation = choice.algorithm.description.name, suggestion.explanation
    text = f"{explanation.text}; auto chose {name} because {choice.reason}"
    return replace(suggestion, explanation=replace(explanation, text=text))
