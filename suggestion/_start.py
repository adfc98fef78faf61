"""How algorithms that learn begin: with points that lie evenly in the space."""

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.study import SearchSpace
from tunesmith.suggestion._algorithm import Algorithm, Answer, Explanation, StudyView, Suggestion
from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._settings import read_settings
from tunesmith.suggestion.algorithms.random import Random
from tunesmith.suggestion.algorithms.sobol import Sobol


def first_algorithm(space: SearchSpace) -> Algorithm:
    """A Sobol sequence, or random points where there are too many parameters for one."""
    return Sobol() if len(space.names) <= DIMENSIONS else Random()


def space_filling(study: StudyView, names: Sequence[tuple[str, int]], until: str) -> Answer:
    """Answer by the first algorithm; `until` says when the model begins."""
    algorithm = first_algorithm(study.spec.space)
    defaults, _ = read_settings(algorithm.description, {})
    answer = algorithm.suggest(replace(study, settings=defaults), names)
    return replace(answer, suggestions=tuple(_first(suggestion, until) for suggestion in answer.suggestions))


def _first(suggestion: Suggestion, until: str) -> Suggestion:
    text = f"{suggestion.explanation.text}; {until}"
    return replace(suggestion, explanation=Explanation("startup", text))
