"""The trials of studies that are looked at, kept so that a page of 10,000 sorted ones needs only what changed."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from google.protobuf.field_mask_pb2 import FieldMask

from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.services.errors import TunesmithError
from tunesmith.study import TrialState
from tunesmith.ui._manager import Manager, study_key
from tunesmith.v1 import manager_pb2 as pb

BRIEF = ("name", "number", "state", "assignment", "value", "parent", "finished")
"""Fields of trials that most of those who look at all of a study need: a quarter of the work of all fields."""
_BOOKS = 32
_PATIENCE = 5.0
"""Seconds that a manager may take to tell what it says has changed, or more of it."""


@dataclass(slots=True)
class _Book:
    """Trials of one study by number, as of a revision. `whole`: all of each, and not what is BRIEF alone."""

    whole: bool
    revision: int = 0
    trials: dict[int, Trial] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def fields(self) -> Sequence[str]:
        """What is asked of trials; empty: everything."""
        return () if self.whole else BRIEF


class Shelf:
    """Trials by study. They are given only to whom the manager has just shown the study itself."""

    def __init__(self) -> None:
        """It is empty."""
        self._books: OrderedDict[tuple[str, bool], _Book] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def trials(self, manager: Manager, study: Study, *, whole: bool = False) -> list[Trial]:
        """The trials of a study by number, as of now.

        Args:
            manager: As whoever asks sees it.
            study: As it was just told to them.
            whole: Whether more of them is needed than what is BRIEF.
        """
        book = self._book(study.uid, whole)
        async with book.lock:
            if study.revision > book.revision:
                await _catch_up(book, manager, study)
            if study.counts.running or study.counts.pending:
                # Their metrics change without a new revision.
                key, live = study_key(study.namespace, study.name), (TrialState.PENDING, TrialState.RUNNING)
                book.trials.update({trial.number: trial for trial in await manager.trials(key, live, book.fields)})
            return [book.trials[number] for number in sorted(book.trials)]

    def fetch(self, manager: Manager, study: Study, *, whole: bool) -> None:
        """Begin to read its trials, because a figure of them will be asked for in a moment."""
        if not study.counts.total or (study.uid, True) in self._books or (study.uid, whole) in self._books:
            return

        async def read() -> None:
            with suppress(TunesmithError):  # whoever asks next is told
                await self.trials(manager, study, whole=whole)

        task = asyncio.create_task(read())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Read no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _book(self, uid: str, whole: bool) -> _Book:
        if whole:
            self._books.pop((uid, False), None)  # nobody would look into it again
        whole = whole or (uid, True) in self._books
        book = self._books.pop((uid, whole), None) or _Book(whole)
        self._books[uid, whole] = book
        while len(self._books) > _BOOKS:
            self._books.popitem(last=False)
        return book


async def _catch_up(book: _Book, manager: Manager, study: Study) -> None:
    """Hear what changed up to the study's revision; the stream would go on with what changes next."""
    key, mask, loop = study_key(study.namespace, study.name), FieldMask(paths=book.fields), asyncio.get_running_loop()
    request = pb.WatchTrialsRequest(study=key, since_revision=book.revision, read_mask=mask)
    try:
        replies = manager.line.stream("WatchTrials", request)
        async with asyncio.timeout(_PATIENCE) as limit, aclosing(replies):
            async for reply in replies:
                book.trials.update({trial.number: Trial.from_proto(trial) for trial in reply.trials})
                book.revision = reply.revision
                if book.revision >= study.revision:
                    return
                limit.reschedule(loop.time() + _PATIENCE)
    except TimeoutError:
        pass  # the last revision was no trial's
    book.revision = max(book.revision, study.revision)
