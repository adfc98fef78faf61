"""The engine: one loop for each study that this manager owns, and the news that watchers wait for."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunesmith.manager._attempts import Ending
from tunesmith.manager._context import Context
from tunesmith.manager._loop import GRACE, Fault, StudyLoop
from tunesmith.manager.launchers import Launcher
from tunesmith.manager.storage import Fence, StudyRow, Tx
from tunesmith.services.errors import TunesmithError
from tunesmith.study import StudyState

log = logging.getLogger(__name__)

RESYNC = 10.0
"""Seconds between two looks for studies that nobody drives; also how often leases are renewed."""
TINY = 4 * 2**20
"""A disk with less free than these bytes counts as full when a trial fails."""
LEASE = 30.0
"""Seconds that a lease lasts: how long a dead manager's studies wait for another one."""


class News:
    """Tells watchers that a study changed. A watcher that is slow misses repetitions, never the last one."""

    def __init__(self) -> None:
        """Nothing has changed yet."""
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def count(self, uid: str) -> int:
        """How often the study changed so far."""
        return self._counts.get(uid, 0)

    def changed(self, uid: str) -> None:
        """The study changed."""
        self._counts[uid] = self.count(uid) + 1
        for event in self._waiting.get(uid, ()):
            event.set()

    async def after(self, uid: str, count: int, seconds: float) -> None:
        """Wait until the study changed more often than `count`; at most so many seconds."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(uid, set())
        waiting.add(event)
        try:
            if self.count(uid) <= count:
                async with asyncio.timeout(seconds):
                    await event.wait()
        except TimeoutError:
            return
        finally:
            waiting.discard(event)


@dataclass
class Engine:
    """Drives the studies whose lease `owner` holds. The next process of the same owner takes its leases at once."""

    context: Context
    news: News
    owner: str
    loops: dict[str, StudyLoop] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _duties: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Take up every study that goes on and that nobody else drives."""
        for launcher in self.context.launchers:
            await launcher.start()
            self._duties.append(asyncio.create_task(self._deliver_exits(launcher)))
        await self.resync()
        self._duties.append(asyncio.create_task(self._resync_forever()))

    async def close(self) -> None:
        """Let go of every study; trials keep running."""
        duties = [*self._duties, *self._tasks.values()]
        for task in duties:
            task.cancel()
        held = [loop.fence for loop in self.loops.values()]
        await asyncio.gather(*duties, return_exceptions=True)
        await self._release(held)
        for launcher in self.context.launchers:
            await launcher.close()
        await self.context.suggester.close()
        await self.context.decider.close()

    async def abandon(self) -> None:
        """Let go of every study and stop its running trials: nobody will ever take them up."""
        running = [(loop.context, attempt) for loop in self.loops.values() for attempt in loop.attempts.values()]
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for context, attempt in running:
            await context.launcher.stop(attempt.name, attempt.attempt, GRACE)

    async def _release(self, held: list[Fence]) -> None:
        """Let another manager go on at once; when that fails, it will once the leases have run out."""
        try:
            await self.context.database.write(
                lambda tx: [tx.release_lease(fence.uid, self.owner, fence.epoch) for fence in held]
            )
        except TunesmithError as error:
            log.warning("the leases could not be released: %s", error)

    @property
    def busy(self) -> bool:
        """Whether a study goes on; one that is paused does not."""
        return any(not loop.idle for loop in self.loops.values())

    def fault(self, uid: str) -> Fault | None:
        """Why the study cannot go on for now; None: it can, or is not ours."""
        loop = self.loops.get(uid)
        return loop.fault if loop else None

    def reported(self, uid: str) -> None:
        """A trial reported over the wire."""
        if uid in self.loops:
            self.loops[uid].reported()
        self.news.changed(uid)

    def wake(self, uid: str) -> None:
        """A user changed the study's rows."""
        if uid in self.loops:
            self.loops[uid].wake()
        self.news.changed(uid)

    async def drive(self, uid: str) -> None:
        """Take the study's lease and begin its loop, unless it has one. Another manager's study is left alone."""
        if uid in self.loops:
            return self.wake(uid)
        now = self.context.clock()
        epoch, study = await self.context.database.write(
            lambda tx: (tx.acquire_lease(uid, self.owner, now, LEASE), tx.study(uid))
        )
        if epoch is None or uid in self.loops:
            return None
        loop = StudyLoop(uid, Fence(uid, epoch), self.context.for_study(study.job.spec))
        self.loops[uid] = loop
        self._tasks[uid] = asyncio.create_task(self._run(loop))
        return None

    async def edited(self, study: StudyRow) -> None:
        """The study's document changed; one that had ended may go on."""
        if study.uid in self.loops:
            self.loops[study.uid].edited()
        elif not study.state.final:
            await self.drive(study.uid)
        self.news.changed(study.uid)

    async def forget(self, study: StudyRow, *, rows: Callable[[], Any]) -> None:
        """End a final study's loop, remove its rows by `rows`, and its folders."""
        task = self._tasks.get(study.uid)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await rows()
        self.context.suggester.forget(study.uid)
        await asyncio.to_thread(shutil.rmtree, self.context.state / "trials" / study.uid, ignore_errors=True)
        self.news.changed(study.uid)

    async def _run(self, loop: StudyLoop) -> None:
        try:
            await loop.run()
        except Exception as error:
            log.exception("study %s: its loop failed", loop.uid)
            await self._fail(loop, error)
        finally:
            del self.loops[loop.uid]
            del self._tasks[loop.uid]
            self.news.changed(loop.uid)

    async def _fail(self, loop: StudyLoop, error: Exception) -> None:
        """A bug pauses one study, with its reason; the others go on."""
        text = f"an error of the manager: {error!r}"

        def pause(tx: Tx) -> None:
            if tx.study(loop.uid).state is StudyState.RUNNING:
                tx.move_study(loop.uid, StudyState.PAUSED, "internalError", text, self.context.clock())

        try:
            await self.context.database.write(pause, loop.fence)
        except TunesmithError:
            log.exception("study %s: its failure could not be recorded", loop.uid)

    async def _deliver_exits(self, launcher: Launcher) -> None:
        async for exit in launcher.exits():
            # What the disk is like just now may be why it failed.
            full = self.context.free_bytes(self.context.state) < TINY
            key = (exit.trial, exit.attempt)
            self.context.endings[key] = Ending(exit, full)
            if key in self.context.watchers:
                self.context.watchers[key]()

    async def _resync_forever(self) -> None:
        while True:
            await asyncio.sleep(RESYNC)
            try:
                await self._renew()
                await self.resync()
            except TunesmithError as error:
                log.warning("looking for studies failed, and is tried again: %s", error)

    async def _renew(self) -> None:
        """Hold on to the leases. One that was lost is noticed by the loop, whose next write is fenced off."""
        now = self.context.clock()
        held = [(loop.uid, loop.fence.epoch) for loop in self.loops.values()]
        await self.context.database.write(
            lambda tx: [tx.renew_lease(uid, self.owner, epoch, now, LEASE) for uid, epoch in held]
        )

    async def resync(self) -> None:
        """Drive every study that goes on and has no driver; the others may have reports that another manager took."""
        for loop in self.loops.values():
            loop.reported()
        for uid in await self.context.database.read(lambda tx: tx.live_studies()):
            if uid not in self.loops:
                await self.drive(uid)
