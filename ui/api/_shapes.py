"""What the API answers, for its description: the data themselves are made by `tunesmith.client._data`."""

from typing import Any

from typing_extensions import TypedDict

Value = float | int | str | bool


class MistakeShape(TypedDict):
    """One mistake of a document or a request."""

    path: str
    message: str
    line: int | None
    column: int | None


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    mistakes: list[MistakeShape]


class ObjectiveShape(TypedDict):
    """What a study optimizes."""

    metric: str
    type: str
    goal: float | None
    strategy: str


class CountsShape(TypedDict):
    """How many trials are in each state."""

    total: int
    pending: int
    running: int
    succeeded: int
    failed: int
    earlyStopped: int
    killed: int
    metricsUnavailable: int


class BestShape(TypedDict):
    """The best succeeded trial."""

    trial: str
    value: float | None
    assignment: dict[str, Value]


class SummaryShape(TypedDict):
    """A metric over the succeeded trials."""

    min: float | None
    max: float | None
    average: float | None
    count: int


class StudyShape(TypedDict):
    """A study, as `tunesmith get study NAME -o json` prints it."""

    name: str
    namespace: str
    uid: str
    state: str
    reason: str
    message: str
    objective: ObjectiveShape
    algorithm: str
    trials: CountsShape
    best: BestShape | None
    metrics: dict[str, SummaryShape]
    generation: int
    labels: dict[str, str]
    spaceSize: int | None
    elapsed: float
    created: str | None
    started: str | None
    finished: str | None


class StudiesShape(TypedDict):
    """A page of studies."""

    items: list[StudyShape]
    total: int


class CreatedShape(TypedDict):
    """A study that was created, and what its algorithm remarks."""

    study: StudyShape
    warnings: list[str]


class TrialMetricShape(TypedDict):
    """A metric over one trial's finite observations."""

    min: float | None
    max: float | None
    average: float | None
    latest: float | None
    count: int
    nonFinite: int


class TrialShape(TypedDict):
    """A trial, as `tunesmith get trials STUDY -o json` lists it."""

    name: str
    number: int
    state: str
    reason: str
    message: str
    assignment: dict[str, Value]
    value: float | None
    metrics: dict[str, TrialMetricShape]
    attempts: int
    parent: str | None
    labels: dict[str, str]
    created: str | None
    started: str | None
    finished: str | None


class TrialsShape(TypedDict):
    """A page of trials."""

    items: list[TrialShape]
    total: int


class DecisionShape(TypedDict):
    """What an early-stopping rule said of a trial."""

    id: int
    time: str | None
    trial: str
    attempt: int
    rule: str
    stop: bool
    reason: str
    predicted: float | None
    step: int | None
    complete: bool


class AttemptShape(TypedDict):
    """One launch of a trial."""

    number: int
    ending: str | None
    failureClass: str | None
    exitStatus: int | None
    message: str
    folder: str
    started: str | None
    finished: str | None


class TrialDetailsShape(TrialShape):
    """A trial with its attempts one by one."""

    explanation: str
    notBefore: str | None
    decision: DecisionShape | None
    attemptDetails: list[AttemptShape]


class EventShape(TypedDict):
    """Something that happened."""

    id: int
    time: str | None
    trial: str | None
    state: str
    reason: str
    message: str


class EventsShape(TypedDict):
    """A page of events, the latest first."""

    items: list[EventShape]
    total: int


class DecisionsShape(TypedDict):
    """A page of decisions, the latest first."""

    items: list[DecisionShape]
    total: int


class ObservationShape(TypedDict):
    """A number that a trial reported; `kind` says what one that is not finite was."""

    metric: str
    step: int | None
    time: float
    value: float | None
    kind: str


class ObservationsShape(TypedDict):
    """What one attempt reported; `total` before it was thinned out."""

    items: list[ObservationShape]
    total: int


class DocumentShape(TypedDict):
    """A document in YAML."""

    document: str


class CheckedShape(TypedDict):
    """What is wrong with a document; nothing: it is right."""

    mistakes: list[MistakeShape]
    warnings: list[str]


class ConvertedShape(TypedDict):
    """The native document of another one."""

    document: str
    warnings: list[str]


class SettingShape(TypedDict):
    """One setting of an algorithm or a rule."""

    name: str
    type: str
    default: Value | None
    min: float | None
    max: float | None
    choices: list[str]
    meaning: str


class RuleShape(TypedDict):
    """An early-stopping rule that may be named."""

    name: str
    aliases: list[str]
    summary: str
    description: str
    source: str
    settings: list[SettingShape]


class AlgorithmShape(RuleShape):
    """An algorithm that may be named."""

    capabilities: dict[str, bool]
    maxUsefulTrials: int | None
    learns: bool


Figure = dict[str, Any]
