"""A study in plain Python: what the store must do, with every number computed anew from what happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tunesmith.manager.storage import ObservationRow
from tunesmith.manager.storage._keys import next_digest
from tunesmith.manager.storage._text import to_json
from tunesmith.services.errors import NotNow
from tunesmith.study import (
    AttemptEnding,
    MetricSummary,
    Strategy,
    StudyJob,
    StudyMetricSummary,
    TransitionError,
    TrialState,
    check_trial_move,
)


@dataclass
class Attempt:
    """`rows`: metric, value, step, source, sequence of what was stored."""

    ending: AttemptEnding | None = None
    rows: list[tuple[str, float, int, str, int]] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)

    def add(self, row: ObservationRow) -> bool:
        """Store a row unless it is there."""
        if any((row.metric, row.source, row.sequence) == (m, source, s) for m, _, _, source, s in self.rows):
            return False
        before = sum(metric == row.metric for metric, *_ in self.rows)
        step = before if row.step is None else row.step
        self.rows.append((row.metric, row.value, step, row.source, row.sequence))
        return True

    def summaries(self) -> list[MetricSummary]:
        """Over the rows, in the order in which the metrics came."""
        found: dict[str, MetricSummary] = {}
        for metric, value, *_ in self.rows:
            found[metric] = found.get(metric, MetricSummary(metric)).add(value)
        return list(found.values())


@dataclass
class Trial:
    """As TrialRow."""

    number: int
    assignment: dict[str, float]
    state: TrialState = TrialState.PENDING
    attempts: list[Attempt] = field(default_factory=list)
    failures: int = 0
    value: float | None = None
    rank: int = 0
    revision: int = 0
    digest: int = 0
    stop_kind: str | None = None

    @property
    def open(self) -> bool:
        """Whether the last attempt has no ending."""
        return bool(self.attempts) and self.attempts[-1].ending is None

    def summaries(self) -> list[MetricSummary]:
        """Of the last attempt."""
        return self.attempts[-1].summaries() if self.attempts else []


class Model:
    """A study of one job; each method does what the method of Tx of that name does, or raises what it raises."""

    def __init__(self, job: StudyJob) -> None:
        self.job = job
        self.trials: list[Trial] = []
        self.digests = [0]
        self.rank = 0
        self.events: list[tuple[int, str]] = []
        self.successes: list[Trial] = []

    def counts(self) -> dict[TrialState, int]:
        """By a scan."""
        counted = Counter(trial.state for trial in self.trials)
        return {state: counted[state] for state in TrialState}

    def best(self) -> tuple[int | None, float | None]:
        """By a scan, in the order in which trials succeeded."""
        found: tuple[int | None, float | None] = (None, None)
        for trial in self.successes:
            better = found[1] is None or (
                trial.value is not None and self.job.spec.objective.better(trial.value, found[1])
            )
            if trial.value is not None and better:
                found = (trial.number, trial.value)
        return found

    def study_summaries(self) -> list[StudyMetricSummary]:
        """By a scan, in the order in which trials succeeded."""
        strategies = {m.name: m.strategy for m in self.job.spec.metrics or ()}
        strategies[self.job.spec.objective.metric] = self.job.spec.objective.strategy
        found: dict[str, StudyMetricSummary] = {}
        for trial in self.successes:
            for summary in trial.summaries():
                value = summary.value(strategies.get(summary.metric, Strategy.LATEST))
                if value is not None:
                    old = found.get(summary.metric)
                    found[summary.metric] = old.add(value) if old else StudyMetricSummary.of(summary.metric, value)
        return [found[metric] for metric in sorted(found)]

    def add_trials(self, assignments: Sequence[dict[str, float]]) -> None:
        for assignment in assignments:
            trial = Trial(len(self.trials), assignment)
            self.trials.append(trial)
            self._advance(trial)

    def open_attempt(self, number: int) -> None:
        trial = self.trials[number]
        if trial.state is not TrialState.PENDING or trial.open:
            raise TransitionError
        trial.attempts.append(Attempt())

    def launched(self, number: int) -> None:
        trial = self.trials[number]
        if trial.state is TrialState.RUNNING:
            return
        if not trial.open:
            raise TransitionError
        trial.state = TrialState.RUNNING
        self._advance(trial)

    def close_attempt(self, number: int, ending: AttemptEnding) -> bool:
        trial = self.trials[number]
        if not trial.open:
            return False
        trial.attempts[-1].ending = ending
        trial.failures += ending is AttemptEnding.FAILED
        return True

    def move_trial(self, number: int, state: TrialState) -> None:
        trial = self.trials[number]
        check_trial_move(trial.state, state)
        if trial.open and state is not TrialState.RUNNING:
            raise TransitionError
        if state is TrialState.PENDING:
            trial.value, trial.rank, trial.stop_kind = None, 0, None
            trial.failures = 0 if trial.state.final else trial.failures
        elif state.final:
            self.rank += 1
            trial.rank = self.rank
            objective = self.job.spec.objective
            by_name = {summary.metric: summary for summary in trial.summaries()}
            found = by_name.get(objective.metric)
            trial.value = None if found is None else found.value(objective.strategy)
        trial.state = state
        if state is TrialState.SUCCEEDED:
            self.successes.append(trial)
        self._advance(trial)

    def request_stop(self, number: int, kind: str) -> None:
        trial = self.trials[number]
        if not trial.state.final and (trial.stop_kind is None or (trial.stop_kind, kind) == ("interrupt", "kill")):
            trial.stop_kind = kind

    def add_observations(
        self, number: int, attempt: int, rows: Sequence[ObservationRow], offset: tuple[str, int] | None
    ) -> int:
        trial = self.trials[number]
        if not 1 <= attempt <= len(trial.attempts):
            raise NotNow("")
        stored = trial.attempts[attempt - 1]
        kept = list(stored.rows)
        new = sum(stored.add(row) for row in rows)
        if new and trial.state.final:
            stored.rows = kept
            raise NotNow("")
        if offset is not None:
            stored.offsets[offset[0]] = offset[1]
        return new

    def _advance(self, trial: Trial) -> None:
        digest = next_digest(self.digests[-1], trial.number, trial.state.value, trial.value, to_json(trial.assignment))
        self.digests.append(digest)
        trial.revision, trial.digest = len(self.digests) - 1, digest
        self.events.append((trial.number, trial.state.value))
