"""Gathers what an audit needs from a manager: trials, their curves, what the rule decided, and what was run again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.client._audit import Audit, Stopped, own_runs
from tunesmith.client._client import Client
from tunesmith.client._estimate import Curve, estimate
from tunesmith.client._trial_values import Decision, Trial
from tunesmith.client._values import Study
from tunesmith.study import Assignment, TrialState


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that ran to its end: what it was given, its curve and its final value."""

    assignment: Assignment
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
    again = [] if rerun is None else _finished(client, rerun)
    stopped = list(client.trials(study.name, states=[TrialState.EARLY_STOPPED]))
    runs = own_runs(stopped, [finished.assignment for finished in again])
    stops = {decision.trial: decision for decision in client.decisions(study.name, stops=True)}  # the last of each
    judged = []
    for trial in stopped:
        mine = again[runs[trial.number]] if trial.number in runs else None
        others = [*own, *(finished for finished in again if finished is not mine)]
        curve, decision = _curve(client, study, trial), stops.get(trial.name)
        judged.append(judge(study, trial, curve, decision, others, mine))
    return Audit(study, tuple(judged), len(own))


def _finished(client: Client, study: Study) -> list[Finished]:
    trials = client.trials(study.name, states=[TrialState.SUCCEEDED])
    return [
        Finished(trial.assignment, _curve(client, study, trial), trial.value)
        for trial in trials
        if trial.value is not None
    ]


def _curve(client: Client, study: Study, trial: Trial) -> Curve:
    rows = client.observations(study.name, trial.name, metrics=[study.spec.objective.metric])
    return Curve.of([(row.step, row.value) for row in rows])


def judge(
    study: Study,
    trial: Trial,
    curve: Curve,
    decision: Decision | None,
    others: Sequence[Finished],
    own: Finished | None,
) -> Stopped:
    """Compare a trial with others that finished; `decision` stopped it, and it finished itself when it was run again.

    The rule knew less when it decided, and does not say how wrong it may be. So its prediction is told only where too
    few have finished for an estimate with an error of its own.
    """
    found = estimate(study.spec.objective, curve, [(one.curve, one.value) for one in others])
    predicted = decision.predicted if decision is not None and found is None else None
    return Stopped(
        trial=trial,
        step=curve.steps[-1] if curve.steps else None,
        expected=found.expected if found else predicted,
        by_rule=predicted is not None,
        spread=found.spread if found else None,
        chance=found.chance(study.spec.objective, study.best.value) if found and study.best else None,
        reached=own.value if own else None,
    )
