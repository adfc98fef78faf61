"""Who is compared by `stopping.py`: a way to choose configurations, with a rule that stops trials or without one.

A session is told each loss as a trial reports it, and answers whether the trial is to end. `tpe+median` is our `tpe`
with our rule `median`, `tpe+optuna-median` the same with Optuna's pruner of that kind, and `optuna-tpe+optuna-median`
all Optuna's; `tpe+omniscient` is no rule, but what one that knows the future would save. Adding a rule of ours is a
line of RULES, one of Optuna's a line of PRUNERS.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol

import contenders
from curves import CurveTask
from peers import distributions

from tunesmith.earlystop import Ended, Registry, load_registry, read_settings
from tunesmith.earlystop._studies import Held, Job
from tunesmith.earlystop._turn import ask
from tunesmith.study import Assignment, ParameterValue, SearchSpace, StudySpec, TrialState
from tunesmith.v1 import types_pb2


class Session(Protocol):
    """One study. Trials have numbers from 0, and steps count epochs from 1."""

    def ask(self) -> tuple[int, Assignment]:
        """The next trial."""

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        """A running trial's loss after an epoch; the state in which it is to end now, None: it goes on."""

    def end(self, trial: int, state: TrialState, value: float) -> None:
        """A trial ended, with its least loss as its value."""


Start = Callable[[CurveTask, int, int], Session]
"""By task, seed, and trials at once."""


class Judge(Protocol):
    """What of a session is not choosing."""

    def begin(self, trial: int, assignment: Assignment) -> None:
        """A trial runs; they begin in the order of their numbers."""

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        """As of a session."""

    def end(self, trial: int, state: TrialState, value: float) -> None:
        """As of a session."""


@cache
def _rules() -> Registry:
    return load_registry()


class Nobody:
    """Lets every trial finish."""

    def begin(self, trial: int, assignment: Assignment) -> None:
        pass

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        return None

    def end(self, trial: int, state: TrialState, value: float) -> None:
        pass


class Rule(Nobody):
    """A rule of the early-stopping service, asked as the manager asks it: about all that run, whoever reports.

    One that is to stop does so when it has reported next, as a trial that looks at `should_stop()` after each epoch.
    """

    def __init__(self, name: str, given: Mapping[str, ParameterValue], spec: StudySpec, seed: int) -> None:
        rule = _rules().get(name)
        settings, mistakes = read_settings(rule.description, given)
        assert not mistakes, mistakes
        self.held = Held("uid", Job(types_pb2.StudySpec(), spec, rule, settings, seed))
        self.stops: dict[int, TrialState] = {}

    def begin(self, trial: int, assignment: Assignment) -> None:
        self.held.curves.give(trial, assignment)

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        curves = self.held.curves
        curves.observe([trial], [step], [loss])
        for decision in ask(self.held, sorted(curves.running - self.stops.keys())):
            if decision.stop:
                state = TrialState.SUCCEEDED if decision.complete else TrialState.EARLY_STOPPED
                self.stops[decision.trial] = state
        return self.stops.get(trial)

    def end(self, trial: int, state: TrialState, value: float) -> None:
        self.held.curves.end(trial, Ended(state, value))
        self.stops.pop(trial, None)


class Ours:
    """An algorithm of the suggestion service, with a rule or a pruner."""

    def __init__(self, algorithm: str, judge: str, on: CurveTask, seed: int, parallel: int) -> None:
        self.sampler = contenders.Ours(algorithm, {}, on.space, seed, 10**6, parallel)
        self.steps: dict[int, dict[int, float]] = {}
        self.judge: Judge = Nobody()
        if judge in RULES:
            name, settings = RULES[judge]
            end = {"maxResource": on.losses.shape[1]} if judge in KNOW_THE_END else {}
            self.judge = Rule(name, settings | end, self.sampler.spec, seed)
        elif judge:
            self.judge = Optuna("RandomSampler", judge, None, seed)

    def ask(self) -> tuple[int, Assignment]:
        trial, assignment = self.sampler.ask()
        self.judge.begin(trial, assignment)
        self.steps[trial] = {}
        return trial, assignment

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        self.steps[trial][step] = loss
        return self.judge.report(trial, step, loss)

    def end(self, trial: int, state: TrialState, value: float) -> None:
        self.sampler.end(trial, state, value, self.steps.pop(trial))
        self.judge.end(trial, state, value)


