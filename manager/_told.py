"""A trial as services are told of it."""

from tunesmith.manager.storage import TrialRow
from tunesmith.study import wire
from tunesmith.v1 import suggestion_pb2 as pb


def record_of(trial: TrialRow) -> pb.TrialRecord:
    """The trial as a message."""
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
        revision=trial.revision,
    )
