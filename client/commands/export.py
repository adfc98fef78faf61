"""`tunesmith export`: all trials of a study, for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._trial_values import Trial
    from tunesmith.client._values import Study


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith export digits > digits.csv\n"
    "  tunesmith export digits --format json --file digits.json"
)
@click.argument("study")
@click.option(
    "--format", "kind", type=click.Choice(["csv", "json"]), default="csv", show_default=True, help="Of the file."
)
@click.option("--file", type=click.Path(path_type=Path), help="Where to.  [default: standard output]")
@target(output=False)
def command(where: Target, study: str, kind: str, file: Path | None) -> None:
    """Write the trials of STUDY with their parameters and metrics.

    CSV has a row for each trial, with columns `params.NAME` and `metrics.NAME.min`, `.max`, `.average`, `.latest`; JSON
    has the study and the trials as `get ... -o json` prints them.
    """
    import sys

    from tunesmith.client._output import note

    with where.client() as client:
        found, trials = client.study(study), client.trials(study)
    write = _write_csv if kind == "csv" else _write_json
    if file is None:
        write(found, trials, sys.stdout)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            write(found, trials, stream)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    note(f"{len(trials):,} trials written to {file}")


def _write_json(study: "Study", trials: "list[Trial]", stream: TextIO) -> None:
    from tunesmith.client._data import study_data, trial_data
    from tunesmith.client._output import as_json

    stream.write(as_json({"study": study_data(study), "trials": [trial_data(trial) for trial in trials]}) + "\n")


_NUMBERS = ("min", "max", "average", "latest")


def _write_csv(study: "Study", trials: "list[Trial]", stream: TextIO) -> None:
    import csv

    from tunesmith.client._format import iso

    parameters = study.spec.space.names
    metrics = list(dict.fromkeys(metric.metric for trial in trials for metric in trial.metrics))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [
            *("number", "name", "state", "reason", "value"),
            *(f"params.{name}" for name in parameters),
            *(f"metrics.{name}.{number}" for name in metrics for number in _NUMBERS),
            *("attempts", "started", "finished"),
        ]
    )
    for trial in trials:
        by_name = {metric.metric: metric for metric in trial.metrics}
        writer.writerow(
            [
                *(trial.number, trial.name, str(trial.state), trial.reason, _cell(trial.value)),
                *(_cell(trial.assignment.get(name)) for name in parameters),
                *(_cell(getattr(by_name.get(name), number, None)) for name in metrics for number in _NUMBERS),
                *(trial.last.number if trial.last else 0, iso(trial.started), iso(trial.finished)),
            ]
        )


def _cell(value: float | int | str | bool | None) -> str:
    """A value with every digit; empty for none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
