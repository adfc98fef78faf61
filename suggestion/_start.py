"""How algorithms that learn begin: with points that lie evenly in the space."""

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.suggestion._algorithm import Algorithm, Answer, Explanation, StudyView, Suggestion
from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._settings import read_settings
from tunesmith.suggestion.algorithms.random import Random
from tunesmith.suggestion.algorithms.sobol import Sobol


def space_filling(study: StudyView, names: Sequence[tuple[str, int]], until: str) -> Answer:
    """A Sobol sequence, or random points where there are too many parameters; `until` says when the model begins."""
    algorithm: Algorithm = Sobol() if len(study.spec.space.names) <= DIMENSIONS else Random()
    defaults, _ = read_settings(algorithm.description, {})
    answer = algorithm.suggest(replace(study, settings=defaults), names)
    return replace(answer, suggestions=tuple(_first(suggestion, until) for suggestion in answer.suggestions))


def _first(suggestion: Suggestion, until: str) -> Suggestion:
    text = f"{suggestion.explanation.text}; {until}"
    return replace(suggestion, explanation=Explanation("startup", text))
