"""One study's loop: observe, decide, apply. The only writer of the study's trials while it holds the lease.

A round is one transaction (what was observed is recorded, `decide` is asked until it is content, its intents are
recorded) followed by what it calls for outside: launches, stops, a call of the suggestion service. Any part may be the
last thing that this process does; what the store holds then is enough for the next one to go on from.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from tunesmith.manager._apply import Outside, Round
from tunesmith.manager._attempts import Watched
from tunesmith.manager._context import Context, checkpoints, folder_of, prepared, watched
from tunesmith.manager._inherit import inherit
from tunesmith.manager._patience import FIRST_DELAY, LAST_DELAY, patiently
from tunesmith.manager._reading import Reader
from tunesmith.manager._snapshot import Oracle
from tunesmith.manager._suggester import Reply
from tunesmith.manager._weighing import Weigher
from tunesmith.manager.storage import Fence, Fenced, NewTrial, StudyRow, TrialRow, Tx
from tunesmith.services.errors import FreeSpace, TryAgain, TunesmithError
from tunesmith.study import TrialState

log = logging.getLogger(__name__)

LATER = 0.05
"""Seconds after which a launch is recorded, when no round was before: a trial that ends sooner needs none for it."""
GRACE = 10.0
"""Seconds between TERM and KILL."""
NOTICE = 30.0
"""Seconds before TERM for a trial that is stopped early and looks whether it should stop: it may save its state."""
AHEAD = 16
"""Proposals asked for at a time when they do not depend on results."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a study cannot go on for now."""

    reason: str
    message: str


