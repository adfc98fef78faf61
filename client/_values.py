"""What the manager tells, as frozen values. Protos stop here: every value makes itself from its message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from tunesmith.study import (
    AttemptEnding,
    FailureClass,
    ParameterValue,
    StudyJob,
    StudySpec,
    StudyState,
    TrialState,
    wire,
)

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from tunesmith.v1 import manager_pb2, suggestion_pb2, types_pb2


def _moment(message: "manager_pb2.Study | manager_pb2.Trial | manager_pb2.Attempt", name: str) -> datetime | None:
    """The time in field `name`, in UTC; None while it is absent."""
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    stamp: Timestamp = getattr(message, name)
    return stamp.ToDatetime(tzinfo=UTC)


def _assignment(message: "types_pb2.Assignment") -> dict[str, ParameterValue]:
    """Values by name, in the order of the names: a protobuf map has none."""
    return dict(sorted(wire.assignment_from_proto(message).items()))


@lru_cache(maxsize=64)
def _spec(data: bytes) -> StudySpec:
    """A spec, read once however often a watch tells it."""
    from tunesmith.v1 import types_pb2

    return wire.spec_from_proto(types_pb2.StudySpec.FromString(data))


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """How many trials a study has in each state."""

    total: int = 0
    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    early_stopped: int = 0
    killed: int = 0
    metrics_unavailable: int = 0

    @property
    def finished(self) -> int:
        """Trials in a final state."""
        return self.total - self.pending - self.running

    @property
    def not_well(self) -> int:
        """Trials that count against `limits.failed`."""
        return self.failed + self.metrics_unavailable

    @classmethod
    def from_proto(cls, counts: "manager_pb2.TrialCounts") -> Self:
        """From the wire."""
        return cls(**{name: getattr(counts, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class StudyMetric:
    """Numbers over the values of one metric of a study's succeeded trials."""

    metric: str
    min: float
    max: float
    average: float
    count: int

    @classmethod
    def from_proto(cls, summary: "types_pb2.StudyMetricSummary") -> Self:
        """From the wire."""
        return cls(summary.metric, summary.min, summary.max, summary.average, summary.count)


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
class BestTrial:
    """The succeeded trial with the best value of the objective."""

    name: str
    number: int
    value: float
    assignment: Mapping[str, ParameterValue]

    @classmethod
    def from_proto(cls, best: "manager_pb2.BestTrial") -> Self:
        """From the wire."""
        return cls(best.name, best.number, best.value, _assignment(best.assignment))


@dataclass(frozen=True, slots=True)
class Study:
    """One study as the manager holds it. `reason` is one word, `message` a sentence.

    `elapsed`: seconds spent in Running.
    `space_size`: number of assignments in the space; None when it is infinite or too large to count.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    labels: Mapping[str, str]
    spec: StudySpec
    state: StudyState
    reason: str
    message: str
    counts: TrialCounts
    best: BestTrial | None
    metrics: tuple[StudyMetric, ...]
    created: datetime | None
    started: datetime | None
    finished: datetime | None
    elapsed: float
    revision: int
    space_size: int | None

    @property
    def job(self) -> StudyJob:
        """The document that describes the study as it is now."""
        return StudyJob(name=self.name, spec=self.spec, namespace=self.namespace, labels=self.labels)

    def in_order(self, assignment: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
        """An assignment with its parameters in the order of the document."""
        return {name: assignment[name] for name in self.spec.space.names if name in assignment}

    @property
    def planned(self) -> int | None:
        """Number of trials after which the study ends at the latest; None when only time limits it."""
        known = [number for number in (self.spec.limits.trials, self.space_size) if number is not None]
        return min(known, default=None)

    @classmethod
    def from_proto(cls, study: "manager_pb2.Study") -> Self:
        """From the wire."""
        return cls(
            name=study.key.name,
            namespace=study.key.namespace or "default",
            uid=study.uid,
            generation=study.generation,
            labels=dict(study.labels),
            spec=_spec(study.spec.SerializeToString(deterministic=True)),
            state=wire.STUDY_STATE_FROM_PROTO[study.state],
            reason=study.reason,
            message=study.message,
            counts=TrialCounts.from_proto(study.counts),
            best=BestTrial.from_proto(study.best) if study.HasField("best") else None,
            metrics=tuple(StudyMetric.from_proto(metric) for metric in study.metrics),
            created=_moment(study, "created"),
            started=_moment(study, "started"),
            finished=_moment(study, "finished"),
            elapsed=study.elapsed.ToTimedelta().total_seconds(),
            revision=study.revision,
            space_size=study.space_size if study.HasField("space_size") else None,
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
            started=_moment(attempt, "started"),
            finished=_moment(attempt, "finished"),
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
            assignment=_assignment(trial.assignment),
            value=trial.value if trial.HasField("value") else None,
            metrics=tuple(TrialMetric.from_proto(metric) for metric in trial.metrics),
            attempts=tuple(Attempt.from_proto(attempt) for attempt in trial.attempts),
            parent=trial.parent or None,
            group=trial.group,
            labels=dict(trial.labels),
            explanation=trial.explanation.text,
            completion_rank=trial.completion_rank,
            created=_moment(trial, "created"),
            started=_moment(trial, "started"),
            finished=_moment(trial, "finished"),
            not_before=_moment(trial, "not_before"),
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
class Observation:
    """One number that a trial reported; `value` may be NaN or infinite. `time` is seconds since 1970-01-01 UTC."""

    metric: str
    value: float
    step: int | None
    time: float
    source: str
    sequence: int


def observations_from_proto(columns: "manager_pb2.ObservationColumns") -> list[Observation]:
    """One message's packed columns, as rows."""
    steps: list[int] | list[None] = list(columns.step) or [None] * len(columns.value)
    return [
        Observation(columns.names[metric], value, step, time / 1e9, columns.source, sequence)
        for metric, value, step, time, sequence in zip(
            columns.metric, columns.value, steps, columns.time, columns.sequence, strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an algorithm; `min` and `max` are inclusive, None does not limit. `default` None: it chooses."""

    name: str
    type: str
    default: ParameterValue | None
    min: float | None
    max: float | None
    choices: tuple[str, ...]
    meaning: str

    @classmethod
    def from_proto(cls, setting: "suggestion_pb2.SettingDescription") -> Self:
        """From the wire."""
        return cls(
            name=setting.name,
            type=_SETTING_TYPES[setting.type],
            default=wire.value_from_proto(setting.default_value) if setting.HasField("default_value") else None,
            min=setting.min if setting.HasField("min") else None,
            max=setting.max if setting.HasField("max") else None,
            choices=tuple(setting.choices),
            meaning=setting.meaning,
        )


_SETTING_TYPES = ("any", "double", "int", "string", "bool")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What a suggestion service says of one algorithm; `capabilities` are those it has, by name."""

    name: str
    aliases: tuple[str, ...]
    summary: str
    description: str
    source: str
    settings: tuple[Setting, ...] = ()
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    max_useful_trials: int | None = None
