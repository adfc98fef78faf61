"""A trial as services are told of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from tunesmith.manager.storage import StoredObservation, TrialRow
from tunesmith.study import wire
from tunesmith.v1 import suggestion_pb2 as pb

PAGE = 10_000
"""Observations that are read at a time; in a message they take 240 kB at most."""

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
    """The first value of each step."""
    steps: dict[int, float] = {}
    async for page in pages(trial, metric, 0, observations):
        for row in page:
            steps.setdefault(row.step, row.value)
    return steps
