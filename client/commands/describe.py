"""`tunesmith describe`: everything about one thing."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.client._trial_values import Attempt, Decision, Trial
    from tunesmith.client._values import Study

_EVENTS = 10


@click.group(epilog="\b\nExample:\n  tunesmith describe study digits")
def command() -> None:
    """Show everything about a study or a trial."""


@command.command(epilog="\b\nExamples:\n  tunesmith describe study digits\n  tunesmith describe study digits -o yaml")
@click.argument("name")
@target()
def study(where: Target, name: str) -> None:
    """Show a study: its state, best trial, metrics, document and last events."""
    from tunesmith.client._data import event_data, study_data
    from tunesmith.client._output import emit
    from tunesmith.client._secrets import without_secrets
    from tunesmith.client._stopping import failure_line
    from tunesmith.study import to_document

    with where.client() as client:
        found = client.study(name)
        events = client.events(name)
    if not where.for_people:
        details = {
            "document": to_document(without_secrets(found.job)),
            "events": [event_data(event) for event in events[-_EVENTS:]],
        }
        emit({**study_data(found), **details}, where.output)
        return
    _show_study(found, failure_line(events))
    if events:
        from tunesmith.client._output import bold
        from tunesmith.client._records import show_events

        print("", bold("Last events"), sep="\n")
        show_events(events[-_EVENTS:])


@command.command(epilog="\b\nExamples:\n  tunesmith describe trial digits-3-k2f4q\n  tunesmith describe trial digits/3")
@click.argument("trial")
@target()
def trial(where: Target, trial: str) -> None:
    """Show a trial: its parameters, command, metrics and attempts, and what the early-stopping rule said of it."""
    from tunesmith.client._arguments import trial_of
    from tunesmith.client._data import trial_details
    from tunesmith.client._output import emit

    study_name, trial_name = trial_of(trial)
    with where.client() as client:
        found = client.trial(study_name, trial_name)
        owner = client.study(study_name)
        decision = _last_decision(client, owner, found)
    if where.for_people:
        _show_trial(found, owner, decision)
    else:
        emit(trial_details(found, decision), where.output)


def _last_decision(client: "Client", study: "Study", trial: "Trial") -> "Decision | None":
    """What a rule said last of the trial's last attempt; one that is to stop is not asked about again."""
    if study.spec.early_stopping is None or trial.last is None:
        return None
    made = client.decisions(study.name, trial.name)
    return next((one for one in reversed(made) if one.attempt == trial.last.number), None)


def _show_study(study: "Study", failure: str) -> None:
    """Show a study; `failure`: why its rule stops nothing any more, empty where it works."""
    from tunesmith.client._output import bold, pairs, paragraph, table
    from tunesmith.client._result import METRIC_COLUMNS, best_lines, metrics_table
    from tunesmith.client._secrets import without_secrets
    from tunesmith.client._terminal import safe
    from tunesmith.study import document_yaml

    pairs(_known(_study_rows(study)))
    if failure:
        print("", *paragraph(failure), sep="\n")
    if study.best is not None:
        print("", *best_lines(study, study.best), sep="\n")
    if study.metrics:
        print()
        table(METRIC_COLUMNS, metrics_table(study))
    document = document_yaml(without_secrets(study.job)).splitlines()
    print("", bold("Document"), *(f"  {safe(line)}" for line in document), sep="\n")


