"""What early stopping did, as sentences: pure functions of what the manager told."""

from collections.abc import Sequence

from tunesmith.client import _format
from tunesmith.client._terminal import safe
from tunesmith.client._trial_values import Decision, Event, Trial
from tunesmith.client._values import Study
from tunesmith.study import TrialState

RULE_FAILED = "ruleFailed"
"""The reason of the event by which a study goes on without its rule, until the manager is started again."""


def decision_text(study: Study, trial: Trial, decision: Decision) -> str:
    """`Stopped by median (2026-01-02 03:04:05): at step 9 its running average ... It would have reached ...`."""
    told = decision.step is None or f"step {decision.step}" in decision.reason
    step = "" if told else f" at step {decision.step}"
    head = f"{_verdict(trial, decision)} {safe(decision.rule)}{step} ({_format.local_time(decision.time)})"
    said = safe(decision.reason).rstrip(".")
    text = f"{head}: {said}." if said else f"{head}."
    return f"{text} {_prediction(study, trial, decision)}".rstrip()


def _verdict(trial: Trial, decision: Decision) -> str:
    if not decision.stop:
        return "Not stopped by"
    if trial.state is TrialState.EARLY_STOPPED:
        return "Stopped by"
    if converged(trial):
        return "Ended as done by"
    if trial.state is TrialState.RUNNING:
        return "Being ended as done by" if decision.complete else "Being stopped by"
    return f"Ended as {trial.state} before it was stopped by"


def converged(trial: Trial) -> bool:
    """Whether a rule ended the trial because it had nothing more to gain."""
    return trial.state is TrialState.SUCCEEDED and trial.reason == "converged"


def _prediction(study: Study, trial: Trial, decision: Decision) -> str:
    """What the rule expected, against what there was."""
    if decision.predicted is None:
        return ""
    metric, expected = safe(study.spec.objective.metric), _format.number(decision.predicted)
    would = "would have reached" if trial.state is TrialState.EARLY_STOPPED else "was expected to reach"
    has = "" if trial.value is None else f"; it had {_format.number(trial.value)}"
    return f"It {would} {metric} {expected}{has}."


def failure_line(events: Sequence[Event]) -> str:
    """That a study's rule failed, when it did so last, and why; empty where none of the events tells of it."""
    failures = [event for event in events if event.reason == RULE_FAILED]
    if not failures:
        return ""
    last = failures[-1]
    return f"Early stopping failed ({_format.local_time(last.time)}): {safe(last.message).rstrip('.')}."


def reports_of(study: Study, trial: Trial) -> int:
    """How often the trial's last attempt reported the objective."""
    metric = study.spec.objective.metric
    return sum(one.count + one.non_finite for one in trial.metrics if one.metric == metric)


def saved_line(study: Study, ended: Sequence[Trial]) -> str:
    """What stopping saved, in a sentence; empty where that cannot be known.

    It is known where all trials that ended by themselves have reported the same number of times, for that is what the
    stopped ones would have done, too. The trials are those that succeeded or were stopped early.
    """
    early = {trial.number for trial in ended if trial.state is TrialState.EARLY_STOPPED or converged(trial)}
    stopped = [reports_of(study, trial) for trial in ended if trial.number in early]
    whole = [reports_of(study, trial) for trial in ended if trial.number not in early]
    if not stopped or len(set(whole)) != 1 or max(stopped) > whole[0] or whole[0] < 2:
        return ""
    planned, made = whole[0] * len(stopped), sum(stopped)
    took, without = sum(whole) + made, whole[0] * len(ended)
    trials = f"{_format.plural(len(stopped), 'trial')} {'was' if len(stopped) == 1 else 'were'} stopped early"
    return f"{trials}, after {made:,} of their {planned:,} reports; the study took {took:,} in place of {without:,}."
