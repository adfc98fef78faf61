"""The engine over a real database and real processes, where something between them goes wrong."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration
from tests.running import job
from tests.suggestion.process import ServiceProcess

from tunesmith.manager._context import Context, Database
from tunesmith.manager._decider import Decider
from tunesmith.manager._engine import Engine, News
from tunesmith.manager._loop import StudyLoop
from tunesmith.manager._snapshot import Oracle
from tunesmith.manager._suggester import Suggester
from tunesmith.manager._workers import lease_of
from tunesmith.manager.api import ManagerServicer, Presence
from tunesmith.manager.api import _operations as operations
from tunesmith.manager.launchers import LauncherContext, make_launcher
from tunesmith.manager.launchers._slots import count_cpus
from tunesmith.manager.launchers.workers import WorkersLauncher
from tunesmith.manager.storage import Fence, Store, StudyRow, Tx, open_store
from tunesmith.services.errors import TryAgain
from tunesmith.study import AttemptEnding, StudyState, TrialState, read_study_job
from tunesmith.v1 import manager_pb2 as pb

T = TypeVar("T")
TRIALS = 2


class LosesCommit(Database):
    """A database whose connection is lost right after the n-th commit of a study's loop, before it is confirmed."""

    def __init__(self, store: Store, nth: int) -> None:
        super().__init__(store)
        self.left = nth

    async def write(self, work: Callable[[Tx], T], fence: Fence | None = None) -> T:
        result = await super().write(work, fence)
        if fence is not None:
            self.left -= 1
            if self.left == 0:
                raise TryAgain("the connection was lost during the commit")
        return result


async def _nobody() -> str:
    raise AssertionError("initial assignments need no suggestion service, and no rule no early-stopping service")


@asynccontextmanager
async def running(
    folder: Path,
    database: Database,
    fault_point: Callable[[str], None] = lambda _: None,
    stopper: Callable[[], Awaitable[str]] = _nobody,
    proposer: Callable[[], Awaitable[str]] = _nobody,
) -> AsyncIterator[Engine]:
    """`stopper` tells where the early-stopping service listens, `proposer` the suggestion service."""
    news, place = News(), folder / "sockets"
    context = Context(
        database=database,
        launcher=make_launcher("local", LauncherContext(place)),
        workers=WorkersLauncher(LauncherContext(place, lease_of=partial(lease_of, database))),
        suggester=Suggester(proposer, database.history, database.digest_at, database.sample),
        decider=Decider(stopper, database.course, database.observations),
        state=folder,
        changed=news.changed,
        clock=time.time,
        fault_point=fault_point,
    )
    engine = Engine(context, news, owner="first")
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="engine") as short:  # the path of a socket must be short
        (Path(short) / "sockets").mkdir(mode=0o700)
        yield Path(short)


def store(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'tunesmith.db'}")


async def create(engine: Engine, name: str, uid: str, **spec: Any) -> None:
    """A study of TRIALS trials that are given in its document."""
    text = json.dumps(job(name, initial=[{"x": 0.25 + number / 4} for number in range(TRIALS)], **spec))
    await engine.context.database.write(lambda tx: tx.insert_study(uid, read_study_job(text, base=Path("/")), 1.0))
    await engine.drive(uid)


async def reached(engine: Engine, uid: str, state: StudyState) -> StudyRow:
    async with asyncio.timeout(30):
        while True:
            count = engine.news.count(uid)
            study = await engine.context.database.read(lambda tx: tx.study(uid))
            if study.state is state:
                return study
            await engine.news.after(uid, count, 1.0)


@pytest.mark.parametrize("nth", range(1, 4))
async def test_a_commit_that_is_not_confirmed_changes_nothing(
    folder: Path, nth: int, caplog: pytest.LogCaptureFixture
) -> None:
    lost = LosesCommit(store(folder), nth)
    async with running(folder, lost) as engine:
        await create(engine, "lost", "a" * 32, limits={"trials": TRIALS, "parallel": 1})
        study = await reached(engine, "a" * 32, StudyState.SUCCEEDED)
        trials = await lost.read(lambda tx: tx.list_trials(study.uid))
        events = await lost.read(lambda tx: tx.events(study.uid))
    lost.close()
    assert lost.left <= 0, "no commit was lost"
    assert "its loop failed" not in caplog.text
    assert [(t.number, t.state, t.attempt, t.failures) for t in trials] == [
        (number, TrialState.SUCCEEDED, 1, 0) for number in range(TRIALS)
    ]
    assert sorted(trial.completion_rank for trial in trials) == [1, 2]
    assert study.counts[TrialState.SUCCEEDED] == study.total == TRIALS
    for number in range(TRIALS):
        assert [e.state for e in events if e.trial_number == number] == ["Pending", "Running", "Succeeded"]


class HoldsRounds(Database):
    """A database that holds the round in which a suggestion service is asked until its answer has come."""

    def __init__(self, store: Store, hold_first: bool) -> None:
        super().__init__(store)
        self.hold_first, self.met = hold_first, 0
        self.loop: StudyLoop | None = None

    async def write(self, work: Callable[[Tx], T], fence: Fence | None = None) -> T:
        if fence is None or self.loop is None or self.loop.oracle is not Oracle.ASKED:
            return await super().write(work, fence)
        if self.hold_first:
            await self._heard(self.loop)
            return await super().write(work, fence)
        result = await super().write(work, fence)
        await self._heard(self.loop)
        return result

    async def _heard(self, loop: StudyLoop) -> None:
        await asyncio.wait(set(loop._tasks), timeout=20)  # the question, and launches
        assert loop.oracle is not Oracle.ASKED, loop.broken
        self.met += 1