def _study_rows(study: "Study") -> dict[str, str]:
    from tunesmith.client import _format
    from tunesmith.client._result import counts_text, state_text
    from tunesmith.client._terminal import safe

    objective, size = study.spec.objective, study.space_size
    goal = "" if objective.goal is None else f", goal {_format.number(objective.goal)}"
    return {
        "Name": safe(study.name),
        "Namespace": safe(study.namespace),
        "State": state_text(study.state, study.reason),
        "Message": safe(study.message),
        "Objective": safe(f"{objective.type} {objective.metric} ({objective.strategy} of a trial{goal})"),
        "Algorithm": safe(study.spec.algorithm.name),
        "Early stopping": safe(study.spec.early_stopping.name if study.spec.early_stopping else ""),
        "Space": "infinite, or too large to count" if size is None else _format.plural(size, "assignment"),
        "Trials": counts_text(study),
        "Labels": _format.labels(study.labels),
        "Created": _format.local_time_zone(study.created),
        "Started": _format.local_time_zone(study.started),
        "Finished": _format.local_time_zone(study.finished),
        "Running for": _format.duration(study.elapsed),
        "Generation": str(study.generation),
        "Uid": safe(study.uid),
    }


def _known(rows: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in rows.items() if text and text != "-"}


def _show_trial(trial: "Trial", study: "Study", decision: "Decision | None") -> None:
    from tunesmith.client import _format
    from tunesmith.client._output import Column, bold, pairs, paragraph, table
    from tunesmith.client._stopping import decision_text
    from tunesmith.client._terminal import safe

    rows = _known(_trial_rows(trial, study))
    if decision is not None and rows.get("Message") == safe(decision.reason):
        del rows["Message"]
    pairs(rows)
    if decision is not None:
        print("", bold("Early stopping"), *paragraph(decision_text(study, trial, decision), "  "), sep="\n")
    print("", bold("Parameters"), sep="\n")
    values = study.in_order(trial.assignment)
    pairs({f"  {safe(name)}": _format.exact(value) for name, value in values.items()})
    if trial.metrics:
        print()
        names = ("MIN", "MAX", "AVERAGE", "LATEST", "COUNT", "NOT FINITE")
        table([Column("METRIC"), *(Column(name, right=True) for name in names)], _metric_rows(trial))
    if trial.attempts:
        print()
        columns = [
            Column("ATTEMPT", right=True),
            Column("ENDING"),
            Column("STATUS", right=True),
            Column("TOOK", right=True),
            Column("MESSAGE", folds=True),
        ]
        table(columns, [_attempt_row(attempt) for attempt in trial.attempts])


def _trial_rows(trial: "Trial", study: "Study") -> dict[str, str]:
    from tunesmith.client import _format
    from tunesmith.client._result import command_line, state_text
    from tunesmith.client._terminal import safe

    metric = safe(study.spec.objective.metric)
    return {
        "Name": safe(trial.name),
        "Study": safe(study.name),
        "State": state_text(trial.state, trial.reason),
        "Message": safe(trial.message),
        "Value": "" if trial.value is None else f"{metric} = {_format.number(trial.value)}",
        "Parent": safe(trial.parent or ""),
        "Labels": _format.labels(trial.labels),
        "Why": safe(trial.explanation),
        "Created": _format.local_time_zone(trial.created),
        "Started": _format.local_time_zone(trial.started),
        "Finished": _format.local_time_zone(trial.finished),
        "Not before": _format.local_time_zone(trial.not_before),
        "Command": "" if study.spec.trial.workers else safe(command_line(study, trial)),
        "Logs": safe(trial.last.folder) if trial.last and not study.spec.trial.workers else "",
    }


def _metric_rows(trial: "Trial") -> list[list[str]]:
    from tunesmith.client import _format
    from tunesmith.client._terminal import safe

    return [
        [
            safe(metric.metric),
            *map(_format.number, (metric.min, metric.max, metric.average, metric.latest)),
            str(metric.count),
            str(metric.non_finite),
        ]
        for metric in trial.metrics
    ]


def _attempt_row(attempt: "Attempt") -> list[str]:
    from tunesmith.client import _format
    from tunesmith.client._terminal import safe

    ending = "running" if attempt.ending is None else str(attempt.ending)
    return [
        str(attempt.number),
        f"{ending} ({attempt.failure_class})" if attempt.failure_class else ending,
        "-" if attempt.exit_status is None else str(attempt.exit_status),
        _format.between(attempt.started, attempt.finished),
        safe(attempt.message),
    ]
