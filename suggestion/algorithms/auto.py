"""The default: chooses an algorithm for each call, from space, limits, parallelism and history, and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tunesmith.services.settings import Settings
from tunesmith.study import Limits, Mistake, ParameterValue, SearchSpace, StudySpec
from tunesmith.suggestion._algorithm import Algorithm, Answer, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._points import EXACT_UP_TO
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import read_settings
from tunesmith.suggestion._start import first_algorithm
from tunesmith.suggestion._table import table_of
from tunesmith.suggestion.algorithms.gp import Gp
from tunesmith.suggestion.algorithms.grid import Grid
from tunesmith.suggestion.algorithms.tpe import Tpe

START: Final = 10
"""Values with which a model begins; fewer where the limit is low."""
GP_VALUES: Final = 200
"""Values up to which a Gaussian process is asked: it sees most in few, and takes a tenth of a second for each trial."""
GP_PARAMETERS: Final = 30
"""Parameters up to which distances still tell something."""
GP_PARALLEL: Final = 50
"""Trials at once up to which there is time to think about each."""

_AT_ONCE: Final[Mapping[str, ParameterValue]] = {"n_startup_trials": 1}


@dataclass(frozen=True, slots=True)
class Choice:
    """An algorithm with its settings, and why it was chosen: a clause that follows "because"."""

    algorithm: Algorithm
    reason: str
    settings: Mapping[str, ParameterValue] = field(default_factory=dict)


@register
class Auto:
    """Leaves each call to the algorithm that fits it."""

    description = AlgorithmDescription(
        name="auto",
        summary="Chooses an algorithm for each trial from space, limits and history, and says why.",
        description=(
            "The default. `grid` when all points of the space fit into `limits.trials` (or are at most "
            f"{EXACT_UP_TO:,} and no such limit is given): then every point is tried once and the study ends. "
            f"Otherwise `sobol` (`random` beyond {DIMENSIONS} parameters) until {START} trials have a value, or a "
            f"third of `limits.trials` if that is less; then `gp` until {GP_VALUES} have one; then `tpe`, which stays "
            f"fast. `tpe` in place of `gp` where there are more than {GP_PARAMETERS} parameters or {GP_PARALLEL} "
            "trials in parallel. The choice follows an edit of the limits."
        ),
        source="",
        capabilities=Capabilities(uses_values=True, uses_steps=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Ask the chosen algorithm, and add the reason to its explanations."""
        losses = table_of(study).losses
        valued = int((losses == losses).sum())  # NaN is no value
        choice = choose(study.spec.space, study.spec.limits, valued)
        settings, _ = read_settings(choice.algorithm.description, choice.settings)
        answer = choice.algorithm.suggest(replace(study, settings=settings), names)
        return replace(answer, suggestions=tuple(_because(choice, suggestion) for suggestion in answer.suggestions))


def choose(space: SearchSpace, limits: Limits, valued: int) -> Choice:
    """Choose for a study of which so many trials have a value."""
    trials = limits.trials
    count = space.count(EXACT_UP_TO if trials is None else min(trials, EXACT_UP_TO))
    if count is not None:
        fits = "can all be tried" if trials is None else f"fit into the limit of {trials} trials"
        return Choice(Grid(), f"the {count} points of the space {fits}")
    start = START if trials is None else min(START, max(trials // 3, 1))
    if valued < start:
        return _begin(space, start)
    return _model(space, limits, valued)


def _begin(space: SearchSpace, start: int) -> Choice:
    reason = f"a model begins when {start} trials have a value"
    few = len(space.names) <= DIMENSIONS
    return Choice(
        first_algorithm(space), reason if few else f"{reason}, and `sobol` takes at most {DIMENSIONS} parameters"
    )


def _model(space: SearchSpace, limits: Limits, valued: int) -> Choice:
    if len(space.names) > GP_PARAMETERS:
        return Choice(Tpe(), f"the space has more than {GP_PARAMETERS} parameters", _AT_ONCE)
    if limits.parallel > GP_PARALLEL:
        return Choice(Tpe(), f"more than {GP_PARALLEL} trials run in parallel", _AT_ONCE)
    if valued > GP_VALUES:
        return Choice(Tpe(), f"it stays fast with more than {GP_VALUES} values", _AT_ONCE)
    return Choice(Gp(), f"it sees most in few values ({valued})", _AT_ONCE)


def _because(choice: Choice, suggestion: Suggestion) -> Suggestion:
    """Add the reason of the choice to a suggestion's explanation."""
    name, explanation = choice.algorithm.description.name, suggestion.explanation
    text = f"{explanation.text}; auto chose {name} because {choice.reason}"
    return replace(suggestion, explanation=replace(explanation, text=text))
