"""Decides what happens next in a study. Pure: the same snapshot gives the same actions, and nothing is touched.

`decide` is called again after its actions were applied, until it has none; each action moves the study towards that.
"""

from dataclasses import dataclass

from tunesmith.manager._snapshot import LiveTrial, Oracle, Snapshot, StopKind
from tunesmith.study import OnCompletion, StudyState, TrialState


@dataclass(frozen=True, slots=True)
class Begin:
    """Created → Running."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make the next `count` trials: of initial assignments first, then of the proposals at hand."""

    count: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the suggestion service for `count` assignments."""

    count: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Start an attempt of a pending trial."""

    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Record that a running trial is to stop, and why. The launcher is told by whoever sees the record."""

    number: int
    kind: StopKind
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Pending → Killed."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """→ Ending: the reason is fixed and nothing new is launched."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Ending → its final state."""

    state: StudyState


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Nothing to do before this time, unless something happens."""

    time: float


Action = Begin | Create | Ask | Launch | Stop | Drop | End | Finish | WakeAt

STOPPED = "stopped"
"""Reason of a study that its user stopped."""
WAITING_ENDS = frozenset({"exhausted", "trialsUsedUp"})
"""Reasons that let running trials, and retries that are due, come to their end first."""
LIMIT_ENDS = frozenset({"trialsUsedUp", "durationSpent", "tooManyFailures", "exhausted"})
"""Reasons that an edit of the study can take back."""


def decide(snapshot: Snapshot) -> list[Action]:
    """What to do now, in order."""
    match snapshot.state:
        case StudyState.CREATED:
            return [Begin()]
        case StudyState.RUNNING | StudyState.PAUSED:
            return _go_on(snapshot)
        case StudyState.ENDING:
            return _wind_down(snapshot)
        case _:
            return []


def end_of(snapshot: Snapshot) -> End | None:
    """The first reason, in the documented order, for which the study ends now; None: it goes on."""
    spec, limits, running = snapshot.spec, snapshot.spec.limits, bool(snapshot.trials)
    best = snapshot.best_value
    if best is not None and spec.objective.reached(best):
        return End("goalReached", f"{spec.objective.metric} reached {best!r}; the goal is {spec.objective.goal!r}")
    if snapshot.failed > limits.failed:
        return End("tooManyFailures", f"{snapshot.failed} trials failed; at most {limits.failed} may (limits.failed)")
    if snapshot.fault is not None:
        return End("algorithmFailed", snapshot.fault)
    if snapshot.oracle is Oracle.EXHAUSTED and not _work_left(snapshot) and not running:
        return End("exhausted", f"every assignment of the search space was tried ({snapshot.total} trials)")
    if limits.duration is not None and snapshot.elapsed >= limits.duration:
        return End("durationSpent", f"the study ran for its {limits.duration:g} s (limits.duration)")
    if limits.trials is not None and snapshot.total >= limits.trials and not running:
        return End("trialsUsedUp", f"all {limits.trials} trials were run (limits.trials)")
    if snapshot.oracle is Oracle.WAITS and not running and not _work_left(snapshot):
        return End("algorithmFailed", "the algorithm waits for results while no trial runs")
    return None


def _work_left(snapshot: Snapshot) -> bool:
    """Whether an assignment is at hand that the trial limit still has room for."""
    return snapshot.initial_left + snapshot.proposals > 0 and _room(snapshot) > 0


def _room(snapshot: Snapshot) -> int:
    """Trials that the limit still allows; without a limit, as many as can run."""
    limit = snapshot.spec.limits.trials
    return snapshot.spec.limits.parallel if limit is None else limit - snapshot.total


def _go_on(snapshot: Snapshot) -> list[Action]:
    end = end_of(snapshot)
    if end is not None:
        return [end]
    actions: list[Action] = list(_overdue(snapshot))
    if snapshot.state is StudyState.RUNNING:
        actions += _launches(snapshot)
        actions += _refill(snapshot)
    actions += _stopped_before_launch(snapshot)
    return actions + _wake(snapshot)


def _overdue(snapshot: Snapshot) -> list[Stop]:
    limit = snapshot.spec.limits.trial_duration
    if limit is None:
        return []
    reason = f"the attempt took longer than {limit:g} s (limits.trialDuration)"
    return [
        Stop(trial.number, StopKind.TIMEOUT, reason)
        for trial in snapshot.trials
        if _stoppable(trial) and (started := _running_since(trial)) is not None and snapshot.now >= started + limit
    ]


def _running_since(trial: LiveTrial) -> float | None:
    """When its attempt started; None: it has not, because it waits for its place or for a worker."""
    return trial.attempt_started if trial.state is TrialState.RUNNING else None


def _stoppable(trial: LiveTrial) -> bool:
    return trial.attempt_open and trial.stop is None


def _launches(snapshot: Snapshot) -> list[Launch]:
    slots = snapshot.spec.limits.parallel - sum(trial.attempt_open for trial in snapshot.trials)
    due = [trial.number for trial in snapshot.trials if _due(trial, snapshot.now)]
    return [Launch(number) for number in due[: max(slots, 0)]]


def _due(trial: LiveTrial, now: float) -> bool:
    waiting = trial.state is TrialState.PENDING and not trial.attempt_open and trial.stop is None
    return waiting and (trial.not_before is None or trial.not_before <= now)


def _refill(snapshot: Snapshot) -> list[Action]:
    """Make or ask for as many trials as have a place to run and are allowed.

    A trial that waits for its retry holds no place: others run meanwhile.
    """
    holding = sum(trial.attempt_open or _due(trial, snapshot.now) for trial in snapshot.trials)
    wanted = min(snapshot.spec.limits.parallel - holding, _room(snapshot))
    if wanted <= 0:
        return []
    at_hand = min(wanted, snapshot.initial_left + snapshot.proposals)
    actions: list[Action] = [Create(at_hand)] if at_hand else []
    if wanted > at_hand and snapshot.oracle is Oracle.READY and not actions:
        actions.append(Ask(wanted - at_hand))
    return actions


def _stopped_before_launch(snapshot: Snapshot) -> list[Action]:
    return [
        Drop(trial.number, STOPPED)
        for trial in snapshot.trials
        if trial.state is TrialState.PENDING and not trial.attempt_open and trial.stop is StopKind.KILL
    ]


def _wake(snapshot: Snapshot) -> list[Action]:
    """The earliest moment at which time alone changes what is decided."""
    spec, times = snapshot.spec, [t.not_before for t in snapshot.trials if t.not_before and t.not_before > snapshot.now]
    if spec.limits.trial_duration is not None:
        times += [since + spec.limits.trial_duration for t in snapshot.trials if (since := _running_since(t))]
    if spec.limits.duration is not None and snapshot.state is StudyState.RUNNING:
        times.append(snapshot.now + spec.limits.duration - snapshot.elapsed)
    later = [time for time in times if time > snapshot.now]
    return [WakeAt(min(later))] if later else []


def _wind_down(snapshot: Snapshot) -> list[Action]:
    """Let running trials end, or stop them, and drop those that never ran; then finish."""
    if not snapshot.trials:
        return [Finish(final_state(snapshot))]
    actions: list[Action] = [Drop(trial.number, snapshot.reason) for trial in snapshot.trials if not trial.attempt_open]
    waits = snapshot.spec.on_completion is OnCompletion.WAIT and snapshot.reason != STOPPED
    reason = f"the study ended: {snapshot.reason}"
    if waits:
        actions += [Stop(t.number, StopKind.KILL, reason) for t in snapshot.trials if _offered(t, snapshot)]
        return [*actions, *_overdue(snapshot), *_wake(snapshot)]
    actions += [Stop(t.number, StopKind.KILL, reason) for t in snapshot.trials if _must_die(t)]
    return actions


def _offered(trial: LiveTrial, snapshot: Snapshot) -> bool:
    """No worker has it yet, so nothing of it runs that could be waited for."""
    return snapshot.spec.trial.workers and trial.state is TrialState.PENDING and _must_die(trial)


def _must_die(trial: LiveTrial) -> bool:
    """An interrupted trial of a study that ends will not run again, so it is killed instead."""
    return trial.attempt_open and trial.stop in (None, StopKind.INTERRUPT)


def final_state(snapshot: Snapshot) -> StudyState:
    """Where a study goes from Ending."""
    if snapshot.reason == STOPPED:
        return StudyState.STOPPED
    bad = snapshot.reason in ("tooManyFailures", "algorithmFailed") or snapshot.succeeded == 0
    return StudyState.FAILED if bad else StudyState.SUCCEEDED
