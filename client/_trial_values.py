"""What the manager tells of trials, as frozen values that make themselves from messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from tunesmith.client._values import assignment_of, moment
from tunesmith.study import AttemptEnding, FailureClass, ParameterValue, TrialState, wire

if TYPE_CHECKING:
    from tunesmith.v1 import manager_pb2, types_pb2


@dataclass(frozen=True, slots=True)
class TrialMetric:
    """Numbers over one trial's finite observations of one metric, of its last attempt; None while there are none."""

    metric: str
    min: float | None
    max: float | None
    average: float | None
    latest: float | None
    first: float | None
    count: int
    non_finite: int

    @classmethod
    def from_proto(cls, summary: "types_pb2.MetricSummary") -> Self:
        """From the wire."""
        return cls(
            metric=summary.metric,
            min=summary.min if summary.HasField("min") else None,
            max=summary.max if summary.HasField("max") else None,
            average=summary.average if summary.HasField("average") else None,
            latest=summary.latest if summary.HasField("latest") else None,
            first=summary.first if summary.HasField("first") else None,
            count=summary.count,
            non_finite=summary.non_finite,
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One launch of a trial. `ending` None: it runs still. `folder` is on the manager's machine."""

    number: int
    ending: AttemptEnding | None
    failure_class: FailureClass | None
    exit_status: int | None
    message: str
    folder: str
    started: datetime | None
    finished: datetime | None

    @classmethod
    def from_proto(cls, attempt: "manager_pb2.Attempt") -> Self:
        """From the wire."""
        return cls(
            number=attempt.number,
            ending=wire.ATTEMPT_ENDING_FROM_PROTO.get(attempt.ending),
            failure_class=wire.FAILURE_CLASS_FROM_PROTO.get(attempt.failure_class),
            exit_status=attempt.exit_status if attempt.HasField("exit_status") else None,
            message=attempt.message,
            folder=attempt.folder,
            started=moment(attempt, "started"),
            finished=moment(attempt, "finished"),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One assignment being evaluated. `value` None: the objective has no finite value. `parent`: a trial's name."""

    name: str
    number: int
    state: TrialState
    reason: str
    message: str
    assignment: Mapping[str, ParameterValue]
    value: float | None
    metrics: tuple[TrialMetric, ...]
    attempts: tuple[Attempt, ...]
    parent: str | None
    group: str
    labels: Mapping[str, str]
    explanation: str
    completion_rank: int
    created: datetime | None
    started: datetime | None
    finished: datetime | None
    not_before: datetime | None
    revision: int

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """When its last attempt started and ended; earlier ones, and the waits between them, do not count."""
        return (self.started, self.finished) if self.last is None else (self.last.started, self.last.finished)

    @property
    def last(self) -> Attempt | None:
        """The last attempt that was launched."""
        return self.attempts[-1] if self.attempts else None

    @classmethod
    def from_proto(cls, trial: "manager_pb2.Trial") -> Self:
        """From the wire."""
        return cls(
            name=trial.name,
            number=trial.number,
            state=wire.TRIAL_STATE_FROM_PROTO[trial.state],
            reason=trial.reason,
            message=trial.message,
            assignment=assignment_of(trial.assignment),
            value=trial.value if trial.HasField("value") else None,
            metrics=tuple(TrialMetric.from_proto(metric) for metric in trial.metrics),
            attempts=tuple(Attempt.from_proto(attempt) for attempt in trial.attempts),
            parent=trial.parent or None,
            group=trial.group,
            labels=dict(trial.labels),
            explanation=trial.explanation.text,
            completion_rank=trial.completion_rank,
            created=moment(trial, "created"),
            started=moment(trial, "started"),
            finished=moment(trial, "finished"),
            not_before=moment(trial, "not_before"),
            revision=trial.revision,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a study (`trial` None) or to one of its trials."""

    id: int
    time: datetime
    trial: str | None
    state: str
    reason: str
    message: str

    @classmethod
    def from_proto(cls, event: "manager_pb2.Event") -> Self:
        """From the wire."""
        time = event.time.ToDatetime(tzinfo=UTC)
        return cls(event.id, time, event.trial or None, event.state, event.reason, event.message)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an early-stopping rule said of a trial: to stop it, or that it goes on; `reason` is a sentence.

    `predicted`: the final value that the rule expected, None: it expected none. `step`: of the last report that it saw.
    `complete`: it is to stop because it is done, and not because it is hopeless.
    """

    id: int
    trial: str
    attempt: int
    rule: str
    stop: bool
    reason: str
    predicted: float | None
    step: int | None
    time: datetime
    complete: bool = False

    @classmethod
    def from_proto(cls, decision: "manager_pb2.StoredDecision") -> Self:
        """From the wire."""
        return cls(
            id=decision.id,
            trial=decision.trial,
            attempt=decision.attempt,
            rule=decision.rule,
            stop=decision.stop,
            reason=decision.reason,
            predicted=decision.predicted if decision.HasField("predicted") else None,
            step=decision.step if decision.HasField("step") else None,
            time=decision.time.ToDatetime(tzinfo=UTC),
            complete=decision.complete,
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """One number that a trial reported; `value` may be NaN or infinite. `time` is seconds since 1970-01-01 UTC.

    `step`: as it was reported, or else the count of the metric's observations before it.
    """

    metric: str
    value: float
    step: int
    time: float
    source: str
    sequence: int


def observations_from_proto(columns: "manager_pb2.ObservationColumns") -> list[Observation]:
    """One message's packed columns, as rows."""
    return [
        Observation(columns.names[metric], value, step, time / 1e9, columns.source, sequence)
        for metric, value, step, time, sequence in zip(
            columns.metric, columns.value, columns.step, columns.time, columns.sequence, strict=True
        )
    ]
