"""`tunesmith export`: all trials of a study, for other programs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

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
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), help="Of the file.  [default: csv]")
@click.option("--file", type=click.Path(path_type=Path), help="Where to.  [default: standard output]")
@target()
def command(where: Target, study: str, kind: str | None, file: Path | None) -> None:
    """Write the trials of STUDY with their parameters and metrics.

    CSV has a row for each trial, with columns `params.NAME` and `metrics.NAME.min`, `.max`, `.average`, `.latest`; JSON
    has the study and the trials as `get ... -o json` prints them, and YAML the same. On a terminal, control characters
    are shown escaped; CSV for a file or a pipe has them as they are.
    """
    import sys

    from tunesmith.client._output import note
    from tunesmith.client._terminal import shown

    write = _WRITERS[_kind(where, kind)]
    with where.client() as client:
        found, trials = client.study(study), client.trials(study)
    if file is None:
        write(found, trials, shown(sys.stdout))
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            write(found, trials, stream)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    note(f"{len(trials):,} trials written to {file}")


def _kind(where: Target, kind: str | None) -> str:
    """`csv`, `json` or `yaml`."""
    asked = None if where.for_people else where.output
    if asked and kind and asked != kind:
        raise click.UsageError(f"--format {kind} and -o {asked} are not the same: give one of them")
    return asked or kind or "csv"


def _write_json(study: "Study", trials: "list[Trial]", stream: TextIO) -> None:
    from tunesmith.client._output import as_json

    stream.write(as_json(_data(study, trials)) + "\n")


def _write_yaml(study: "Study", trials: "list[Trial]", stream: TextIO) -> None:
    from tunesmith.client._output import as_yaml

    stream.write(as_yaml(_data(study, trials)))


def _data(study: "Study", trials: "list[Trial]") -> dict[str, Any]:
    from tunesmith.client._data import study_data, trial_data

    return {"study": study_data(study), "trials": [trial_data(trial) for trial in trials]}


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


_WRITERS: dict[str, Callable[["Study", "list[Trial]", TextIO], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "yaml": _write_yaml,
}


def _cell(value: float | int | str | bool | None) -> str:
    """A value with every digit; empty for none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
