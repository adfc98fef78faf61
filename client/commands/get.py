"""`tunesmith get`: lists."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._trial_values import Trial
    from tunesmith.client._values import Study

_STUDY_STATES = ("Created", "Running", "Paused", "Ending", "Succeeded", "Failed", "Stopped")
_TRIAL_STATES = ("Pending", "Running", "Succeeded", "Failed", "EarlyStopped", "Killed", "MetricsUnavailable")


@click.group(epilog="\b\nExample:\n  tunesmith get trials digits -o json")
def command() -> None:
    """List studies, trials, events and early-stopping decisions."""


@command.command(epilog="\b\nExamples:\n  tunesmith get studies\n  tunesmith get studies --state Running -o json")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STUDY_STATES, case_sensitive=False),
    help="Only these states.",
)
@click.option("-l", "--label", "labels", multiple=True, metavar="K=V", help="Only studies with this label.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Of every namespace.")
@target()
def studies(where: Target, states: tuple[str, ...], labels: tuple[str, ...], all_namespaces: bool) -> None:
    """List the studies, oldest first."""
    from tunesmith.client._arguments import labels_of
    from tunesmith.client._errors import NoStudiesHere
    from tunesmith.client._output import note
    from tunesmith.study import StudyState

    try:
        with where.client() as client:
            found = client.studies(
                states=[StudyState(state) for state in states], labels=labels_of(labels), all_namespaces=all_namespaces
            )
    except NoStudiesHere as error:
        found = []
        note(error.message)
    _show_studies(found, where, with_namespace=all_namespaces)


@command.command(epilog="\b\nExample:\n  tunesmith get study digits -o json")
@click.argument("name")
@target()
def study(where: Target, name: str) -> None:
    """Show one study in a line (`describe study` shows all of it)."""
    from tunesmith.client._data import study_data
    from tunesmith.client._output import emit

    with where.client() as client:
        found = client.study(name)
    if where.for_people:
        _show_studies([found], where)
    else:
        emit(study_data(found), where.output)


@command.command(
    epilog="\b\nExamples:\n"
    "  tunesmith get trials digits --state Failed -o json\n"
    "  tunesmith get trials digits --sort=-value --limit 10\n"
    "  tunesmith get trials digits --sort params.C --search kernel=rbf"
)
@click.argument("study")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_TRIAL_STATES, case_sensitive=False),
    help="Only these states.",
)
@click.option(
    "--sort",
    metavar="FIELD",
    default="number",
    show_default=True,
    help="number, name, state, value, created, started, finished, duration, attempts, params.NAME or metrics.NAME; "
    "-FIELD: the largest first. Trials without it come last.",
)
@click.option("--search", metavar="WORDS", default="", help="Only trials with all these words, as kernel=rbf.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@target()
def trials(where: Target, study: str, states: tuple[str, ...], sort: str, search: str, limit: int | None) -> None:
    """List the trials of a study, by number or in another order."""
    from tunesmith.client._data import trial_data
    from tunesmith.client._output import emit
    from tunesmith.study import TrialState

    with where.client() as client:
        owner = client.study(study)
        found = client.trials(
            study,
            states=[TrialState(state) for state in states],
            search=search,
            order_by=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            limit=limit,
        )
    if where.for_people:
        _show_trials(owner, found)
    else:
        emit([trial_data(trial) for trial in found], where.output)


@command.command(epilog="\b\nExamples:\n  tunesmith get events digits\n  tunesmith get events digits --trial 3")
@click.argument("study")
@click.option("--trial", metavar="TRIAL", help="Only of this trial (its name or its number).")
@target()
def events(where: Target, study: str, trial: str | None) -> None:
    """List what happened to a study and its trials, oldest first."""
    from tunesmith.client._data import event_data
    from tunesmith.client._output import emit
    from tunesmith.client._records import show_events

    with where.client() as client:
        found = client.events(study, trial)
    if where.for_people:
        show_events(found)
    else:
        emit([event_data(event) for event in found], where.output)


@command.command(
    epilog="\b\nExamples:\n  tunesmith get decisions digits --stops\n  tunesmith get decisions digits --trial 3"
)
@click.argument("study")
@click.option("--trial", metavar="TRIAL", help="Only on this trial (its name or its number).")
@click.option("--stops", is_flag=True, help="Only those to stop a trial.")
@target()
def decisions(where: Target, study: str, trial: str | None, stops: bool) -> None:
    """List what the early-stopping rule said of a study's trials, oldest first."""
    from tunesmith.client._data import decision_data
    from tunesmith.client._output import emit
    from tunesmith.client._records import show_decisions

    with where.client() as client:
        found = client.decisions(study, trial, stops=stops)
    if where.for_people:
        show_decisions(found)
    else:
        emit([decision_data(decision) for decision in found], where.output)


def _show_studies(found: "list[Study]", where: Target, *, with_namespace: bool = False) -> None:
    from tunesmith.client import _format
    from tunesmith.client._data import study_data
    from tunesmith.client._output import Column, emit, table
    from tunesmith.client._progress import share
    from tunesmith.client._terminal import safe

    if not where.for_people:
        emit([study_data(study) for study in found], where.output)
        return
    columns = [
        Column("NAME"),
        Column("STATE"),
        Column("TRIALS", right=True),
        Column("BEST", right=True),
        Column("CREATED"),
    ]
    rows = [
        [
            safe(study.name),
            str(study.state),
            share(study.counts.finished, study.planned),
            _format.number(study.best.value if study.best else None),
            _format.local_time(study.created),
        ]
        for study in found
    ]
    if with_namespace:
        columns.insert(0, Column("NAMESPACE"))
        rows = [[safe(study.namespace), *row] for study, row in zip(found, rows, strict=True)]
    table(columns, rows)


def _show_trials(study: "Study", found: "list[Trial]") -> None:
    from tunesmith.client import _format
    from tunesmith.client._output import Column, table
    from tunesmith.client._result import state_text
    from tunesmith.client._terminal import safe

    columns = [
        Column("TRIAL"),
        Column("STATE", folds=True),
        Column("VALUE", right=True),
        Column("TOOK", right=True),
        Column("ASSIGNMENT", folds=True),
    ]
    rows = [
        [
            safe(trial.name),
            state_text(trial.state, trial.reason),
            _format.number(trial.value),
            _format.between(*trial.span),
            _format.assignment(study.in_order(trial.assignment)),
        ]
        for trial in found
    ]
    table(columns, rows)
