"""What `decide` answers, case by case, and a machine that plays a whole study against it."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tunesmith.manager._decide import (
    Action,
    Ask,
    Begin,
    Create,
    Drop,
    End,
    Finish,
    Launch,
    Stop,
    WakeAt,
    decide,
)
from tunesmith.manager._snapshot import LiveTrial, Oracle, Snapshot, StopKind
from tunesmith.study import (
    DoubleDomain,
    Limits,
    Objective,
    ObjectiveType,
    OnCompletion,
    Parameter,
    SearchSpace,
    StudySpec,
    StudyState,
    TrialState,
    TrialTemplate,
)

P, R = TrialState.PENDING, TrialState.RUNNING

SPEC = StudySpec(
    objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
    space=SearchSpace((Parameter("x", DoubleDomain(0.0, 1.0)),)),
    trial=TrialTemplate(("true",)),
    limits=Limits(trials=10, parallel=2, failed=3),
)


def snap(**changes: object) -> Snapshot:
    base = Snapshot(
        spec=SPEC,
        state=StudyState.RUNNING,
        reason="",
        counts={},
        total=0,
        best_value=None,
        elapsed=0.0,
        trials=(),
        initial_left=0,
        proposals=0,
        oracle=Oracle.READY,
        now=1000.0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def limits(**changes: object) -> StudySpec:
    return replace(SPEC, limits=replace(SPEC.limits, **changes))  # type: ignore[arg-type]


def running(number: int, **changes: object) -> LiveTrial:
    return replace(LiveTrial(number, R, True, attempt_started=990.0), **changes)  # type: ignore[arg-type]


GOAL = replace(SPEC, objectives=(replace(SPEC.objective, goal=0.1),))
WAIT = replace(SPEC, on_completion=OnCompletion.WAIT)
USED_UP = End("trialsUsedUp", "all 10 trials were run (limits.trials)")
EXHAUSTED = End("exhausted", "every assignment of the search space was tried (3 trials)")
SPENT = End("durationSpent", "the study ran for its 60 s (limits.duration)")
FAILURES = End("tooManyFailures", "4 trials failed; at most 3 may (limits.failed)")
DEADLOCK = End("algorithmFailed", "the algorithm waits for results while no trial runs")
TIMEOUT = "the attempt took longer than 10 s (limits.trialDuration)"

CASES: list[tuple[str, Snapshot, list[Action]]] = [
    ("a new study begins", snap(state=StudyState.CREATED), [Begin()]),
    ("free slots are asked for", snap(), [Ask(2)]),
    ("no second call while one is under way", snap(oracle=Oracle.ASKED), []),
    ("no call while the service waits for results", snap(oracle=Oracle.WAITS, trials=(running(0),)), []),
    ("proposals become trials", snap(proposals=5), [Create(2)]),
    ("initial assignments become trials", snap(initial_left=1, oracle=Oracle.ASKED), [Create(1)]),
    ("what is at hand comes before a call", snap(initial_left=1), [Create(1)]),
    ("not above the trial limit", snap(total=9, proposals=5), [Create(1)]),
    ("a pending trial is launched", snap(total=1, trials=(LiveTrial(0, P, False),), oracle=Oracle.ASKED), [Launch(0)]),
    (
        "not above the parallel limit",
        snap(total=3, trials=(running(0), running(1), LiveTrial(2, P, False))),
        [],
    ),
    (
        "a retry waits for its time, and holds no place",
        snap(total=1, trials=(LiveTrial(0, P, False, not_before=1005.0),)),
        [Ask(2), WakeAt(1005.0)],
    ),
    (
        "a retry that is due is launched before new trials",
        snap(total=2, trials=(running(1), LiveTrial(0, P, False, not_before=999.0))),
        [Launch(0)],
    ),
    ("a paused study launches nothing", snap(state=StudyState.PAUSED, trials=(LiveTrial(0, P, False),)), []),
    (
        "a pending trial that is to stop is dropped",
        snap(total=10, trials=(LiveTrial(0, P, False, stop=StopKind.KILL),)),
        [Drop(0, "stopped")],
    ),
    ("goal", snap(spec=GOAL, best_value=0.1), [End("goalReached", "loss reached 0.1; the goal is 0.1")]),
    ("goal missed", snap(spec=GOAL, best_value=0.11, oracle=Oracle.ASKED), []),
    (
        "goal reached while paused",
        snap(spec=GOAL, best_value=0.0, state=StudyState.PAUSED),
        [End("goalReached", "loss reached 0.0; the goal is 0.1")],
    ),
    (
        "failures at the limit",
        snap(counts={TrialState.FAILED: 2, TrialState.METRICS_UNAVAILABLE: 1}, oracle=Oracle.ASKED),
        [],
    ),
    ("failures above the limit", snap(counts={TrialState.FAILED: 2, TrialState.METRICS_UNAVAILABLE: 2}), [FAILURES]),
    (
        "goal comes before failures",
        snap(spec=GOAL, best_value=0.0, counts={TrialState.FAILED: 9}),
        [End("goalReached", "loss reached 0.0; the goal is 0.1")],
    ),
    ("exhausted", snap(oracle=Oracle.EXHAUSTED, total=3), [EXHAUSTED]),
    ("exhausted waits for what runs", snap(oracle=Oracle.EXHAUSTED, total=3, trials=(running(2),)), []),
    ("exhausted, but proposals are left", snap(oracle=Oracle.EXHAUSTED, total=3, proposals=1), [Create(1)]),
    (
        "exhausted waits for retries",
        snap(oracle=Oracle.EXHAUSTED, total=3, trials=(LiveTrial(2, P, False, 1005.0),)),
        [WakeAt(1005.0)],
    ),
    ("used up", snap(total=10), [USED_UP]),
    ("used up waits for what runs", snap(total=10, trials=(running(9),)), []),
    ("duration spent", snap(spec=limits(duration=60.0), elapsed=60.0, trials=(running(0),)), [SPENT]),
    ("duration not spent", snap(spec=limits(duration=60.0), elapsed=50.0, oracle=Oracle.ASKED), [WakeAt(1010.0)]),
    ("an algorithm that waits for nothing", snap(oracle=Oracle.WAITS), [DEADLOCK]),
    ("a broken algorithm", snap(fault="boom", trials=(running(0),)), [End("algorithmFailed", "boom")]),
    (
        "an overdue trial",
        snap(spec=limits(trial_duration=10.0, parallel=1), trials=(running(0),)),
        [Stop(0, StopKind.TIMEOUT, TIMEOUT)],
    ),
    ("a trial not overdue", snap(spec=limits(trial_duration=11.0, parallel=1), trials=(running(0),)), [WakeAt(1001.0)]),
    (
        "a trial that waits for its place is not overdue",
        snap(spec=limits(trial_duration=5.0, parallel=1), trials=(running(0, state=P),)),
        [],
    ),
    (
        "an overdue trial is stopped once",
        snap(spec=limits(trial_duration=5.0, parallel=1), trials=(running(0, stop=StopKind.TIMEOUT),)),
        [],
    ),
    (
        "ending drops what never ran",
        snap(state=StudyState.ENDING, reason="goalReached", trials=(LiveTrial(0, P, False),)),
        [Drop(0, "goalReached")],
    ),
    (
        "ending stops what runs",
        snap(state=StudyState.ENDING, reason="goalReached", trials=(running(0), running(1, stop=StopKind.INTERRUPT))),
        [
            Stop(0, StopKind.KILL, "the study ended: goalReached"),
            Stop(1, StopKind.KILL, "the study ended: goalReached"),
        ],
    ),
    (
        "ending waits for what stops",
        snap(state=StudyState.ENDING, reason="stopped", trials=(running(0, stop=StopKind.KILL),)),
        [],
    ),
    (
        "onCompletion wait lets trials run",
        snap(spec=WAIT, state=StudyState.ENDING, reason="goalReached", trials=(running(0),)),
        [],
    ),
    (
        "nobody waits for what no worker has yet",
        snap(
            spec=replace(WAIT, trial=TrialTemplate(workers=True)),
            state=StudyState.ENDING,
            reason="goalReached",
            trials=(running(0), running(1, state=P), running(2, state=P, stop=StopKind.KILL)),
        ),
        [Stop(1, StopKind.KILL, "the study ended: goalReached")],
    ),
    (
        "what is being launched is waited for",
        snap(spec=WAIT, state=StudyState.ENDING, reason="goalReached", trials=(running(0, state=P),)),
        [],
    ),
    (
        "a user's stop does not wait",
        snap(spec=WAIT, state=StudyState.ENDING, reason="stopped", trials=(running(0),)),
        [Stop(0, StopKind.KILL, "the study ended: stopped")],
    ),
    (
        "the end, well",
        snap(state=StudyState.ENDING, reason="trialsUsedUp", counts={TrialState.SUCCEEDED: 1}),
        [Finish(StudyState.SUCCEEDED)],
    ),
    (
        "the end, with nothing that succeeded",
        snap(state=StudyState.ENDING, reason="trialsUsedUp"),
        [Finish(StudyState.FAILED)],
    ),
    (
        "the end, by its user",
        snap(state=StudyState.ENDING, reason="stopped", counts={TrialState.SUCCEEDED: 1}),
        [Finish(StudyState.STOPPED)],
    ),
    (
        "the end, by failures",
        snap(state=StudyState.ENDING, reason="tooManyFailures", counts={TrialState.SUCCEEDED: 1}),
        [Finish(StudyState.FAILED)],
    ),
    ("nothing after the end", snap(state=StudyState.SUCCEEDED), []),
]


@pytest.mark.parametrize(("snapshot", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_truth_table(snapshot: Snapshot, expected: list[Action]) -> None:
    assert decide(snapshot) == expected


class Played(RuleBasedStateMachine):
    """A study in memory: its actions are applied, trials end as Hypothesis says, and its promises are watched."""

    @initialize(
        trials=st.one_of(st.none(), st.integers(1, 12)),
        parallel=st.integers(1, 4),
        failed=st.integers(0, 5),
        wait=st.booleans(),
        space=st.integers(1, 15),
    )
    def begin(self, trials: int | None, parallel: int, failed: int, wait: bool, space: int) -> None:
        on_completion = OnCompletion.WAIT if wait else OnCompletion.STOP
        spec = replace(GOAL, limits=Limits(trials, parallel, failed), on_completion=on_completion)
        self.snapshot = snap(spec=spec, state=StudyState.CREATED)
        self.space = space
        self.launched: list[int] = []
        self.settle()

    def change(self, **changes: object) -> None:
        self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]

    def settle(self) -> None:
        """Apply until `decide` is content; it must be soon."""
        for _ in range(100):
            actions = [action for action in decide(self.snapshot) if not isinstance(action, WakeAt)]
            if not actions:
                return
            for action in actions:
                self.apply(action)
        raise AssertionError(f"decide never rests: {self.snapshot}")

    def apply(self, action: Action) -> None:
        s = self.snapshot
        match action:
            case Begin():
                self.change(state=StudyState.RUNNING)
            case Ask(count):
                left = self.space - s.total
                answered = min(count, left)
                self.change(proposals=s.proposals + answered, oracle=Oracle.READY if answered else Oracle.EXHAUSTED)
            case Create(count):
                new = tuple(LiveTrial(s.total + i, P, False) for i in range(count))
                self.change(trials=s.trials + new, total=s.total + count, proposals=s.proposals - count)
            case Launch(number):
                self.launched.append(number)
                self.update(number, state=R, attempt_open=True, attempt_started=s.now)
            case Stop(number, kind, _):
                self.update(number, stop=kind)
            case Drop(number, _):
                self.finish(number, TrialState.KILLED)
            case End(reason, _):
                assert s.state in (StudyState.RUNNING, StudyState.PAUSED)
                self.change(state=StudyState.ENDING, reason=reason)
            case Finish(state):
                assert not s.trials
                self.change(state=state)

    def update(self, number: int, **changes: object) -> None:
        trials = tuple(
            replace(t, **changes) if t.number == number else t  # type: ignore[arg-type]
            for t in self.snapshot.trials
        )
        self.change(trials=trials)

    def finish(self, number: int, state: TrialState) -> None:
        counts = dict(self.snapshot.counts)
        counts[state] = counts.get(state, 0) + 1
        self.change(counts=counts, trials=tuple(t for t in self.snapshot.trials if t.number != number))

    @property
    def open(self) -> list[LiveTrial]:
        return [trial for trial in self.snapshot.trials if trial.attempt_open]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), value=st.floats(0, 1), ends=st.sampled_from(["ok", "fail", "retry"]))
    def trial_ends(self, data: st.DataObject, value: float, ends: str) -> None:
        trial = data.draw(st.sampled_from(self.open))
        if trial.stop is StopKind.KILL:
            self.finish(trial.number, TrialState.KILLED)
        elif ends == "retry" or trial.stop is StopKind.INTERRUPT:
            self.update(trial.number, state=P, attempt_open=False, stop=None, not_before=self.snapshot.now + 5)
        elif ends == "fail":
            self.finish(trial.number, TrialState.FAILED)
        else:
            best = self.snapshot.best_value
            self.finish(trial.number, TrialState.SUCCEEDED)
            self.change(best_value=value if best is None else min(value, best))
        self.settle()

    @rule(seconds=st.integers(1, 10))
    def time_passes(self, seconds: int) -> None:
        self.change(now=self.snapshot.now + seconds)
        self.settle()

    @precondition(lambda self: self.snapshot.state is StudyState.RUNNING)
    @rule(interrupt=st.booleans())
    def pause(self, interrupt: bool) -> None:
        self.change(state=StudyState.PAUSED)
        if interrupt:
            for trial in self.open:
                self.update(trial.number, stop=trial.stop or StopKind.INTERRUPT)
        self.settle()

    @precondition(lambda self: self.snapshot.state is StudyState.PAUSED)
    @rule()
    def resume(self) -> None:
        self.change(state=StudyState.RUNNING)
        self.settle()

    @precondition(lambda self: self.snapshot.state in (StudyState.RUNNING, StudyState.PAUSED))
    @rule()
    def stop(self) -> None:
        self.change(state=StudyState.ENDING, reason="stopped")
        self.settle()

    @invariant()
    def within_limits(self) -> None:
        s = self.snapshot
        assert len(self.open) <= s.spec.limits.parallel
        assert s.total <= (s.spec.limits.trials or self.space)
        assert s.total <= self.space

    @invariant()
    def never_stuck(self) -> None:
        """A study that goes on has something running, something due later, or something proposed."""
        s = self.snapshot
        if s.state is StudyState.RUNNING:
            assert s.trials
        if s.state is StudyState.ENDING:
            assert self.open

    @invariant()
    def no_trial_left_at_the_end(self) -> None:
        if self.snapshot.state.final:
            assert not self.snapshot.trials


Played.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestPlayed = Played.TestCase