class Omniscient(Ours):
    """Knows after a trial's first epoch where it will end: only the best of all goes on. Tells the algorithm, too.

    Nobody knows that: rules and forecasts are measured against it. It is no bound, as it finishes each best so far.
    """

    def __init__(self, algorithm: str, on: CurveTask, seed: int, parallel: int) -> None:
        super().__init__(algorithm, "", on, seed, parallel)
        self.on, self.ends, self.best = on, dict[int, float](), math.inf

    def ask(self) -> tuple[int, Assignment]:
        trial, assignment = super().ask()
        self.ends[trial] = float(self.on.curve(assignment).min())
        self.best = min(self.best, self.ends[trial])
        return trial, assignment

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        super().report(trial, step, loss)
        return TrialState.EARLY_STOPPED if self.ends[trial] > self.best else None

    def end(self, trial: int, state: TrialState, value: float) -> None:
        super().end(trial, TrialState.SUCCEEDED, self.ends[trial])


class Optuna:
    """A sampler of Optuna, with a pruner of Optuna. `space` None: it only judges."""

    def __init__(self, sampler: str, pruner: str, space: SearchSpace | None, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Hyperband draws a trial's bracket from the name of the study, which is another one each time if not given.
        self.study = optuna.create_study(
            study_name=f"study-{seed}",
            sampler=getattr(optuna.samplers, sampler)(seed=seed),
            pruner=PRUNERS[pruner](optuna.pruners),
        )
        self.space, self.trials = distributions(space) if space else {}, dict[int, Any]()
        self.pruned = optuna.trial.TrialState.PRUNED

    def ask(self) -> tuple[int, Assignment]:
        trial = self.study.ask(self.space)
        self.trials[trial.number] = trial
        return trial.number, trial.params

    def begin(self, trial: int, assignment: Assignment) -> None:
        """Somebody else chose."""
        assert self.ask()[0] == trial

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        self.trials[trial].report(loss, step)
        return TrialState.EARLY_STOPPED if self.trials[trial].should_prune() else None

    def end(self, trial: int, state: TrialState, value: float) -> None:
        if state is TrialState.EARLY_STOPPED:
            self.study.tell(self.trials.pop(trial), state=self.pruned)
        else:
            self.study.tell(self.trials.pop(trial), value)


RULES: dict[str, tuple[str, dict[str, ParameterValue]]] = {
    "median": ("median", {}),
    "percentile": ("percentile", {}),
    "asha": ("asha", {}),
    "early-asha": ("asha", {"minResource": 1}),
    "hyperband": ("hyperband", {}),
    "patience": ("patience", {}),
    "curve": ("curve", {}),
}
"""Rules of ours with their settings; `early-asha` does not wait for a trial that has finished.

`threshold` needs a number that only the user knows, `wilcoxon` instances."""

KNOW_THE_END = ("hyperband", "curve")
"""Those that are told how long a training is."""

PRUNERS: dict[str, Callable[[Any], Any]] = {
    "": lambda optuna: optuna.NopPruner(),
    "optuna-median": lambda optuna: optuna.MedianPruner(),
    "optuna-percentile": lambda optuna: optuna.PercentilePruner(25.0),
    "optuna-asha": lambda optuna: optuna.SuccessiveHalvingPruner(),
    "optuna-hyperband": lambda optuna: optuna.HyperbandPruner(),
    "optuna-patience": lambda optuna: optuna.PatientPruner(None, patience=9),
}
"""Pruners of Optuna, each by the rule of ours that is of its kind. A patience of 9 is there what 10 is here."""


def peers(contender: str) -> Iterator[str]:
    """Contenders with Optuna's pruner in the place of our rule, and with its sampler too."""
    sampler, _, rule = contender.partition("+")
    if rule in RULES:
        kind = rule.removeprefix("early-")
        yield from (f"{sampler}+optuna-{kind}", f"optuna-{sampler}+optuna-{kind}")
    elif not rule:
        yield f"optuna-{sampler}"


def ours(algorithm: str, judge: str) -> Start:
    return lambda on, seed, parallel: Ours(algorithm, judge, on, seed, parallel)


def optuna(sampler: str, pruner: str) -> Start:
    return lambda on, seed, _: Optuna(sampler, pruner, on.space, seed)


def omniscient(algorithm: str, _: str) -> Start:
    return lambda on, seed, parallel: Omniscient(algorithm, on, seed, parallel)


CONTENDERS: dict[str, Start] = {
    f"{name}+{judge}".removesuffix("+"): start(of, judge)
    for name, of, start, judges in (
        ("random", "random", ours, (*RULES, *PRUNERS)),
        ("tpe", "tpe", ours, (*RULES, *PRUNERS)),
        ("optuna-tpe", "TPESampler", optuna, PRUNERS),
        ("random", "random", omniscient, ("omniscient",)),
        ("tpe", "tpe", omniscient, ("omniscient",)),
    )
    for judge in judges
}
"""Optuna's random sampler is left out: given one sequence of random points, rules are compared with less noise."""