@pytest.mark.parametrize("hold_first", [True, False])
async def test_the_last_suggestions_may_come_while_a_round_is_recorded(folder: Path, hold_first: bool) -> None:
    """They, and that there are no more after them, belong to the next round; the study has a trial for each."""
    holds = HoldsRounds(store(folder), hold_first)
    grid: dict[str, Any] = {
        "parameters": [{"name": "x", "type": "int", "min": 1, "max": 5}],
        "algorithm": {"name": "grid"},
        "limits": {"parallel": 2},
        "initial": [],
    }
    with ServiceProcess() as service:

        async def address() -> str:
            holds.loop = engine.loops["a" * 32]
            holds.loop.wake()  # a round while the service is asked
            return service.address

        async with running(folder, holds, proposer=address) as engine:
            read = read_study_job(json.dumps(job("grid", **grid)), base=Path("/"))
            seeded = replace(read, spec=replace(read.spec, seed=1))
            await holds.write(lambda tx: tx.insert_study("a" * 32, seeded, 1.0))
            await engine.drive("a" * 32)
            study = await reached(engine, "a" * 32, StudyState.SUCCEEDED)
    holds.close()
    assert holds.met, "no answer came during a round"
    assert (study.reason, study.total) == ("exhausted", 5)


async def test_a_bug_pauses_its_study_and_no_other(folder: Path) -> None:
    bugs = ["committed"]

    def fault_point(point: str) -> None:
        if point in bugs:
            bugs.remove(point)
            raise ZeroDivisionError("a bug")

    sound = Database(store(folder))
    async with running(folder, sound, fault_point) as engine:
        await create(engine, "broken", "a" * 32)
        paused = await reached(engine, "a" * 32, StudyState.PAUSED)
        assert paused.reason == "internalError"
        assert paused.message == "an error of the manager: ZeroDivisionError('a bug')"
        await create(engine, "sound", "b" * 32)
        await reached(engine, "b" * 32, StudyState.SUCCEEDED)
        await sound.write(lambda tx: tx.move_study("a" * 32, StudyState.RUNNING, "resumed", "", time.time()))
        await engine.drive("a" * 32)
        again = await reached(engine, "a" * 32, StudyState.SUCCEEDED)
    sound.close()
    assert again.counts[TrialState.SUCCEEDED] == TRIALS


async def test_a_manager_that_leaves_gives_its_studies_away_at_once(folder: Path) -> None:
    left = Database(store(folder))
    async with running(folder, left) as engine:
        await create(engine, "left", "a" * 32)
        held = await left.write(lambda tx: tx.acquire_lease("a" * 32, "second", time.time(), 30.0))
        assert held is None, "the first manager works on it"
    taken = await left.write(lambda tx: tx.acquire_lease("a" * 32, "second", time.time(), 30.0))
    left.close()
    assert taken is not None


async def test_a_trial_that_waits_for_its_processors_is_stopped_with_its_study(folder: Path) -> None:
    waits = Database(store(folder))
    trial = {
        "command": ["sh", "-c", "echo > ${trial.dir}/began; sleep 70"],
        "resources": {"cpu": count_cpus() / 2 + 0.1},  # two do not fit
    }
    async with running(folder, waits) as engine:
        await create(engine, "waits", "a" * 32, trial=trial)
        async with asyncio.timeout(30):
            while len(await waits.read(_open_trials)) < TRIALS or not _began(folder):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        await waits.write(lambda tx: operations.stop(tx, tx.study("a" * 32), time.time()))
        engine.wake("a" * 32)
        await reached(engine, "a" * 32, StudyState.STOPPED)
        trials = await waits.read(lambda tx: tx.list_trials("a" * 32))
        attempts = await waits.read(lambda tx: tx.attempts_of([trial.id for trial in trials]))
    waits.close()
    assert [trial.state for trial in trials] == [TrialState.KILLED] * TRIALS
    assert [[a.ending for a in attempts[trial.id]] for trial in trials] == [[AttemptEnding.STOPPED]] * TRIALS
    assert _began(folder) == [trials[0].name]


def _began(folder: Path) -> list[str]:
    """Names of the trials whose command ran."""
    return [path.parent.parent.name for path in folder.glob("trials/*/*/1/began")]


def _open_trials(tx: Tx) -> list[int]:
    """Trials whose launch was decided."""
    return [trial.number for trial in tx.live_trials("a" * 32) if trial.attempt_open]


@pytest.mark.parametrize("wait", [0.0, 0.2])
async def test_an_offer_that_is_about_to_be_withdrawn_is_none(folder: Path, wait: float) -> None:
    """Between a stop in the database and the loop that hears of it, the trial is still on offer."""
    uid, still = "a" * 32, Database(store(folder))
    async with running(folder, still) as engine:
        servicer = ManagerServicer(engine, Presence(time.monotonic), allow_endpoints=False)
        await create(engine, "offered", uid, trial={"workers": True}, limits={"trials": TRIALS, "parallel": 1})
        workers = engine.context.workers
        assert workers is not None
        async with asyncio.timeout(30):
            while not (offer := await workers.offers.take(lambda _: True, 1.0)):
                pass
        workers.offers.add(offer)
        await still.write(lambda tx: tx.request_stop(tx.trial(uid, 0).id, "kill", "not wanted", time.time()))
        asked = pb.AcquireTrialRequest(worker="w", study="offered", wait=Duration(nanos=int(wait * 1e9)))
        assert not (await servicer.AcquireTrial(asked, None)).HasField("trial")
        engine.wake(uid)
        asked.wait.seconds = 20
        reply = await servicer.AcquireTrial(asked, None)
        assert reply.trial.number == 1, "the next one is had as soon as the first is gone"
    still.close()
