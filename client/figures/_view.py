"""A study as a figure sees it: columns over its trials, and what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from tunesmith.client.figures._kind import CannotDraw
from tunesmith.client.figures._scales import Scale
from tunesmith.client.figures._text import escaped, hover, listed, number
from tunesmith.services.errors import FixRequest
from tunesmith.study import ObjectiveType, Parameter, Strategy, TrialState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunesmith.client._trial_values import Trial
    from tunesmith.client.figures._study_data import StudyData

_EVALUATORS = ("ped-anova", "fanova")


@dataclass(frozen=True)
class View:
    """What a figure draws.

    Attributes:
        data: The study.
        others: More studies.
        metric: Whose values are the trials' values.
        direction: Which way they are better; None: nobody said, as of a metric that is no objective.
        parameters: Those that were asked for, or else all of the space.
        asked: Whether they were asked for.
        evaluator: What judges importance.
        narrow: Whether panels lie below one another, as on a phone.
    """

    data: "StudyData"
    others: tuple["View", ...]
    metric: str
    direction: ObjectiveType | None
    parameters: tuple[Parameter, ...]
    asked: bool = False
    evaluator: str = _EVALUATORS[0]
    narrow: bool = False

    @classmethod
    def of(
        cls,
        data: "StudyData",
        others: Sequence["StudyData"],
        metric: str | None,
        parameters: Sequence[str],
        evaluator: str,
        narrow: bool,
    ) -> Self:
        """Check what was asked for. Raises FixRequest."""
        objective = data.spec.objective
        metric = metric or objective.metric
        direction = objective.type if metric == objective.metric else None
        if evaluator not in _EVALUATORS:
            raise FixRequest(f"an evaluator must be one of {', '.join(_EVALUATORS)}, but got {evaluator[:100]!r}")
        for one in (data, *others):
            _check_metric(one, metric)
        more = tuple(cls(other, (), metric, direction, other.spec.space.parameters) for other in others)
        chosen = _chosen(data, parameters)
        return cls(data, more, metric, direction, chosen, bool(parameters), evaluator, narrow)

    @property
    def trials(self) -> tuple["Trial", ...]:
        """All trials, by number."""
        return self.data.trials

    @property
    def several(self) -> tuple["View", ...]:
        """All studies."""
        return (self, *self.others)

    @cached_property
    def label(self) -> str:
        """The metric's name, as Plotly shows it."""
        return escaped(self.metric)

    @cached_property
    def name(self) -> str:
        """The study's name, as Plotly shows it."""
        return escaped(self.data.study.name)

    @cached_property
    def numbers(self) -> "NDArray[np.int64]":
        """The trials' numbers."""
        return np.array([trial.number for trial in self.trials], dtype=np.int64)

    @cached_property
    def values(self) -> "NDArray[np.float64]":
        """The trials' values; NaN where there is none."""
        objective = self.data.spec.objective
        if self.metric == objective.metric:
            found = [trial.value for trial in self.trials]
        else:
            specs = {spec.name: spec.strategy for spec in self.data.spec.metrics or ()}
            found = [_value(trial, self.metric, specs.get(self.metric, Strategy.LATEST)) for trial in self.trials]
        array = np.array(found, dtype=np.float64)
        return np.where(np.isfinite(array), array, np.nan)

    @cached_property
    def losses(self) -> "NDArray[np.float64]":
        """The values of the succeeded trials, so that less is better; NaN for the others."""
        sign = -1.0 if self.direction is ObjectiveType.MAXIMIZE else 1.0
        return np.where(self.of_state(TrialState.SUCCEEDED), sign * self.values, np.nan)

    @cached_property
    def _states(self) -> "NDArray[np.int64]":
        places = {state: place for place, state in enumerate(TrialState)}
        return np.array([places[trial.state] for trial in self.trials], dtype=np.int64)

    def of_state(self, state: TrialState) -> "NDArray[np.bool_]":
        """Which trials are in a state."""
        found: NDArray[np.bool_] = self._states == list(TrialState).index(state)
        return found

    @cached_property
    def done(self) -> "NDArray[np.intp]":
        """Rows of the trials that succeeded with a value."""
        return np.flatnonzero(~np.isnan(self.losses))

    @cached_property
    def valued(self) -> "NDArray[np.intp]":
        """Rows of the trials with a value that is final: succeeded, or stopped early."""
        stopped = self.of_state(TrialState.EARLY_STOPPED) & ~np.isnan(self.values)
        return np.flatnonzero(stopped | ~np.isnan(self.losses))

    @cached_property
    def best(self) -> int | None:
        """Row of the best trial; None: there is none, or nobody said what is better."""
        return int(np.nanargmin(self.losses)) if len(self.done) and self.direction else None

    @cached_property
    def scales(self) -> tuple[Scale, ...]:
        """The parameters, each with the column of its values."""
        return tuple(Scale.of(parameter, self.trials) for parameter in self.parameters)

    @cached_property
    def _shown_names(self) -> dict[str, str]:
        return {name: escaped(name) for name in self.data.spec.space.names}

    def hovers(self, rows: "NDArray[np.intp]") -> list[str]:
        """For each row the trial's name, its value and its parameters."""
        values, names = self.values, self._shown_names
        return [
            hover(
                self.trials[row].name,
                "" if np.isnan(values[row]) else f"{self.label}: {number(float(values[row]))}",
                listed(self.trials[row].assignment, names),
            )
            for row in rows.tolist()
        ]

    def need(self, found: int, least: int, what: str) -> None:
        """Raise CannotDraw unless `found` is at least `least`; `what` begins the sentence, as `a history needs`."""
        if found < least:
            trials = "1 finished trial" if least == 1 else f"{least} finished trials"
            raise CannotDraw(f"{what} {trials} with a value of {self.metric}, and the study has {found}")


def _value(trial: "Trial", metric: str, strategy: Strategy) -> float | None:
    found: float | None = None
    for summary in trial.metrics:
        if summary.metric == metric:
            found = getattr(summary, str(strategy))
    return found


def _check_metric(data: "StudyData", metric: str) -> None:
    known = {data.spec.objective.metric, *(spec.name for spec in data.spec.metrics or ())}
    if metric in known:
        return
    known |= {summary.metric for trial in data.trials for summary in trial.metrics}
    if metric not in known:
        names = ", ".join(sorted(known)[:20])
        raise FixRequest(f"the study {data.study.name} has no metric {metric[:100]!r}; it has {names}")


def _chosen(data: "StudyData", names: Sequence[str]) -> tuple[Parameter, ...]:
    by_name = {parameter.name: parameter for parameter in data.spec.space.parameters}
    for name in names:
        if name not in by_name:
            raise FixRequest(
                f"the study {data.study.name} has no parameter {name[:100]!r}; it has {', '.join(by_name)}"
            )
    return tuple(by_name[name] for name in names) if names else data.spec.space.parameters
