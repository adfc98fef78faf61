"""A study's counters while a transaction changes them: read once, written once, however many trials move."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tunesmith.manager.storage._keys import next_digest, signed, unsigned
from tunesmith.manager.storage._rows import StudyRow
from tunesmith.manager.storage._tables import studies
from tunesmith.study import StudyJob, StudyState, TrialState, check_trial_move

COUNTS = (
    (TrialState.PENDING, "pending"),
    (TrialState.RUNNING, "running"),
    (TrialState.SUCCEEDED, "succeeded"),
    (TrialState.FAILED, "failed"),
    (TrialState.EARLY_STOPPED, "early_stopped"),
    (TrialState.KILLED, "killed"),
    (TrialState.METRICS_UNAVAILABLE, "metrics_unavailable"),
)
"""States of trials, and the columns that count them."""

_COUNTED = tuple(state for state, _ in COUNTS)
_STATES = {state.value: state for state in StudyState}

FIXED = ("id", "uid", "namespace", "name", "created")
CHANGING = (
    "generation",
    "state",
    "reason",
    "message",
    "next_number",
    "best_number",
    "best_value",
    "revision",
    "digest",
    "rank",
    "elapsed",
    "running_since",
    "started",
    "finished",
    "initial_used",
)

SELECT = select(*(studies.c[name] for name in (*FIXED, *CHANGING, *(name for _, name in COUNTS))))


@dataclass(slots=True)
class Head:
    """A study's row, to be changed. `digest` is unsigned; `stored`: the columns as the database has them."""

    id: int
    uid: str
    namespace: str
    name: str
    created: float
    generation: int
    state: StudyState
    reason: str
    message: str
    next_number: int
    best_number: int | None
    best_value: float | None
    revision: int
    digest: int
    rank: int
    elapsed: float
    running_since: float | None
    started: float | None
    finished: float | None
    initial_used: int
    counts: dict[TrialState, int]
    stored: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "Head":
        """From a row of `SELECT`."""
        fields = (*FIXED, *CHANGING)
        values: dict[str, Any] = dict(zip(fields, row, strict=False))
        values.update(state=_STATES[values["state"]], digest=unsigned(values["digest"]))
        head = cls(**values, counts=dict(zip(_COUNTED, row[len(fields) :], strict=True)))
        head.stored = head._columns()
        return head

    def take_changes(self) -> dict[str, Any]:
        """Columns that the database does not have yet, which are then taken as stored."""
        columns = self._columns()
        changes = {name: value for name, value in columns.items() if value != self.stored[name]}
        self.stored = columns
        return changes

    def _columns(self) -> dict[str, Any]:
        columns = {name: getattr(self, name) for name in CHANGING}
        columns.update((name, self.counts[state]) for state, name in COUNTS)
        columns.update(state=self.state.value, digest=signed(self.digest))
        return columns

    def row(self, job: StudyJob) -> StudyRow:
        """What the store hands out."""
        values = {name: getattr(self, name) for name in (*FIXED, *CHANGING)}
        counts = dict(self.counts)
        return StudyRow(**values, job=job, counts=counts, total=sum(counts.values()))

    def advance(self, number: int, state: TrialState, value: float | None, assignment: str) -> None:
        """Raise revision and digest, because trial `number` came or changed."""
        self.revision += 1
        self.digest = next_digest(self.digest, number, state.value, value, assignment)

    def recount(self, old: TrialState, new: TrialState) -> None:
        """One trial moves. Raises TransitionError when it may not."""
        check_trial_move(old, new)
        self.counts[old] -= 1
        self.counts[new] += 1
