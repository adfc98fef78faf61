"""Gathers what an audit needs from a manager: trials, their curves, what the rule decided, and what was run again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tunesmith.client._audit import Audit, Stopped, key_of
from tunesmith.client._client import Client
from tunesmith.client._estimate import Curve, estimate
from tunesmith.client._trial_values import Decision, Trial
from tunesmith.client._values import Study
from tunesmith.study import TrialState

Key: TypeAlias = tuple[tuple[str, object], ...]
"""Of an assignment."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that ran to its end: its curve and its final value."""

    curve: Curve
    value: float


def audit_of(client: Client, study: Study, rerun: Study | None) -> Audit:
    """Estimate what each stopped trial of a study would have reached. Reads the curves of all that ended.

    Args:
        client: Reaches the manager.
        study: Whose trials were stopped.
        rerun: The study that ran some of them to their ends. Their curves tell of the others that were stopped, too;
            each is judged without its own.
    """
    own = _finished(client, study)
    again = {} if rerun is None else _finished(client, rerun)
    stops = {decision.trial: decision for decision in client.decisions(study.name, stops=True)}  # the last of each
    judged = [
        judge(study, trial, _curve(client, study, trial), stops.get(trial.name), own, again)
        for trial in client.trials(study.name, states=[TrialState.EARLY_STOPPED])
    ]
    return Audit(study, tuple(judged), len(own))


def _finished(client: Client, study: Study) -> dict[Key, Finished]:
    """By assignment; two trials of one are told apart by their numbers."""
    found: dict[Key, Finished] = {}
    for trial in client.trials(study.name, states=[TrialState.SUCCEEDED]):
        if trial.value is not None:
            key = key_of(trial.assignment)
            key = (*key, ("#", trial.number)) if key in found else key
            found[key] = Finished(_curve(client, study, trial), trial.value)
    return found


def _curve(client: Client, study: Study, trial: Trial) -> Curve:
    rows = client.observations(study.name, trial.name, metrics=[study.spec.objective.metric])
    return Curve.of([(row.step, row.value) for row in rows])


def judge(
    study: Study,
    trial: Trial,
    curve: Curve,
    decision: Decision | None,
    own: Mapping[Key, Finished],
    again: Mapping[Key, Finished],
) -> Stopped:
    """Compare a trial with what finished; `decision` stopped it.

    The rule knew less when it decided, and does not say how wrong it may be. So its prediction is told only where too
    few have finished for an estimate with an error of its own.
    """
    key = key_of(trial.assignment)
    others = [*own.values(), *(finished for other, finished in again.items() if other != key)]
    found = estimate(study.spec.objective, curve, [(one.curve, one.value) for one in others])
    predicted = decision.predicted if decision is not None and found is None else None
    return Stopped(
        trial=trial,
        step=curve.steps[-1] if curve.steps else None,
        expected=found.expected if found else predicted,
        by_rule=predicted is not None,
        spread=found.spread if found else None,
        chance=found.chance(study.spec.objective, study.best.value) if found and study.best else None,
        reached=again[key].value if key in again else None,
    )
