"""A trial as services are told of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from tunesmith.manager.storage import StoredObservation, TrialRow
from tunesmith.study import wire
from tunesmith.v1 import suggestion_pb2 as pb

PAGE = 10_000
"""Observations that are read at a time; in a message they take 240 kB at most."""

MOST_STEPS = 250
"""At most so many values of a trial are told to an algorithm: trials may report millions."""

Observations = Callable[[TrialRow, str, int], Awaitable[list[StoredObservation]]]
"""Reads a page of a trial's last attempt: its observations of a metric after a position."""


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


async def steps_of(trial: TrialRow, metric: str, observations: Observations) -> dict[int, float]:
    """The first value of each step. Of more than MOST_STEPS some that lie evenly, with the last, of steps that rose."""
    steps: dict[int, float] = {}
    every, seen, last = 1, 0, None
    async for page in pages(trial, metric, 0, observations):
        for row in page:
            if last is None or row.step > last.step:
                last = row
            elif every > 1:
                continue  # perhaps it was told before, and dropped
            if seen % every == 0:
                steps.setdefault(row.step, row.value)
            seen += 1
            if len(steps) >= MOST_STEPS:
                steps, every = dict(list(steps.items())[::2]), 2 * every
    return steps if last is None else steps | {last.step: last.value}
