"""A trial as services are told of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from tunesmith.manager.storage import Sample, StoredObservation, TrialRow, evenly
from tunesmith.study import wire
from tunesmith.v1 import suggestion_pb2 as pb

PAGE = 10_000
"""Observations that are read at a time; in a message they take 240 kB at most."""

MOST_STEPS = 250
"""At most so many values of a trial are told to an algorithm: trials may report millions."""

SAMPLED = 1_000
"""Some so many observations of a trial are read for them; not all are of another step."""

Observations = Callable[[TrialRow, str, int], Awaitable[list[StoredObservation]]]
"""Reads a page of a trial's last attempt: its observations of a metric after a position."""

Sampled = Callable[[TrialRow, str], Awaitable[Sample]]
"""Reads what a trial's last attempt reported of a metric; of a long one, some SAMPLED observations."""


def record_of(trial: TrialRow, steps: Mapping[int, float] | None = None) -> pb.TrialRecord:
    """The trial as a message; `steps` None: nobody asks for them."""
    return pb.TrialRecord(
        name=trial.name,
        number=trial.number,
        state=wire.TRIAL_STATE_TO_PROTO[trial.state],
        assignment=wire.assignment_to_proto(trial.assignment),
        values=[] if trial.value is None else [trial.value],
        labels=dict(trial.labels),
        parent=trial.parent,
        group=trial.group,
        completion_rank=trial.completion_rank,
        steps=steps,
        revision=trial.revision,
    )


async def pages(
    trial: TrialRow, metric: str, after: int, observations: Observations
) -> AsyncIterator[list[StoredObservation]]:
    """All observations after a position, page by page; none of a trial that was never launched."""
    more = trial.attempt > 0
    while more and (page := await observations(trial, metric, after)):
        yield page
        more, after = len(page) >= PAGE, page[-1].position


def steps_of(sample: Sample) -> dict[int, float]:
    """The first value of each step, with ascending steps. Of more than MOST_STEPS some that lie evenly, with the last.

    Of a sample only steps that rose: one that did not may have been told before, where the sample does not see it.
    """
    steps: dict[int, float] = {}
    highest: int | None = None
    for row in sample.rows:
        if highest is None or row.step > highest:
            highest = row.step
        elif not sample.whole:
            continue
        steps.setdefault(row.step, row.value)
    ordered = sorted(steps)
    return {ordered[place]: steps[ordered[place]] for place in evenly(len(ordered), MOST_STEPS)}
