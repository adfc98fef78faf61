"""Who is compared by `stopping.py`: a way to choose configurations, with a rule that stops trials or without one.

A session is told each loss as a trial reports it, and answers whether the trial is to stop. Adding a rule of ours is a
line of RULES, one of Optuna's a line of PRUNERS.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import contenders
from peers import distributions
from trainings import EPOCHS

from tunesmith.earlystop import Ended, Registry, load_registry, read_settings
from tunesmith.earlystop._studies import Held, Job
from tunesmith.earlystop._turn import ask
from tunesmith.study import Assignment, ParameterValue, SearchSpace, StudySpec, TrialState
from tunesmith.v1 import types_pb2


class Session(Protocol):
    """One study. Trials have numbers from 0, and steps count epochs from 1."""

    def ask(self) -> tuple[int, Assignment]:
        """The next trial."""

    def report(self, trial: int, step: int, loss: float) -> bool:
        """A running trial's loss after an epoch; whether it is to stop now."""

    def end(self, trial: int, value: float, stopped: bool) -> None:
        """A trial stopped or was finished, with its least loss as its value."""


Start = Callable[[SearchSpace, int, int], Session]
"""By space, seed, and trials at once."""


@cache
def _rules() -> Registry:
    return load_registry()


def held(name: str, given: Mapping[str, ParameterValue], spec: StudySpec, seed: int) -> Held:
    """A study as the early-stopping service holds it, with a rule."""
    rule = _rules().get(name)
    settings, mistakes = read_settings(rule.description, given)
    assert not mistakes, mistakes
    return Held("uid", Job(types_pb2.StudySpec(), spec, rule, settings, seed))


class Ours:
    """An algorithm of the suggestion service, with a rule of the early-stopping service."""

    def __init__(
        self, algorithm: str, rule: str, settings: Mapping[str, ParameterValue], space: SearchSpace, seed: int, *of: int
    ) -> None:
        self.sampler = contenders.Ours(algorithm, {}, space, seed, 10**6, *of)
        self.held = held(rule, settings, self.sampler.spec, seed) if rule else None

    def ask(self) -> tuple[int, Assignment]:
        return self.sampler.ask()

    def report(self, trial: int, step: int, loss: float) -> bool:
        if self.held is None:
            return False
        self.held.curves.observe([trial], [step], [loss])
        return any(decision.stop for decision in ask(self.held, [trial]))

    def end(self, trial: int, value: float, stopped: bool) -> None:
        state = TrialState.EARLY_STOPPED if stopped else TrialState.SUCCEEDED
        self.sampler.end(trial, state, value)
        if self.held is not None:
            self.held.curves.end(trial, Ended(state, value))


class Optuna:
    """A sampler of Optuna, with a pruner of Optuna."""

    def __init__(self, sampler: str, pruner: Callable[[Any], Any], space: SearchSpace, seed: int, _: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Hyperband draws a trial's bracket from the name of the study, which is another one each time if not given.
        self.study = optuna.create_study(
            study_name=f"study-{seed}",
            sampler=getattr(optuna.samplers, sampler)(seed=seed),
            pruner=pruner(optuna.pruners),
        )
        self.space, self.trials = distributions(space), dict[int, Any]()
        self.pruned = optuna.trial.TrialState.PRUNED

    def ask(self) -> tuple[int, Assignment]:
        trial = self.study.ask(self.space)
        self.trials[trial.number] = trial
        return trial.number, trial.params

    def report(self, trial: int, step: int, loss: float) -> bool:
        self.trials[trial].report(loss, step)
        return bool(self.trials[trial].should_prune())

    def end(self, trial: int, value: float, stopped: bool) -> None:
        told = {"state": self.pruned} if stopped else {"values": value}
        self.study.tell(self.trials.pop(trial), **told)


RULES: dict[str, tuple[str, dict[str, ParameterValue]]] = {
    "": ("", {}),
    "+median": ("median", {}),
    "+percentile": ("percentile", {}),
    "+asha": ("asha", {}),
    "+hyperband": ("hyperband", {"maxResource": EPOCHS}),
    "+patience": ("patience", {}),
    "+curve": ("curve", {}),
}
"""Rules of ours with their settings. `threshold` needs a number that only the user knows, `wilcoxon` instances."""

PRUNERS: dict[str, Callable[[Any], Any]] = {
    "": lambda optuna: optuna.NopPruner(),
    "+median": lambda optuna: optuna.MedianPruner(),
    "+percentile": lambda optuna: optuna.PercentilePruner(25.0),
    "+asha": lambda optuna: optuna.SuccessiveHalvingPruner(),
    "+hyperband": lambda optuna: optuna.HyperbandPruner(),
    "+patience": lambda optuna: optuna.PatientPruner(None, patience=9),
}
"""Pruners of Optuna, each beside the rule of ours that is of its kind. A patience of 9 is there what 10 is here."""

PEER = "optuna-"


def ours(algorithm: str, rule: str) -> Start:
    return lambda space, seed, parallel: Ours(algorithm, *RULES[rule], space, seed, parallel)


def optuna(sampler: str, pruner: str) -> Start:
    return lambda space, seed, parallel: Optuna(sampler, PRUNERS[pruner], space, seed, parallel)


CONTENDERS: dict[str, Start] = {
    **{name + rule: ours(name, rule) for name in ("random", "tpe") for rule in RULES},
    **{
        PEER + name + pruner: optuna(sampler, pruner)
        for name, sampler in (("random", "RandomSampler"), ("tpe", "TPESampler"))
        for pruner in PRUNERS
    },
}
