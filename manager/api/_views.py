"""What the manager's rows look like on the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tunesmith.manager._loop import Fault
from tunesmith.manager.storage import (
    DecisionRow,
    EditRow,
    EventRow,
    StoredObservation,
    StudyRow,
    TrialRow,
    Tx,
)
from tunesmith.study import StudyMetricSummary, TrialState, wire
from tunesmith.v1 import manager_pb2 as pb


def timestamp(time: float | None) -> Timestamp | None:
    """Seconds since 1970 as a protobuf time; None stays None."""
    if time is None:
        return None
    nanos = round(time * 1e9)
    return Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)


def duration(seconds: float) -> Duration:
    """Seconds as a protobuf duration."""
    nanos = round(seconds * 1e9)
    return Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study as of one transaction, with what is shown beside its row."""

    row: StudyRow
    metrics: Sequence[StudyMetricSummary]
    best: TrialRow | None


def read_study(tx: Tx, row: StudyRow) -> StudyView:
    """The study with its summaries and its best trial."""
    best = None if row.best_number is None else tx.trial(row.uid, row.best_number)
    return StudyView(row, tx.study_summaries(row.uid), best)


def study_message(view: StudyView, now: float, fault: Fault | None = None) -> pb.Study:
    """The study. A fault of the platform takes the place of reason and message while it lasts."""
    row = view.row
    running = max(now - row.running_since, 0.0) if row.running_since is not None else 0.0
    size = row.job.spec.space.count()
    return pb.Study(
        key=pb.StudyKey(namespace=row.namespace, name=row.name),
        uid=row.uid,
        generation=row.generation,
        labels=dict(row.job.labels),
        spec=wire.spec_to_proto(row.job.spec),
        state=wire.STUDY_STATE_TO_PROTO[row.state],
        reason=fault.reason if fault else row.reason,
        message=fault.message if fault else row.message,
        counts=_counts(row),
        best=_best(view.best),
        metrics=[wire.study_summary_to_proto(summary) for summary in view.metrics],
        created=timestamp(row.created),
        started=timestamp(row.started),
        finished=timestamp(row.finished),
        elapsed=duration(row.elapsed + running),
        revision=row.revision,
        space_size=size,
    )


def _counts(row: StudyRow) -> pb.TrialCounts:
    def count(state: TrialState) -> int:
        return row.counts.get(state, 0)

    return pb.TrialCounts(
        total=row.total,
        pending=count(TrialState.PENDING),
        running=count(TrialState.RUNNING),
        succeeded=count(TrialState.SUCCEEDED),
        failed=count(TrialState.FAILED),
        early_stopped=count(TrialState.EARLY_STOPPED),
        killed=count(TrialState.KILLED),
        metrics_unavailable=count(TrialState.METRICS_UNAVAILABLE),
    )


def _best(trial: TrialRow | None) -> pb.BestTrial | None:
    if trial is None or trial.value is None:
        return None
    assignment = wire.assignment_to_proto(trial.assignment)
    return pb.BestTrial(name=trial.name, number=trial.number, value=trial.value, assignment=assignment)


def event_message(event: EventRow, names: Mapping[int, str]) -> pb.Event:
    """The event; `names` gives the trials' names by number."""
    return pb.Event(
        id=event.id,
        time=timestamp(event.time),
        trial="" if event.trial_number is None else names[event.trial_number],
        state=event.state,
        reason=event.reason,
        message=event.message,
    )


def edit_message(edit: EditRow) -> pb.StudyEdit:
    """The edit."""
    found = [pb.Difference(path=path, before=before, after=after) for path, before, after in edit.changes]
    return pb.StudyEdit(generation=edit.generation, time=timestamp(edit.time), differences=found)


def decision_message(decision: DecisionRow, trial: str) -> pb.StoredDecision:
    """The decision; `trial` is its trial's name."""
    return pb.StoredDecision(
        id=decision.id,
        trial=trial,
        attempt=decision.attempt,
        rule=decision.rule,
        stop=decision.stop,
        reason=decision.reason,
        predicted=decision.predicted,
        step=decision.step,
        time=timestamp(decision.time),
        complete=decision.complete,
    )


def columns(source: str, rows: Sequence[StoredObservation]) -> pb.ObservationColumns:
    """Observations of one source in packed columns."""
    names: dict[str, int] = {}
    return pb.ObservationColumns(
        metric=[names.setdefault(row.metric, len(names)) for row in rows],
        names=list(names),
        value=[row.value for row in rows],
        step=[row.step for row in rows],
        time=[round(row.time * 1e9) for row in rows],
        sequence=[row.sequence for row in rows],
        source=source,
    )
