"""Studies made up for figures: every kind of parameter, every state, and names that are hostile."""

import base64
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tunesmith.client._trial_values import Attempt, Observation, Trial, TrialMetric
from tunesmith.client._values import BestTrial, Study, TrialCounts
from tunesmith.client.figures import StudyData
from tunesmith.study import (
    AttemptEnding,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    FailureClass,
    IntDomain,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudySpec,
    StudyState,
    TrialState,
    TrialTemplate,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = "<script>alert('&amp;')</script>%{x}$\\alpha$\n\x1b[31m\u202e"
SPACE = SearchSpace(
    (
        Parameter("lr", DoubleDomain(1e-5, 1e-1, Distribution.LOG_UNIFORM)),
        Parameter("optimizer", CategoricalDomain(("sgd", "adam", "<b>rmsprop</b> & Co %{y}"))),
        Parameter("momentum", DoubleDomain(0.0, 0.99), (Condition("optimizer", ("sgd",)),)),
        Parameter("layers", IntDomain(1, 8)),
        Parameter("units", IntDomain(16, 1024, Distribution.LOG_UNIFORM)),
        Parameter("batch", DiscreteDomain((32, 64, 128, 256))),
        Parameter("augment", CategoricalDomain((True, False))),
    )
)


def loss_of(values: Mapping[str, Any]) -> float:
    """A valley in the logarithm of the rate, with a gain by momentum, fewer layers than units."""
    rate = (math.log10(values["lr"]) + 2.6) ** 2 * 0.22
    method = {"sgd": 0.1 - 0.12 * values.get("momentum", 0.0), "adam": 0.02}.get(values["optimizer"], 0.16)
    return float(rate + method + 0.01 * abs(values["layers"] - 4) + 0.02 * (not values["augment"]) + 0.05)


def sample(
    count: int = 80, *, seed: int = 0, name: str = "digits", metric: str = "loss", curves: bool = True, steps: int = 40
) -> StudyData:
    """A study with `count` trials, four at a time; each thirteenth fails, of hopeless ones half is stopped early."""
    rng = np.random.default_rng(seed)
    spec = StudySpec((Objective(metric, ObjectiveType.MINIMIZE, goal=0.06),), SPACE, TrialTemplate())
    clock = [0.0] * 4
    trials, observations, best = [], {}, math.inf
    for number in range(count):
        assignment = SPACE.sample(rng)
        if number > count / 3 and rng.random() < 0.6:  # as if an algorithm had learnt
            assignment["lr"] = 10 ** float(np.clip(rng.normal(-2.6, 0.4), -5, -1))
        loss = loss_of(assignment) * (1 + 0.1 * float(rng.random()))
        state = _state(number, count, loss, best, float(rng.random()))
        slot = int(np.argmin(clock))
        begin, took = clock[slot], 20 + 60 * float(rng.random())
        clock[slot] = begin + took
        trials.append(_trial(name, number, state, assignment, loss, metric, begin, took))
        best = min(best, loss) if state is TrialState.SUCCEEDED else best
        if curves and trials[-1].metrics:
            observations[number] = tuple(_curve(metric, loss, state, steps, rng))
    return StudyData(_study(name, spec, trials), tuple(trials), observations, START + timedelta(seconds=max(clock) + 5))


def _state(number: int, count: int, loss: float, best: float, chance: float) -> TrialState:
    if number >= count - 2 > 3:
        return TrialState.RUNNING
    if number % 13 == 5:
        return (TrialState.FAILED, TrialState.METRICS_UNAVAILABLE, TrialState.KILLED)[number // 13 % 3]
    hopeless = number > 8 and loss > best + 0.25 and chance < 0.5
    return TrialState.EARLY_STOPPED if hopeless else TrialState.SUCCEEDED


def _trial(
    study: str, number: int, state: TrialState, assignment: Any, loss: float, metric: str, begin: float, took: float
) -> Trial:
    valued = state in (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED, TrialState.RUNNING)
    start, end = START + timedelta(seconds=begin), START + timedelta(seconds=begin + took)
    last = None if state is TrialState.RUNNING else end
    middle = start + timedelta(seconds=took / 3)
    attempts = [Attempt(1, None if last is None else AttemptEnding.EXITED, None, 0, "", "", start, last)]
    if number % 11 == 4:
        lost = Attempt(1, AttemptEnding.FAILED, FailureClass.LOST, None, "the node is gone", "", start, middle)
        attempts = [lost, replace(attempts[0], number=2, started=middle + timedelta(seconds=4))]
    metrics = [TrialMetric(metric, loss, loss * 4, loss * 2, loss, loss * 4, 40, number % 5)] if valued else []
    if valued:
        metrics.append(TrialMetric("seconds", took, took, took, took, took, 1, 0))
    return Trial(
        name=f"{study}-{number}-k2f4q",
        number=number,
        state=state,
        reason="userError" if state is TrialState.FAILED else "",
        message="",
        assignment=assignment,
        value=loss if valued else None,
        metrics=tuple(metrics),
        attempts=tuple(attempts),
        parent=None,
        group="",
        labels={},
        explanation="",
        completion_rank=number,
        created=start,
        started=start,
        finished=last,
        not_before=None,
        revision=number,
    )


def _curve(metric: str, loss: float, state: TrialState, steps: int, rng: np.random.Generator) -> list[Observation]:
    """A decay to the loss; NaN in between, and the half of it for a trial that was stopped."""
    many = steps if state is TrialState.SUCCEEDED else steps // 3
    noise = rng.normal(0, 0.01, many)
    values = loss + (1.2 - min(loss, 1.0)) * np.exp(-np.arange(many) / (steps / 6)) + noise
    values[many // 2] = math.nan
    return [Observation(metric, float(value), step, 0.0, "stdout", step) for step, value in enumerate(values)]


def _study(name: str, spec: StudySpec, trials: list[Trial]) -> Study:
    good = [trial for trial in trials if trial.state is TrialState.SUCCEEDED]
    best = min(good, key=lambda trial: trial.value or 0.0, default=None)
    return Study(
        name=name,
        namespace="default",
        uid="u" * 32,
        generation=1,
        labels={},
        spec=spec,
        state=StudyState.RUNNING,
        reason="",
        message="",
        counts=TrialCounts(total=len(trials), succeeded=len(good)),
        best=None if best is None else BestTrial(best.name, best.number, best.value or 0.0, best.assignment),
        metrics=(),
        created=START,
        started=START,
        finished=None,
        elapsed=60.0,
        revision=1,
        space_size=None,
    )


def numbers(packed: dict[str, str]) -> list[float]:
    """What is in a typed column."""
    found: list[float] = np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"]).tolist()
    return found
