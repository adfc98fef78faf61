"""A study as the manager tells it, as frozen values. Protos stop here: every value makes itself from its message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from tunesmith.study import ParameterValue, StudyJob, StudySpec, StudyState, wire

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from tunesmith.v1 import manager_pb2, types_pb2


def moment(message: "manager_pb2.Study | manager_pb2.Trial | manager_pb2.Attempt", name: str) -> datetime | None:
    """The time in field `name`, in UTC; None while it is absent."""
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    stamp: Timestamp = getattr(message, name)
    # What `ToDatetime` gives, at a fifth of its price: a study of 10,000 trials has 50,000 of them.
    return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1000)


def assignment_of(message: "types_pb2.Assignment") -> dict[str, ParameterValue]:
    """Values by name, in the order of the names: a protobuf map has none."""
    return wire.assignment_from_proto(message)


@lru_cache(maxsize=512)
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
class BestTrial:
    """The succeeded trial with the best value of the objective."""

    name: str
    number: int
    value: float
    assignment: Mapping[str, ParameterValue]

    @classmethod
    def from_proto(cls, best: "manager_pb2.BestTrial") -> Self:
        """From the wire."""
        return cls(best.name, best.number, best.value, assignment_of(best.assignment))


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
            created=moment(study, "created"),
            started=moment(study, "started"),
            finished=moment(study, "finished"),
            elapsed=study.elapsed.ToTimedelta().total_seconds(),
            revision=study.revision,
            space_size=study.space_size if study.HasField("space_size") else None,
        )
