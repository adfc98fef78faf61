"""Who is compared: each line of CONTENDERS is one way to choose what to try next.

A session answers `ask()` with an assignment, and is told its value later, when others may be pending.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from peers import distributions

from tunesmith.study import (
    AlgorithmSpec,
    Assignment,
    CategoricalDomain,
    Limits,
    Objective,
    ObjectiveType,
    ParameterValue,
    SearchSpace,
    Strategy,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.suggestion import Registry, StudyView, TrialRecord, load_registry, read_settings
from tunesmith.suggestion._history import History


class Session(Protocol):
    """One optimisation."""

    def ask(self) -> tuple[int, Assignment]:
        """The next trial, and its assignment."""

    def tell(self, trial: int, value: float) -> None:
        """A trial's value; less is better."""


Start = Callable[[SearchSpace, int, int, int], Session]
"""By space, seed, trials in all, and trials at once."""


class Ours:
    """An algorithm of the suggestion service, asked as the service asks it."""

    registry: Registry | None = None

    def __init__(
        self, name: str, settings: Mapping[str, ParameterValue], space: SearchSpace, seed: int, *of: int
    ) -> None:
        trials, parallel = of
        Ours.registry = Ours.registry or load_registry()
        self.algorithm = Ours.registry.get(name)
        self.spec = StudySpec(
            objectives=(Objective("loss", ObjectiveType.MINIMIZE, strategy=Strategy.MIN),),
            space=space,
            trial=TrialTemplate(("true",)),
            algorithm=AlgorithmSpec(name, settings),
            limits=Limits(trials=trials, parallel=parallel),
            seed=seed,
        )
        self.settings, mistakes = read_settings(self.algorithm.description, settings)
        assert not mistakes, mistakes
        self.history, self.memo, self.ended = History(space), dict[str, Any](), 0

    def ask(self) -> tuple[int, Assignment]:
        number, held = len(self.history), self.history
        seed = self.spec.seed or 0
        view = StudyView("uid", self.spec, seed, self.settings, held.records, held.tried, held.log, self.memo)
        (made,) = self.algorithm.suggest(view, [(f"trial-{number}", number)]).suggestions
        self._put(TrialRecord(number, made.name, TrialState.RUNNING, made.assignment, labels=made.labels))
        return number, made.assignment

    def tell(self, trial: int, value: float) -> None:
        self.end(trial, TrialState.SUCCEEDED, value)

    def end(self, trial: int, state: TrialState, value: float, steps: Mapping[int, float] | None = None) -> None:
        """A trial ended with a value, in any state that has one; `steps`: its values by step, where it had some."""
        old = self.history.records[trial]
        self.ended += 1
        ended = replace(old, state=state, values=(value,), completion_rank=self.ended, steps=steps or {})
        self._put(ended)

    def _put(self, record: TrialRecord) -> None:
        self.history.apply([record])


class Optuna:
    """A sampler of Optuna."""

    def __init__(self, make: Callable[[int, int], Any], space: SearchSpace, seed: int, *of: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self.study = optuna.create_study(sampler=make(seed, of[1]))
        self.space = distributions(space)
        self.trials: dict[int, Any] = {}

    def ask(self) -> tuple[int, Assignment]:
        trial = self.study.ask(self.space)
        self.trials[trial.number] = trial
        return trial.number, trial.params

    def tell(self, trial: int, value: float) -> None:
        self.study.tell(self.trials.pop(trial), value)


class Skopt:
    """scikit-optimize, told a lie for what is pending: the worst value so far, as its own parallel mode does."""

    def __init__(self, estimator: str, space: SearchSpace, seed: int, *_: int) -> None:
        import skopt.space as s

        def dimension(domain: Any) -> Any:
            if isinstance(domain, CategoricalDomain):
                return s.Categorical(domain.values)
            if hasattr(domain, "values"):
                return s.Integer(domain.values[0], domain.values[-1])
            return s.Real(domain.min, domain.max)

        self.names = space.names
        self.dimensions = [dimension(parameter.domain) for parameter in space.parameters]
        self.estimator, self.seed = estimator, seed
        self.points: list[list[Any]] = []
        self.values: list[float | None] = []

    def ask(self) -> tuple[int, Assignment]:
        from skopt import Optimizer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = Optimizer(self.dimensions, self.estimator, random_state=self.seed + len(self.points))
            told = [value for value in self.values if value is not None]
            lie = max(told, default=0.0)
            if told:
                optimizer.tell(self.points, [lie if value is None else value for value in self.values])
            point = optimizer.ask()
        self.points.append(point)
        self.values.append(None)
        plain = [value.item() if isinstance(value, np.generic) else value for value in point]
        return len(self.points) - 1, dict(zip(self.names, plain, strict=True))

    def tell(self, trial: int, value: float) -> None:
        self.values[trial] = value


def ours(name: str, **settings: ParameterValue) -> Start:
    return lambda space, seed, *of: Ours(name, settings, space, seed, *of)


def sampler(name: str, **options: Any) -> Start:
    def make(seed: int, _parallel: int) -> Any:
        import optuna

        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return getattr(optuna.samplers, name)(seed=seed, **options)

    return lambda space, seed, *of: Optuna(make, space, seed, *of)


def skopt(estimator: str) -> Start:
    return lambda space, seed, *of: Skopt(estimator, space, seed, *of)


CONTENDERS: dict[str, Start] = {
    "random": ours("random"),
    "sobol": ours("sobol"),
    "auto": ours("auto"),
    "gp": ours("gp"),
    "tpe": ours("tpe"),
    "cmaes": ours("cmaes"),
    "evolution": ours("evolution"),
    "bayesian": ours("bayesian"),
    "optuna-tpe": sampler("TPESampler"),
    "optuna-cmaes": sampler("CmaEsSampler"),
    "optuna-gp": sampler("GPSampler"),
    "skopt-gp": skopt("GP"),
}
