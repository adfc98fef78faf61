"""A study's changes as they come, through deaths of its manager, in a queue that a display can wait at."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tunesmith.client._client import Client
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.services import errors

_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0)
"""Seconds before each further attempt to open a stream that breaks without having told anything; then we give up."""


@dataclass(frozen=True, slots=True)
class Told:
    """The study changed."""

    study: Study
    at: float
    """When it was told, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Trials ended."""

    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class AllEnded:
    """No more trials will be told."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The manager went away; it is looked for, and a local one started again."""


@dataclass(frozen=True, slots=True)
class Found:
    """A manager answers again."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing more will come."""

    error: errors.TunesmithError


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The user pressed Ctrl-C."""


News = Told | Ended | AllEnded | Lost | Found | Broken | Interrupt


class Watch:
    """Follows a study in threads of its own and puts what it hears into `news`; ends with a final study, or `Broken`.

    Args:
        client: Reaches the manager.
        name: The study.
        trials: Also tell which trials end, after `since_revision`.
        since_revision: Revision of the study from which on trials are told.
        sleep: Waits.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        *,
        trials: bool = False,
        since_revision: int = 0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._client = client
        self._name = name
        self._revision = since_revision
        self._sleep = sleep
        self._left = threading.Event()
        self.tells_trials = trials

    def start(self) -> None:
        """Begin. The threads end with the process."""
        for follow in [self._studies, *([self._trials] if self.tells_trials else [])]:
            threading.Thread(target=follow, daemon=True).start()

    def leave(self) -> None:
        """Tell nothing more."""
        self._left.set()

    def _studies(self) -> None:
        self._follow(self._told)

    def _told(self) -> Iterator[bool]:
        for study in self._client.watch(self._name):
            self.news.put(Told(study, time.monotonic()))
            yield study.state.final

    def _trials(self) -> None:
        self._follow(self._ended, tells=False)
        self.news.put(AllEnded())

    def _ended(self) -> Iterator[bool]:
        for trials, revision in self._client.watch_trials(self._name, self._revision):
            self._revision = revision
            self.news.put(Ended(tuple(trial for trial in trials if trial.state.final)))
            yield False

    def _follow(self, stream: Callable[[], Iterator[bool]], *, tells: bool = True) -> None:
        """Read a stream until it says that it is done, and open it anew whenever the manager goes away."""
        silent = 0
        lost = False
        while not self._left.is_set():
            try:
                for done in stream():
                    silent = 0
                    if lost and tells:
                        self.news.put(Found())
                    lost = False
                    if done or self._left.is_set():
                        return
                error: errors.TryAgain = errors.CheckAddress("the manager ended the call")
                if not tells:
                    return  # the stream of trials ends with the study
            except errors.TryAgain as problem:
                error = problem
            except errors.TunesmithError as problem:
                if tells:
                    self.news.put(Broken(problem))
                return
            if not self._again(error, silent, tells=tells and not lost):
                return
            silent, lost = silent + 1, True

    def _again(self, error: errors.TryAgain, silent: int, *, tells: bool) -> bool:
        """Whether to open the stream once more, after a pause."""
        if silent >= len(_PAUSES):
            self.news.put(Broken(error))
            return False
        if tells:
            self.news.put(Lost())
        self._sleep(_PAUSES[silent])
        return True
