"""How a study ended, and how a trial failed, as lines for people."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tunesmith.client import _format
from tunesmith.client._output import Column, bold, table_lines
from tunesmith.client._secrets import secret_name
from tunesmith.client._terminal import safe, safe_log
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import BestTrial, Study
from tunesmith.study import StudyState, TrialContext, render
from tunesmith.study.naming import trial_seed

_ALL_RUN = ("trialsUsedUp", "exhausted")
"""Reasons for which a study fails only where no trial succeeded."""

LOG_LINES = 20
"""Lines of a failed trial's log that are shown."""
LOG_BYTES = 16 * 1024
"""Bytes of the log that are fetched for them."""

METRIC_COLUMNS = [Column("METRIC"), *(Column(name, right=True) for name in ("MIN", "MAX", "AVERAGE", "TRIALS"))]

_REASONS = {
    "goalReached": "the goal is reached",
    "trialsUsedUp": "all its trials are done",
    "exhausted": "every assignment of the space was tried",
    "tooManyFailures": "too many trials failed",
    "durationSpent": "its time is used up",
    "stopped": "a user stopped it",
}


def result_lines(study: Study, best: Trial | None, room: int | None, stopping: Sequence[str] = ()) -> list[str]:
    """The end of a study: why, the best trial, how to run it again, and the table of its metrics.

    Args:
        study: The study, in a final state.
        best: Its best trial, where there is one.
        room: Columns of the terminal; None: no terminal.
        stopping: What is to be said of early stopping, in sentences.
    """
    lines = ["", bold(ending(study)), f"{counts_text(study)}, in {_format.duration(study.elapsed)}"]
    lines += stopping
    if study.best is not None:
        lines += ["", *best_lines(study, study.best)]
    if best is not None and not study.spec.trial.workers:
        lines += ["", "To run it again:", f"  {safe(command_line(study, best))}"]
    if study.metrics:
        lines += ["", *table_lines(METRIC_COLUMNS, metrics_table(study), room)]
    return lines


def ending(study: Study) -> str:
    """How it ended, as `Study digits succeeded: the goal is reached`, in a sentence."""
    verb = {StudyState.SUCCEEDED: "succeeded", StudyState.FAILED: "failed", StudyState.STOPPED: "was stopped"}
    said = study.message.strip() or _REASONS.get(study.reason, study.reason)
    said = said[:1].lower() + said[1:] if said[1:2].islower() else said
    if study.reason in _ALL_RUN and not study.counts.succeeded:
        said = f"{said.rstrip('.')}, and none of them succeeded"
    text = f"Study {safe(study.name)} {verb.get(study.state, str(study.state).lower())}"
    return f"{text}: {safe(said).rstrip('.')}." if said else f"{text}."


def state_text(state: str, reason: str) -> str:
    """`Failed (userError)`; a reason that says the same as the state is left out."""
    return f"{state} ({safe(reason)})" if reason and reason.lower() != state.lower() else str(state)


def counts_text(study: Study) -> str:
    """`60 trials: 57 succeeded, 2 failed, 1 without metrics`."""
    counts = study.counts
    named = (
        (counts.succeeded, "succeeded"),
        (counts.failed, "failed"),
        (counts.metrics_unavailable, "without metrics"),
        (counts.early_stopped, "stopped early"),
        (counts.killed, "killed"),
        (counts.running, "running"),
        (counts.pending, "pending"),
    )
    parts = ", ".join(f"{count:,} {name}" for count, name in named if count)
    return f"{_format.plural(counts.total, 'trial')}: {parts}" if parts else "no trials"


def best_lines(study: Study, best: BestTrial) -> list[str]:
    """The best trial with its value and its parameters."""
    width = max(map(len, best.assignment), default=0)
    head = f"Best trial {safe(best.name)}: {safe(study.spec.objective.metric)} = {_format.number(best.value)}"
    exact = ((safe(name), _format.exact(value)) for name, value in study.in_order(best.assignment).items())
    return [bold(head), *(f"  {name.ljust(width)}  {value}" for name, value in exact)]


def metrics_table(study: Study) -> list[list[str]]:
    """Rows of the study's metrics: name, min, max, average, trials."""
    return [
        [safe(metric.metric), *map(_format.number, (metric.min, metric.max, metric.average)), str(metric.count)]
        for metric in study.metrics
    ]


def command_line(study: Study, trial: Trial) -> str:
    """A line for a shell that runs what the trial ran: folder, variables, command.

    A variable named like a secret is taken from the shell's own environment.
    """
    template = study.spec.trial
    rendered = render(template, study.spec.collector, _context(study, trial))
    here = f"cd {shlex.quote(rendered.working_dir)} && " if _elsewhere(rendered.working_dir) else ""
    variables = [
        f'{name}="${name}"' if secret_name(name) else f"{name}={shlex.quote(value)}"
        for name, value in sorted(rendered.env.items())
    ]
    if not any("${params." in text for text in (*template.command, *template.env.values())):
        variables.append(f"TUNESMITH_PARAMS={shlex.quote(json.dumps(study.in_order(trial.assignment)))}")
    program, *words = rendered.command
    program = program if "PATH" in rendered.env else _found_here(program)
    return here + " ".join([*variables, shlex.join([program, *words])])


def _found_here(program: str) -> str:
    """A program as a trial here finds it: the folder of our own Python is first on its PATH, and may be on no other."""
    own = Path(sys.executable).parent / program
    if os.sep in program or not own.is_file():
        return program
    found = shutil.which(program)
    return program if found and Path(found).parent.resolve() == own.parent.resolve() else str(own)


def _context(study: Study, trial: Trial) -> TrialContext:
    folder = trial.last.folder if trial.last else ""
    return TrialContext(
        study=study.name,
        namespace=study.namespace,
        trial=trial.name,
        number=trial.number,
        attempt=trial.last.number if trial.last else 1,
        seed=trial_seed(study.spec.seed, trial.number),
        dir=folder,
        checkpoint_dir=str(Path(folder).parent / "checkpoint") if folder else "",
        params=trial.assignment,
    )


def _elsewhere(folder: str) -> bool:
    return bool(folder) and Path(folder) != Path.cwd()


def failure_lines(study: Study, trial: Trial, log: bytes) -> list[str]:
    """The first failed trial: its command, how it ended, and the end of its log."""
    last = trial.last
    status = "" if last is None or last.exit_status is None else f"exit status {last.exit_status}"
    said = (last.message if last else "") or trial.message
    said = "" if said == status else said
    shown = ", ".join(text for text in (trial.reason, status) if text)
    lines = [
        bold(f"Trial {safe(trial.name)} failed{f' ({safe(shown)})' if shown else ''}"),
        *([f"  {safe(said)}"] if said else []),
    ]
    if not study.spec.trial.workers:  # what a worker runs, and prints, it knows itself
        lines += [f"  command: {safe(command_line(study, trial))}", *_log_lines(log, trial.name)]
    return [*lines, f"  {failures_left(study)}"]


def _log_lines(log: bytes, trial: str) -> list[str]:
    if not log.strip():
        return ["  it printed nothing"]
    shown = safe_log(log).rstrip("\n").split("\n")[-LOG_LINES:]
    return [f"  the end of its log (`tunesmith logs {safe(trial)}` prints all):", *(f"  | {line}" for line in shown)]


def failures_left(study: Study) -> str:
    """What failures mean for the study."""
    limit, so_far = study.spec.limits.failed, study.counts.not_well
    return f"The study goes on until more than {_format.plural(limit, 'trial')} failed; {so_far} did so far."
