"""What the store hands out and takes: frozen rows.

Times are seconds since 1970-01-01 UTC, and None when they have not come. Mappings in rows are read, never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.study import (
    Assignment,
    AttemptEnding,
    FailureClass,
    StudyJob,
    StudyState,
    TrialRange,
    TrialState,
)


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study with its counters, as of one transaction.

    Attributes:
        id: Key in this database; `str(id)` is the page token of `list_studies`.
        generation: Rises with each edit, from 1.
        job: The document of this generation, seed included.
        counts: Trials in each state; every state has an entry.
        total: Trials in all.
        next_number: Number that the next trial gets.
        best_number: The succeeded trial with the best finite value of the objective, the first of equals; None: none.
        revision: Rises by one whenever a trial comes, or its state or value changes; 0: no trial yet.
        digest: Rolling digest at `revision`, an unsigned 64 bit number; 0 at revision 0.
        rank: The completion rank given last; 0: none yet.
        elapsed: Seconds spent in Running before `running_since`.
        running_since: When the study came into Running; None while it is in another state.
        started: When it was in Running first.
        finished: When it became final; None while it goes on.
        initial_used: How many of the document's `initial` assignments have become trials.
    """

    id: int
    uid: str
    namespace: str
    name: str
    generation: int
    job: StudyJob
    state: StudyState
    reason: str
    message: str
    counts: Mapping[TrialState, int]
    total: int
    next_number: int
    best_number: int | None
    best_value: float | None
    revision: int
    digest: int
    rank: int
    elapsed: float
    running_since: float | None
    created: float
    started: float | None
    finished: float | None
    initial_used: int


@dataclass(frozen=True, slots=True)
class EditRow:
    """What one edit changed: path, old text and new text of each field. `generation`: that it led to."""

    generation: int
    time: float
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an algorithm proposed an assignment: its model, a sentence, and the acquisition value where there is one."""

    model: str = ""
    text: str = ""
    acquisition: float | None = None


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial to be added. `parent` is a trial's number; `from_initial`: it is the next of the document's `initial`."""

    assignment: Assignment
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: int | None = None
    group: str = ""
    explanation: Explanation | None = None
    from_initial: bool = False


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial, as of one transaction.

    Attributes:
        id: Key in this database, never used again; the methods that change a trial take it.
        number: From 0 in its study, without gaps.
        value: Objective by its strategy, over the last attempt, as it was when the trial ended; None: no finite value.
        parent: Number of the trial whose checkpoint it starts from.
        completion_rank: Order in which trials ended, from 1; 0: not ended.
        revision: Revision of the study at which state or value changed last.
        digest: Digest of the study at that revision, unsigned.
        attempt: Number of the last attempt; 0: none.
        attempt_open: Whether the last attempt has no ending yet.
        failures: Attempts that ended `failed` since the trial was added or a user retried it.
        not_before: A retry is not launched before this time.
        stop_kind: None: nobody wants it stopped; else `kill`, `interrupt`, `early`, `complete` or `timeout`.
        stop_reason: Why it should stop.
        stop_time: When that was asked for.
        started: When it was Running first.
        finished: When it ended.
        attempt_started: When the last attempt was launched; until then, when it was opened.
    """

    id: int
    uid: str
    number: int
    name: str
    state: TrialState
    reason: str
    message: str
    assignment: Assignment
    value: float | None
    labels: Mapping[str, str]
    parent: int | None
    group: str
    explanation: Explanation | None
    completion_rank: int
    revision: int
    digest: int
    attempt: int
    attempt_open: bool
    failures: int
    not_before: float | None
    stop_kind: str | None
    stop_reason: str | None
    stop_time: float | None
    created: float
    started: float | None
    finished: float | None
    attempt_started: float | None


@dataclass(frozen=True, slots=True)
class TrialQuery:
    """Some trials of a study, in an order.

    Attributes:
        states: Only these; empty: all.
        search: Words that must all occur in the trial's name, `#number`, state, reason, or in `name=value` of its
            parameters and labels. ASCII letters are alike in upper and lower case.
        ranges: All must hold.
        order: `number`, `name`, `state`, `value`, `created`, `started` and `finished` (of the last attempt), `duration`
            (the same), `attempts`, `params.NAME`, or `metrics.NAME` (the latest value).
        descending: The largest first. Trials without the field come last in both directions, equal ones by number.
    """

    states: tuple[TrialState, ...] = ()
    search: str = ""
    ranges: tuple[TrialRange, ...] = ()
    order: str = "number"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class TrialCursor:
    """Where a page ends: the last trial's key in the order (None: it has none), and its number."""

    key: float | int | str | None
    number: int


@dataclass(frozen=True, slots=True)
class TrialPage:
    """Trials in their order. `end` None: there are no more. `total`: how many there are on all pages."""

    trials: tuple["TrialRow", ...]
    end: TrialCursor | None
    total: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One launch of a trial, numbered from 1. `ending` None: it is open."""

    number: int
    ending: AttemptEnding | None
    failure_class: FailureClass | None
    exit_status: int | None
    message: str
    folder: str
    started: float
    finished: float | None


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One number that an attempt reported.

    Attributes:
        value: May be NaN or infinite.
        step: None: the count of this metric's observations before it in the attempt.
        source: Where it came from: `stdout`, `reports`, `file:<path>`, or a name of the reporter's own.
        sequence: With `source` and `metric` it makes a report idempotent; usually rises. 64 bit.
    """

    metric: str
    value: float
    step: int | None
    time: float
    source: str
    sequence: int


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """An observation as it was stored. `position` counts those of its attempt from 1, in the order of arrival."""

    position: int
    metric: str
    value: float
    step: int
    time: float
    source: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Observations of a metric in the order in which they came; `whole`: all that there are."""

    rows: Sequence[StoredObservation]
    whole: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to a study (`trial_number` None) or to one of its trials. `state` empty: none changed."""

    id: int
    trial_number: int | None
    state: str
    reason: str
    message: str
    time: float


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What an early-stopping rule says of a trial.

    Attributes:
        stop: False: it goes on.
        predicted: Final value of the objective that the rule expects; None: it expects none, or none that is finite.
        step: Of the last observation that was looked at; None: not known.
        complete: It stops because it is done, and not because it is hopeless.
    """

    trial_number: int
    attempt: int
    rule: str
    stop: bool
    reason: str = ""
    predicted: float | None = None
    step: int | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as it was stored; see `NewDecision`."""

    id: int
    trial_number: int
    attempt: int
    rule: str
    stop: bool
    reason: str
    predicted: float | None
    step: int | None
    time: float
    complete: bool


@dataclass(frozen=True, slots=True)
class WorkerLease:
    """An attempt that a worker took, and what it said about the end.

    Attributes:
        seconds: How long it may be silent.
        completed: When it said that the attempt ended; None: it has not.
        exit_status: What it said; None when it named a failure class instead, or was told to stop.
    """

    trial: str
    attempt: int
    worker: str
    seconds: float
    acquired: float
    completed: float | None = None
    exit_status: int | None = None
    failure_class: FailureClass | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A bearer token, known by its hash only. `role`: `admin`, `user`, `viewer` or `trial`."""

    name: str
    hash: bytes
    role: str
    created: float
