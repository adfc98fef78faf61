"""What `-o json` and `-o yaml` print. Fields are added, never renamed; numbers are finite or null, times UTC."""

import math
from collections.abc import Mapping
from typing import Any

from tunesmith.client._algorithm_values import Algorithm, Rule, Setting
from tunesmith.client._format import finite, iso
from tunesmith.client._trial_values import Attempt, Decision, Event, Observation, Trial
from tunesmith.client._values import Study, TrialCounts
from tunesmith.study import Objective


def study_data(study: Study) -> dict[str, Any]:
    """A study, as `get study NAME -o json` prints it."""
    return {
        "name": study.name,
        "namespace": study.namespace,
        "uid": study.uid,
        "state": str(study.state),
        "reason": study.reason,
        "message": study.message,
        "objective": _objective_data(study.spec.objective),
        "algorithm": study.spec.algorithm.name,
        "earlyStopping": study.spec.early_stopping and study.spec.early_stopping.name,
        "trials": _counts_data(study.counts),
        "best": study.best
        and {
            "trial": study.best.name,
            "value": finite(study.best.value),
            "assignment": dict(study.best.assignment),
        },
        "metrics": {
            metric.metric: {
                "min": finite(metric.min),
                "max": finite(metric.max),
                "average": finite(metric.average),
                "count": metric.count,
            }
            for metric in study.metrics
        },
        "generation": study.generation,
        "labels": dict(study.labels),
        "spaceSize": study.space_size,
        "elapsed": study.elapsed,
        "created": iso(study.created),
        "started": iso(study.started),
        "finished": iso(study.finished),
    }


def _objective_data(objective: Objective) -> dict[str, Any]:
    return {
        "metric": objective.metric,
        "type": str(objective.type),
        "goal": finite(objective.goal),
        "strategy": str(objective.strategy),
    }


def _counts_data(counts: TrialCounts) -> dict[str, int]:
    return {
        "total": counts.total,
        "pending": counts.pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "earlyStopped": counts.early_stopped,
        "killed": counts.killed,
        "metricsUnavailable": counts.metrics_unavailable,
    }


def trial_data(trial: Trial) -> dict[str, Any]:
    """A trial, as `get trials STUDY -o json` lists it; `attempts` is how many were launched."""
    return {
        "name": trial.name,
        "number": trial.number,
        "state": str(trial.state),
        "reason": trial.reason,
        "message": trial.message,
        "assignment": dict(trial.assignment),
        "value": finite(trial.value),
        "metrics": {
            metric.metric: {
                "min": finite(metric.min),
                "max": finite(metric.max),
                "average": finite(metric.average),
                "latest": finite(metric.latest),
                "count": metric.count,
                "nonFinite": metric.non_finite,
            }
            for metric in trial.metrics
        },
        "attempts": trial.last.number if trial.last else 0,
        "parent": trial.parent,
        "labels": dict(trial.labels),
        "created": iso(trial.created),
        "started": iso(trial.started),
        "finished": iso(trial.finished),
    }


def trial_details(trial: Trial, decision: Decision | None) -> dict[str, Any]:
    """A trial with its attempts one by one, as `describe trial -o json` prints it; `decision` is the last one on it."""
    return {
        **trial_data(trial),
        "explanation": trial.explanation,
        "notBefore": iso(trial.not_before),
        "decision": decision and decision_data(decision),
        "attemptDetails": [_attempt_data(attempt) for attempt in trial.attempts],
    }


def _attempt_data(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "ending": attempt.ending and str(attempt.ending),
        "failureClass": attempt.failure_class and str(attempt.failure_class),
        "exitStatus": attempt.exit_status,
        "message": attempt.message,
        "folder": attempt.folder,
        "started": iso(attempt.started),
        "finished": iso(attempt.finished),
    }


def event_data(event: Event) -> dict[str, Any]:
    """An event, as `get events STUDY -o json` lists it."""
    return {
        "id": event.id,
        "time": iso(event.time),
        "trial": event.trial,
        "state": event.state,
        "reason": event.reason,
        "message": event.message,
    }


def decision_data(decision: Decision) -> dict[str, Any]:
    """An early-stopping decision, as `get decisions STUDY -o json` lists it."""
    return {
        "id": decision.id,
        "time": iso(decision.time),
        "trial": decision.trial,
        "attempt": decision.attempt,
        "rule": decision.rule,
        "stop": decision.stop,
        "reason": decision.reason,
        "predicted": finite(decision.predicted),
        "step": decision.step,
        "complete": decision.complete,
    }


def observation_data(row: Observation) -> dict[str, Any]:
    """An observation; a value that is not finite is null, and `kind` says what it was."""
    kind = "finite" if math.isfinite(row.value) else str(row.value)
    return {"metric": row.metric, "step": row.step, "time": row.time, "value": finite(row.value), "kind": kind}


def offer_data(offer: Algorithm | Rule) -> dict[str, Any]:
    """An algorithm or a rule, as `algorithms -o json` and `rules -o json` list it."""
    data: dict[str, Any] = {
        "name": offer.name,
        "aliases": list(offer.aliases),
        "summary": offer.summary,
        "description": offer.description,
        "source": offer.source,
        "settings": [_setting_data(setting) for setting in offer.settings],
    }
    if isinstance(offer, Algorithm):
        data |= {
            "capabilities": dict(offer.capabilities),
            "maxUsefulTrials": offer.max_useful_trials,
            "learns": offer.learns,
        }
    return data


def _setting_data(setting: Setting) -> Mapping[str, Any]:
    return {
        "name": setting.name,
        "type": setting.type,
        "default": setting.default,
        "min": finite(setting.min),
        "max": finite(setting.max),
        "choices": list(setting.choices),
        "meaning": setting.meaning,
    }
