"""The studies that the service holds between calls: the most recently used ones, within bounds."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tunesmith.study import StudySpec
from tunesmith.suggestion._algorithm import Algorithm, StudyView
from tunesmith.suggestion._history import History
from tunesmith.suggestion._settings import Settings
from tunesmith.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class Job:
    """What a study's spec comes to. `message` is the spec as it came, by which a changed one is known."""

    message: types_pb2.StudySpec
    spec: StudySpec
    algorithm: Algorithm
    settings: Settings
    seed: int


@dataclass(slots=True)
class Held:
    """One study at a revision. Changed only under the study's lock."""

    uid: str
    job: Job
    history: History
    revision: int = 0
    digest: int = 0
    memo: dict[str, Any] = field(default_factory=dict)

    def view(self) -> StudyView:
        """Show it to an algorithm."""
        job, history = self.job, self.history
        return StudyView(
            self.uid, job.spec, job.seed, job.settings, history.records, history.tried, history.log, self.memo
        )


class Studies:
    """Held studies by uid, and a lock for each that is in use. Belongs to one event loop.

    Nothing is lost with a study that is dropped: the caller is asked for its history again.
    """

    def __init__(self, most_studies: int = 256, most_trials: int = 250_000) -> None:
        """Bound the studies that are held, and the trials of all of them; the last used one is always held."""
        self._most_studies, self._most_trials = most_studies, most_trials
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._trials = 0
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        """Count the studies that are held."""
        return len(self._held)

    def get(self, uid: str) -> Held | None:
        """Return what is held of a study, and count that as a use."""
        if found := self._held.get(uid):
            self._held.move_to_end(uid)
        return found

    def put(self, held: Held) -> None:
        """Hold a study as it is now, and drop those used least recently when that is too much."""
        self.drop(held.uid)
        self._held[held.uid] = held
        self._sizes[held.uid] = len(held.history)
        self._trials += len(held.history)
        while len(self._held) > 1 and (len(self._held) > self._most_studies or self._trials > self._most_trials):
            self.drop(next(iter(self._held)))

    def drop(self, uid: str) -> None:
        """Hold nothing of a study any more."""
        if self._held.pop(uid, None) is not None:
            self._trials -= self._sizes.pop(uid)

    @asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:
        """Let one call at a time work on a study, whether it is held or not."""
        lock, users = self._locks.get(uid, (asyncio.Lock(), 0))
        self._locks[uid] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(uid)
            if users > 1:
                self._locks[uid] = (lock, users - 1)