@dataclass(slots=True)
class StudyLoop:
    """Drives one study until it is final, another manager took it, or its task is cancelled."""

    uid: str
    fence: Fence
    context: Context
    attempts: dict[int, Watched] = field(default_factory=dict)
    """What is watched, by number of the trial."""
    proposals: deque[tuple[int, NewTrial]] = field(default_factory=deque)
    """Suggestions that have no trial yet, by the number they are for."""
    oracle: Oracle = Oracle.READY
    broken: str | None = None
    fault: Fault | None = None
    final: bool = False
    idle: bool = False
    """Nothing happens until a user does something."""
    reader: Reader = field(init=False)
    weigher: Weigher | None = None
    """None: the study has no early-stopping rule, or this process has not looked yet."""
    _waits_since: int = -1  # revision at which the service said WAIT
    _line: deque[tuple[StudyRow, TrialRow]] = field(default_factory=deque)  # recorded, to be launched
    _launching: dict[int, TrialRow] = field(default_factory=dict)  # in line, or between it and `attempts`
    _stuck: int = 0  # tasks that wait for the platform to get well
    _wake_at: float | None = None
    _event: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Made in the running event loop."""
        self.reader = Reader(self.uid, self.fence, self.context)

    def wake(self) -> None:
        """Something changed: look again."""
        self._event.set()

    def reported(self) -> None:
        """Trials reported something."""
        if self.weigher is not None:
            self.weigher.reported()

    def edited(self) -> None:
        """The document changed: what the service said of the old one does not count."""
        self.proposals.clear()
        if self.oracle is not Oracle.ASKED:
            self.oracle = Oracle.READY
        self.wake()

    async def run(self) -> None:
        """Drive the study. Faults of the platform are waited out; nothing that was observed is lost meanwhile."""
        delay, adopted = FIRST_DELAY, False
        try:
            while not self.final:
                try:
                    if not adopted:
                        await self._adopt()
                        adopted = True
                    await self._round()
                    delay = FIRST_DELAY
                    if not self.final:
                        await self._wait()
                except (FreeSpace, TryAgain) as error:
                    adopted = False  # a commit may have succeeded without our knowing
                    self._trouble(error)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LAST_DELAY)
        except Fenced:
            log.warning("study %s: another manager drives it now", self.uid)
        finally:
            await self._close()

    async def _close(self) -> None:
        """End this loop's own tasks; trials keep running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for attempt in self.attempts.values():
            self.context.watchers.pop(attempt.key, None)
        self.context.decider.forget(self.uid)

    def _trouble(self, error: TunesmithError) -> None:
        fault = Fault("diskFull" if isinstance(error, FreeSpace) else "platformAway", str(error))
        if fault != self.fault:
            log.error("study %s is in trouble: %s", self.uid, error)
        self.fault = fault
        self.context.changed(self.uid)

    async def _sit_out(self, error: TunesmithError, delay: float) -> None:
        """Tell of a fault of the platform, and wait before it is tried again."""
        self._trouble(error)
        self._stuck += 1
        try:
            await asyncio.sleep(delay)
        finally:
            self._stuck -= 1

    async def _wait(self) -> None:
        """Sleep until something happens or the moment that `decide` named; meanwhile store what trials write."""
        while True:
            if self.attempts and self.reader.due <= 0 and await self.reader.read_running(self.attempts.values()):
                self.reported()
            left = None if self._wake_at is None else self._wake_at - self.context.clock()
            if self._event.is_set() or (left is not None and left <= 0):
                return
            due = max(self.reader.due, 0.0) if self.attempts else None
            with suppress(TimeoutError):
                async with asyncio.timeout(min((t for t in (left, due) if t is not None), default=None)):
                    await self._event.wait()

    async def _adopt(self) -> None:
        """Take up the attempts that nobody here knows of: watch those that were launched, launch the others."""
        database = self.context.database
        study, trials = await database.read(lambda tx: (tx.study(self.uid), tx.live_trials(self.uid)))
        if study.job.spec.early_stopping is not None:
            self._weigh()
        for trial in trials:
            if not trial.attempt_open or trial.number in self.attempts or trial.number in self._launching:
                continue
            offsets = await database.read(partial(_offsets, trial))
            attempt = watched(self.context.state, study, trial, offsets)
            if await self.context.launcher.adopt(trial.name, trial.attempt, attempt.folder):
                attempt.recorded = trial.state is TrialState.RUNNING
                self._watch(attempt)
            else:
                self._enqueue(study, trial)

    def _weigh(self) -> None:
        """Have the study's rule asked, also about what an earlier process did not come to ask."""
        if self.weigher is None:
            self.weigher = Weigher(self.uid, self.fence, self.context, self._sit_out, self.wake)
            self._spawn(self.weigher.run())
        self.weigher.reported()

    def _enqueue(self, study: StudyRow, trial: TrialRow) -> None:
        self._launching[trial.number] = trial
        self._line.append((study, trial))

    def _watch(self, attempt: Watched) -> None:
        self.attempts[attempt.number] = attempt
        self.context.watchers[attempt.key] = self.wake

    def _forget(self, attempt: Watched) -> None:
        del self.attempts[attempt.number]
        self.context.watchers.pop(attempt.key, None)

    async def _round(self) -> None:
        """Rounds, until there is nothing to do for now."""
        while not self.final:
            self._event.clear()
            self._take_exits()
            outside = await self._transact()
            self.context.fault_point("committed")
            await self._touch(outside)
            if not self._event.is_set():
                return

    # ---- observe

    def _take_exits(self) -> None:
        for attempt in self.reader.take_exits(self.attempts.values()):
            self._spawn(self._drain(attempt))

    async def _drain(self, attempt: Watched) -> None:
        """Read what a talkative trial left behind; then its exit is taken like any other."""
        try:
            await self.reader.drain(attempt)
        except (FreeSpace, TryAgain) as error:
            await self._sit_out(error, LAST_DELAY)
        attempt.draining = False
        self.wake()

    # ---- decide, and record

    async def _transact(self) -> Outside:
        ended = [attempt for attempt in self.attempts.values() if attempt.ending is not None]
        started = [attempt for attempt in self.attempts.values() if not attempt.recorded]
        verdicts = [] if self.weigher is None else list(self.weigher.verdicts)
        round_ = Round(
            uid=self.uid,
            now=self.context.clock(),
            ended=ended,
            started=started,
            given=tuple(self.proposals),
            verdicts=verdicts,
            oracle=partial(self._oracle_at, self.oracle),
            broken=self.broken,
            folder_of=lambda study, trial, attempt: str(folder_of(self.context.state, study, trial, attempt)),
            fault_point=self.context.fault_point,
        )
        outside = await self.context.database.write(round_.run, self.fence)
        heard = islice(self.proposals, len(round_.given), None)  # meanwhile
        self._committed(ended, started, deque([*round_.proposals, *heard]), outside)
        if self.weigher is not None:
            self.weigher.recorded(len(verdicts))
        return outside

    def _committed(
        self, ended: list[Watched], started: list[Watched], proposals: deque[tuple[int, NewTrial]], outside: Outside
    ) -> None:
        """Only now is what was handed to the store really handed over."""
        self.proposals = proposals
        for attempt in started:
            attempt.recorded = True
        for attempt in ended:
            self._forget(attempt)
            self.context.endings.pop(attempt.key, None)
            self.context.launcher.forget(*attempt.key)
        for study, trial in outside.launches:
            self._enqueue(study, trial)
        self._wake_at, self.idle, self.final = outside.wake_at, outside.idle, outside.final
        if self.fault is not None and not self._stuck:
            self.fault, outside.changed = None, True
        if outside.changed:
            self.context.changed(self.uid)

    def _oracle_at(self, believed: Oracle, revision: int) -> Oracle:
        """What the service was believed to say about a study at this revision, when the round began.

        What it says meanwhile goes with suggestions that the round does not have: that there are no more after them
        would end the study without them.
        """
        if believed is Oracle.WAITS and revision != self._waits_since:
            self.oracle = believed = Oracle.READY
        return believed

    # ---- apply, outside

    async def _touch(self, outside: Outside) -> None:
        while self._line:
            study, trial = self._line.popleft()
            self._spawn(self._launch(study, trial))
        for number, patient in outside.stops:
            await self._stop(number, NOTICE if patient else 0.0)
        if outside.ask and self.oracle is Oracle.READY:
            self.oracle = Oracle.ASKED
            self._spawn(self._ask(outside.ask, outside.room))

    async def _stop(self, number: int, notice: float) -> None:
        """Tell the launcher, once for each attempt that runs, or when there is less time than it was told.

        One that waits for its slots is told of each time.
        """
        attempt = self.attempts.get(number)
        if attempt is not None and notice < attempt.notice and attempt.ending is None:
            attempt.notice = notice
            await self.context.launcher.stop(attempt.name, attempt.attempt, GRACE, notice)
        elif number in self._launching:
            trial = self._launching[number]
            await self.context.launcher.stop(trial.name, trial.attempt, GRACE, notice)

    async def _launch(self, study: StudyRow, trial: TrialRow) -> None:
        """Launch an attempt that is recorded. One that cannot be launched for now stays in line."""
        launch, attempt = prepared(self.context.state, study, trial)
        try:
            if trial.parent is not None:
                await inherit(*checkpoints(self.context.state, study, trial, trial.parent))
            self.context.fault_point("launch")
            await self.context.launcher.launch(launch)
        except (FreeSpace, TryAgain) as error:
            await self._sit_out(error, LAST_DELAY)
            self._line.append((study, trial))
            self.wake()
            return
        self.context.fault_point("launched")
        del self._launching[trial.number]
        self._watch(attempt)
        if attempt.key in self.context.endings:
            self.wake()
        else:
            asyncio.get_running_loop().call_later(LATER, self._record, attempt)

    def _record(self, attempt: Watched) -> None:
        """See that the store knows of the launch, unless a round has told it meanwhile."""
        if not attempt.recorded and self.attempts.get(attempt.number) is attempt:
            self.wake()

    async def _ask(self, count: int, room: int) -> None:
        """Ask the suggestion service until it answers, or says that it never will."""
        self.context.fault_point("ask")
        try:
            self._heard(await patiently(partial(self._suggest, count, room), self._sit_out))
        except TunesmithError as error:
            self.broken = f"the algorithm failed: {error}"
        self.wake()

    async def _suggest(self, count: int, room: int) -> Reply:
        study = await self.context.database.read(lambda tx: tx.study(self.uid))
        if await self.context.suggester.looks_ahead(study.job.spec):
            count = min(max(AHEAD, count), room)
        return await self.context.suggester.suggest(self.uid, count)

    def _heard(self, reply: Reply) -> None:
        self.context.fault_point("asked")
        self.proposals.extend(reply.trials)
        self.oracle = Oracle.READY
        if reply.exhausted:
            self.oracle = Oracle.EXHAUSTED
        elif reply.waits:
            self.oracle, self._waits_since = Oracle.WAITS, reply.revision
        elif not reply.trials:
            self.broken = "the algorithm answered nothing, neither WAIT nor EXHAUSTED"

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("study %s: an error of the manager", self.uid, exc_info=error)
            self.broken = f"an error of the manager: {error!r}"
            self.wake()


def _offsets(trial: TrialRow, tx: Tx) -> dict[str, int]:
    return tx.offsets(trial.id, trial.attempt)
