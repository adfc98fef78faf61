"""Staying with a study until it ends: what is heard goes to the display, Ctrl-C to the manager."""

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from tunesmith.client import _result
from tunesmith.client._client import Client
from tunesmith.client._display import Display
from tunesmith.client._errors import PlatformFailed
from tunesmith.client._format import plural
from tunesmith.client._interrupts import Interrupts
from tunesmith.client._progress import Progress
from tunesmith.client._terminal import safe
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.client._watch import AllEnded, Broken, Ended, Found, Interrupt, Lost, News, Told, Watch
from tunesmith.services import errors
from tunesmith.study import StudyState, TrialState

FAULTS = {"diskFull": 3.0, "platformAway": 300.0}
"""Reasons by which a manager tells that it cannot go on for now, and the seconds that we give it to get well."""
_TICK = 0.25
"""Seconds after which the display is refreshed although nothing was heard."""
_LAST_WORDS = 2.0
"""Seconds that the last trials have to be told when the study has ended."""
_RUNNING_SHOWN = 4
_FAILED = (TrialState.FAILED, TrialState.METRICS_UNAVAILABLE)


@dataclass(slots=True)
class Follower:
    """Follows one study.

    Attributes:
        client: Reaches its manager.
        study: As it was told last.
        display: Where it is shown.
        interrupts: Ctrl-C, where it stops the running trials; else it only leaves.
        shows_running: Whether the display has room for the trials that run.
        clock: Monotonic seconds.
    """

    client: Client
    study: Study
    display: Display
    interrupts: Interrupts
    shows_running: bool = False
    clock: Callable[[], float] = time.monotonic
    interrupted: bool = False
    _told_at: float = 0.0
    _running: tuple[Trial, ...] = ()
    _running_at: float = float("-inf")
    _failure_shown: bool = False
    _fault_since: float | None = None
    _all_told: bool = False

    def follow(self, watch: Watch) -> bool:
        """Follow until the study has ended (True), or was interrupted (False).

        Raises:
            TryAgain: The manager is gone for good.
            PlatformFailed: It cannot go on, and says so for too long.
            NotFound: The study was deleted.
            KeyboardInterrupt: The user pressed Ctrl-C twice, or once where that only leaves.
        """
        self._told_at = self.clock()
        self.interrupts.listen(lambda: watch.news.put(Interrupt()))
        watch.start()
        try:
            while not self._over():
                self._hear(_next(watch.news))
                self._check_fault()
                self._draw()
            self._hear_last_trials(watch)
        finally:
            watch.leave()
            self.display.close()
        return self.study.state.final

    def _over(self) -> bool:
        if self.study.state.final:
            return True
        return self.interrupted and self.study.state is StudyState.PAUSED and not self.study.counts.running

    def _hear_last_trials(self, watch: Watch) -> None:
        """The end of a study and that of its last trials come by two streams, in any order."""
        end = self.clock() + _LAST_WORDS
        while watch.tells_trials and self.study.state.final and not self._all_told and self.clock() < end:
            self._hear(_next(watch.news))

    def _hear(self, news: News | None) -> None:
        match news:
            case AllEnded():
                self._all_told = True
            case Told(study, at):
                self._tell_pause(study)
                self.study, self._told_at = study, at
                self._look_at_failures()
                self._look_at_running()
            case Ended(trials):
                self.display.ended(self.study, trials)
            case Lost():
                self.display.say(["The manager went away; its trials go on. Looking for it..."])
            case Found():
                self.display.say(["The manager answers again; the study goes on."])
            case Broken(errors.NotFound() as error):
                raise errors.NotFound(f"{error.message} any more: somebody deleted it, or its database was removed")
            case Broken(error):
                raise error
            case Interrupt():
                self._interrupt()

    def _tell_pause(self, study: Study) -> None:
        """Somebody else paused it, or goes on."""
        paused, was = study.state is StudyState.PAUSED, self.study.state is StudyState.PAUSED
        if paused and not was and not self.interrupted:
            name, how = safe(study.name), _result.state_text("paused", study.reason)
            self.display.say([f"Study {name} is {how}; `tunesmith resume {name}` goes on."])
        elif was and study.state is StudyState.RUNNING and not self.interrupted:  # what was under way may come late
            self.display.say([f"Study {safe(study.name)} goes on."])

    def _interrupt(self) -> None:
        count = self.study.counts.running
        waits = f"Stopping {plural(count, 'running trial')}" if count else "Stopping"
        self.display.say([f"{waits}... (Ctrl-C again leaves at once)"])
        self.interrupted = True
        try:
            self.study = self.client.stop(self.study.name, interrupt=True)
        except errors.NotNow:
            return  # it has ended at the same time, which we are about to be told

    def _draw(self) -> None:
        now = self.clock()
        self.display.show(Progress(self.study, max(now - self._told_at, 0.0), self._running), now)

    def _check_fault(self) -> None:
        """Give up on a platform that is in trouble for longer than it may be."""
        patience = None if self.study.state.final else FAULTS.get(self.study.reason)
        if patience is None:
            if self._fault_since is not None and not self.study.state.final:
                self.display.say(["The platform is well again; the study goes on."])
            self._fault_since = None
            return
        now = self.clock()
        if self._fault_since is None:
            self._fault_since = now
            self.display.say([f"The platform is in trouble: {safe(self.study.message)}"])
        if now - self._fault_since >= patience:
            full = self.study.reason == "diskFull"
            raise (errors.FreeSpace if full else PlatformFailed)(self.study.message or self.study.reason)

    def _look_at_failures(self) -> None:
        """Tell of the first failed trial, once."""
        if self._failure_shown or not self.study.counts.not_well:
            return
        try:
            if lines := first_failure(self.client, self.study):
                self.display.say(lines)
        except errors.TryAgain:
            return  # the next time that something changes
        self._failure_shown = True

    def _look_at_running(self) -> None:
        """The trials that run, at most once a second: that is one short call, however many trials end in it."""
        now = self.clock()
        if not self.shows_running or now - self._running_at < 1.0:
            return
        self._running_at = now
        try:
            found = self.client.trials(self.study.name, states=[TrialState.RUNNING], limit=_RUNNING_SHOWN)
        except errors.TunesmithError:
            return  # an ornament
        self._running = tuple(found)


def first_failure(client: Client, study: Study) -> list[str]:
    """What to tell of the first trial that failed; nothing when there is none."""
    found = client.trials(study.name, states=_FAILED, limit=1)
    if not found:
        return []
    try:
        log = b"".join(client.logs(study.name, found[0].name, tail_bytes=_result.LOG_BYTES))
    except errors.NotFound:
        log = b""
    return _result.failure_lines(study, found[0], log)


def _next(news: "queue.SimpleQueue[News]") -> News | None:
    try:
        return news.get(timeout=_TICK)
    except queue.Empty:
        return None
