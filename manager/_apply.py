"""One round of a study inside one transaction: record what was observed, ask `decide`, record what it intends."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunesmith.manager import _decide as decisions
from tunesmith.manager._attempts import Ending, Watched
from tunesmith.manager._conclude import Conclusion, Ended, conclude, count_unseen
from tunesmith.manager._decide import decide
from tunesmith.manager._initial import complete
from tunesmith.manager._reading import store_piece
from tunesmith.manager._snapshot import LiveTrial, Oracle, Snapshot, StopKind
from tunesmith.manager.storage import Explanation, NewDecision, NewTrial, StudyRow, TrialRow, Tx
from tunesmith.study import Assignment, StudyState, TrialState

_BY_RULE = (StopKind.EARLY.value, StopKind.COMPLETE.value)


@dataclass(slots=True)
class Outside:
    """What a round calls for outside the store, once it is committed."""

    launches: list[tuple[StudyRow, TrialRow]] = field(default_factory=list)
    stops: list[tuple[int, bool]] = field(default_factory=list)
    """Numbers of the trials whose launcher must be told to stop them, and whether there is time for them to see it."""
    ask: int = 0
    """Assignments to ask for."""
    room: int = 0
    """Trials that the limit still allows, those asked for included."""
    wake_at: float | None = None
    changed: bool = False
    idle: bool = False
    """Nothing happens until a user does something."""
    final: bool = False


@dataclass(slots=True)
class Round:
    """The input of one round, and its work; `run` may be called again when its transaction did not come to its end."""

    uid: str
    now: float
    ended: Sequence[Watched]
    """Attempts whose exit is known and whose words were all read."""
    started: Sequence[Watched]
    """Attempts that were launched and are not recorded so."""
    given: Sequence[tuple[int, NewTrial]]
    """Suggestions that have no trial yet, by the number they are for."""
    verdicts: Sequence[NewDecision]
    """What the early-stopping rule said and the store does not know."""
    oracle: Callable[[int], Oracle]
    """What the suggestion service says about the study at a revision."""
    broken: str | None
    folder_of: Callable[[StudyRow, TrialRow, int], str]
    """Folder of a trial's attempt of this number."""
    fault_point: Callable[[str], None]
    proposals: deque[tuple[int, NewTrial]] = field(default_factory=deque)
    """Those of `given` that are left."""

    def run(self, tx: Tx) -> Outside:
        """The whole round, in one transaction."""
        outside = Outside()
        self.proposals = deque(self.given)
        study = tx.study(self.uid)
        for attempt in self.started:
            if self._open_now(tx, attempt):
                tx.launched(attempt.trial, self.now)
        for attempt in self.ended:
            if attempt.ending is not None and self._open_now(tx, attempt):
                self._conclude(tx, study, attempt, attempt.ending)
        self._judge(tx)
        outside.changed = bool(self.started or self.ended or self.verdicts)
        while True:
            study, trials = tx.study(self.uid), tx.live_trials(self.uid)
            proposals = len(self._usable(study))
            snapshot = snapshot_of(study, trials, self.oracle(study.revision), proposals, self.now, self.broken)
            actions = decide(snapshot)
            if not self._apply(tx, study, {trial.number: trial for trial in trials}, actions, outside):
                break
            outside.changed = True
        # Who stops or interrupts a study does not wait for what a rule gave time to.
        patient = _BY_RULE if study.state is StudyState.RUNNING else ()
        outside.stops = [(t.number, t.stop_kind in patient) for t in trials if t.attempt_open and t.stop_kind]
        outside.idle = study.state is StudyState.PAUSED and not any(trial.attempt_open for trial in trials)
        outside.final = study.state.final
        self.fault_point("recorded")
        return outside

    # ---- what was observed

    def _open_now(self, tx: Tx, attempt: Watched) -> bool:
        """Whether the attempt has no ending yet: one has when an earlier commit succeeded and nobody told us."""
        trial = tx.trial(self.uid, attempt.number)
        return trial.attempt_open and trial.attempt == attempt.attempt

    def _conclude(self, tx: Tx, study: StudyRow, attempt: Watched, ending: Ending) -> None:
        for piece in attempt.pieces:
            store_piece(attempt, piece, tx)
        trial = tx.trial(self.uid, attempt.number)
        result = conclude(self._ended(tx, study, trial, attempt, ending), study.job.spec.retry)
        status = ending.exit.status
        tx.close_attempt(trial.id, result.ending, self.now, result.failure, status, result.message)
        self._move(tx, trial, result)

    def _ended(self, tx: Tx, study: StudyRow, trial: TrialRow, attempt: Watched, ending: Ending) -> Ended:
        summaries = {s.metric: s for s in tx.summaries([trial.id]).get(trial.id, [])}
        objective = summaries.get(study.job.spec.objective.metric)
        reached = attempt.was_stopped or ending.never_started
        stop = StopKind(trial.stop_kind) if trial.stop_kind and reached else None
        return Ended(
            failure=ending.exit.failure,
            message=(trial.stop_reason or "") if stop else ending.exit.message,
            stop=stop,
            finite=objective.count if objective else 0,
            non_finite=objective.non_finite if objective else 0,
            failures=trial.failures,
            disk_full=ending.disk_full,
            unseen=ending.exit.unseen,
            unseen_before=count_unseen(tx.attempts(trial.id), trial.failures) if ending.exit.unseen else 0,
        )

    def _move(self, tx: Tx, trial: TrialRow, result: Conclusion) -> None:
        due = None if result.delay is None else self.now + result.delay
        tx.move_trial(trial.id, result.state, result.reason, result.message, self.now, not_before=due)

    def _judge(self, tx: Tx) -> None:
        """Keep the rule's decisions with the stops that they ask for. A trial that has ended meanwhile has ended."""
        fresh = [verdict for verdict in self.verdicts if not _known(tx.trial(self.uid, verdict.trial_number), verdict)]
        tx.add_decisions(self.uid, fresh, self.now)
        for verdict in fresh:
            trial = tx.trial(self.uid, verdict.trial_number)
            if verdict.stop and trial.attempt_open and trial.attempt == verdict.attempt:
                kind = StopKind.COMPLETE if verdict.complete else StopKind.EARLY
                tx.request_stop(trial.id, kind.value, verdict.reason, self.now)

    # ---- what is decided

    def _usable(self, study: StudyRow) -> deque[tuple[int, NewTrial]]:
        """Proposals are for numbers; when another trial took the number, they are for nothing."""
        if self.proposals and self.proposals[0][0] != study.next_number:
            self.proposals.clear()
        return self.proposals

    def _apply(
        self,
        tx: Tx,
        study: StudyRow,
        trials: dict[int, TrialRow],
        actions: Sequence[decisions.Action],
        outside: Outside,
    ) -> bool:
        """Record the intents. Whether something was recorded, so that `decide` must be asked again."""
        recorded = False
        outside.ask, outside.wake_at = 0, None
        for action in actions:
            match action:
                case decisions.Ask(count):
                    outside.ask, outside.room = count, self._room(study)
                case decisions.WakeAt(time):
                    outside.wake_at = time
                case decisions.Launch(number):
                    outside.launches.append((study, self._open(tx, study, trials[number])))
                    recorded = True
                case _:
                    self._record(tx, study, trials, action)
                    recorded = True
        return recorded

    def _record(self, tx: Tx, study: StudyRow, trials: dict[int, TrialRow], action: decisions.Action) -> None:
        match action:
            case decisions.Begin():
                tx.move_study(self.uid, StudyState.RUNNING, "", "", self.now)
            case decisions.Create(count):
                tx.add_trials(self.uid, self._new_trials(study, count), self.now)
            case decisions.Stop(number, kind, reason):
                tx.request_stop(trials[number].id, kind.value, reason, self.now)
            case decisions.Drop(number, reason):
                tx.move_trial(trials[number].id, TrialState.KILLED, reason, "it had not been launched", self.now)
            case decisions.End(reason, message):
                tx.move_study(self.uid, StudyState.ENDING, reason, message, self.now)
            case decisions.Finish(state):
                tx.move_study(self.uid, state, study.reason, study.message, self.now)
            case _:
                raise AssertionError(f"{action} is not recorded here")

    def _open(self, tx: Tx, study: StudyRow, trial: TrialRow) -> TrialRow:
        tx.open_attempt(trial.id, self.folder_of(study, trial, trial.attempt + 1), self.now)
        return tx.trial(self.uid, trial.number)

    def _new_trials(self, study: StudyRow, count: int) -> list[NewTrial]:
        initial = study.job.spec.initial[study.initial_used :][:count]
        trials = [self._initial(study, study.next_number + i, given) for i, given in enumerate(initial)]
        while len(trials) < count and self.proposals:
            trials.append(self.proposals.popleft()[1])
        return trials

    def _initial(self, study: StudyRow, number: int, given: Assignment) -> NewTrial:
        filled, _ = complete(study.job.spec, number, given)
        return NewTrial(filled, explanation=Explanation("initial", "given in spec.initial"), from_initial=True)

    def _room(self, study: StudyRow) -> int:
        limit = study.job.spec.limits.trials
        return 2**31 if limit is None else limit - study.total


def _known(trial: TrialRow, verdict: NewDecision) -> bool:
    """Whether an earlier commit that nobody told us of has this decision's stop."""
    return trial.stop_kind in _BY_RULE and trial.attempt == verdict.attempt


def snapshot_of(
    study: StudyRow, trials: Sequence[TrialRow], oracle: Oracle, proposals: int, now: float, broken: str | None
) -> Snapshot:
    """What `decide` sees of these rows."""
    running_for = now - study.running_since if study.running_since is not None else 0.0
    return Snapshot(
        spec=study.job.spec,
        state=study.state,
        reason=study.reason,
        counts=study.counts,
        total=study.total,
        best_value=study.best_value,
        elapsed=study.elapsed + max(running_for, 0.0),  # the clock may have jumped back
        trials=tuple(_live(trial) for trial in trials),
        initial_left=len(study.job.spec.initial) - study.initial_used,
        proposals=proposals,
        oracle=oracle,
        now=now,
        fault=broken,
    )


def _live(trial: TrialRow) -> LiveTrial:
    return LiveTrial(
        trial.number,
        trial.state,
        trial.attempt_open,
        trial.not_before,
        StopKind(trial.stop_kind) if trial.stop_kind else None,
        trial.attempt_started,
    )
