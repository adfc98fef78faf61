"""`run --dry-run`: what a document would do, without doing it."""

import shlex
from typing import Any

from tunesmith.client import _format, _output
from tunesmith.client._secrets import hide
from tunesmith.client._terminal import safe
from tunesmith.study import (
    Assignment,
    NoFeasiblePoint,
    RenderedTrial,
    StudyJob,
    TrialContext,
    render,
)
from tunesmith.study.naming import trial_seed

SAMPLES = 3
COUNTED = 10**5
"""Assignments up to which a space is counted."""


def show_dry_run(job: StudyJob, output: str) -> None:
    """Print the size of the space and three rendered commands."""
    size, samples = job.spec.space.count(COUNTED), sample(job)
    if output != "table":
        _output.emit(dry_run_data(job, size, samples), output)
        return
    print(*dry_run_lines(job, size, samples), sep="\n")


def sample(job: StudyJob) -> list[tuple[Assignment, RenderedTrial]]:
    """Three assignments of the space, and the trials they would be."""
    import numpy

    rng = numpy.random.default_rng(job.spec.seed or 0)
    found: list[tuple[Assignment, RenderedTrial]] = []
    for number in range(SAMPLES):
        try:
            assignment = job.spec.space.sample(rng)
        except NoFeasiblePoint:
            break
        found.append((assignment, render(job.spec.trial, job.spec.collector, _context(job, number, assignment))))
    return found


def _context(job: StudyJob, number: int, assignment: Assignment) -> TrialContext:
    """What is not known before a trial exists stays a placeholder."""
    return TrialContext(
        study=job.name,
        namespace=job.namespace,
        trial=f"{job.name}-{number}-xxxxx",
        number=number,
        attempt=1,
        seed=trial_seed(job.spec.seed, number),
        dir="${trial.dir}",
        checkpoint_dir="${trial.checkpointDir}",
        params=assignment,
    )


def dry_run_lines(job: StudyJob, size: int | None, samples: list[tuple[Assignment, RenderedTrial]]) -> list[str]:
    """For people."""
    limits, infinite = job.spec.limits, any(p.domain.count() is None for p in job.spec.space.parameters)
    known = f"more than {COUNTED:,}" if not infinite else "infinitely many"
    lines = [
        f"Study {safe(job.name)} is right; nothing is started.",
        f"Space:  {known if size is None else f'{size:,}'} assignment{'s' * (size != 1)}"
        f" of {_format.plural(len(job.spec.space.parameters), 'parameter')}",
        f"Trials: {_trials(limits.trials, size)}, {limits.parallel} at a time, by {safe(job.spec.algorithm.name)}",
        "",
    ]
    if not samples:
        return [*lines, "No assignment was found that meets the constraints."]
    if job.spec.trial.workers:
        return lines + _for_workers(samples)
    lines.append("Commands, as sampled at random (the algorithm will choose its own):")
    lines += [f"  {number}. {safe(shlex.join(trial.command))}" for number, (_, trial) in enumerate(samples, start=1)]
    if folder := samples[0][1].working_dir:
        lines.append(f"in {safe(folder)}")
    if env := hide(samples[0][1].env):
        lines.append("with " + " ".join(f"{safe(name)}={safe(value)}" for name, value in sorted(env.items())))
    return lines


def _for_workers(samples: list[tuple[Assignment, RenderedTrial]]) -> list[str]:
    lines = [
        "  " + f"{number}. " + ", ".join(f"{safe(name)}={_format.exact(value)}" for name, value in assignment.items())
        for number, (assignment, _) in enumerate(samples, start=1)
    ]
    return ["Assignments for workers, as sampled at random (the algorithm will choose its own):", *lines]


def _trials(limit: int | None, size: int | None) -> str:
    known = [number for number in (limit, size) if number is not None]
    return f"{min(known):,} at most" if known else "as many as time allows"


def dry_run_data(job: StudyJob, size: int | None, samples: list[tuple[Assignment, RenderedTrial]]) -> dict[str, Any]:
    """For programs; `size` is null for a space that is infinite or too large to count."""
    return {
        "name": job.name,
        "namespace": job.namespace,
        "size": size,
        "trials": job.spec.limits.trials,
        "samples": [
            {
                "assignment": dict(assignment),
                "command": list(trial.command),
                "env": hide(trial.env),
                "workingDir": trial.working_dir,
            }
            for assignment, trial in samples
        ],
    }
