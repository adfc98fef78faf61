"""Trials that a rule stops early: an engine over a real database and real processes, and a rule that a test scripts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.early_stopping import Curves, Stopper, stopping
from tests.manager.test_engine import LosesCommit, create, folder, reached, running, store

from tunesmith.manager._context import Database
from tunesmith.manager._engine import Engine
from tunesmith.manager.api import _operations as operations
from tunesmith.manager.storage import DecisionRow, TrialRow
from tunesmith.services.errors import ReportBug
from tunesmith.study import AttemptEnding, StudyState, TrialState

__all__ = ["folder"]  # the fixture

UID = "a" * 32
RULE = {"name": "scripted"}
REPORT = "i=$((i+1)); echo loss=$((100 - i)); sleep 0.05"
SLOW = f"i=0; while :; do {REPORT}; done"
"""Reports for ever."""
ASKS = f"cd ${{trial.dir}}; touch asks; i=0; while ! test -e stop; do {REPORT}; done; sleep 0.2; echo loss=-7"
"""Looks whether it should stop, and then has a last word."""
QUICK = 'if [ "${params.x}" = 0.25 ]; then echo loss=1; else %s; fi'
"""The first trial ends at once; the other is another script."""


def trial(script: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", QUICK % script]}


def after(steps: int) -> Callable[[Curves, int], str | None]:
    """A rule that stops a trial with so many reports, and weighs it before."""
    return lambda curves, trial: f"{steps} steps are enough" if len(curves.get(trial, ())) >= steps else ""


@asynccontextmanager
async def stopped_study(folder: Path, stopper: Stopper, script: str) -> AsyncIterator[tuple[Engine, Database]]:
    database = Database(store(folder))
    async with stopping(stopper) as address:

        async def own() -> str:
            return address

        async with running(folder, database, stopper=own) as engine:
            await create(engine, "stopped", UID, trial=trial(script), earlyStopping=RULE)
            yield engine, database
    database.close()


async def left(database: Database) -> tuple[list[TrialRow], list[DecisionRow]]:
    return await database.read(lambda tx: (tx.list_trials(UID), tx.decisions(UID)))


async def test_a_hopeless_trial_is_stopped_and_keeps_its_value(folder: Path) -> None:
    async with stopped_study(folder, Stopper(after(3)), SLOW) as (engine, database):
        study = await reached(engine, UID, StudyState.SUCCEEDED)
        (quick, slow), decisions = await left(database)
        (attempt,) = await database.read(lambda tx: tx.attempts(slow.id))
    assert (quick.state, slow.state) == (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED)
    assert (slow.reason, slow.message) == ("earlyStopped", "3 steps are enough")
    assert slow.value is not None
    assert slow.value <= 97.0, "what it printed until it died counts"
    assert attempt.ending is AttemptEnding.STOPPED
    assert (study.best_number, study.best_value) == (0, 1.0)
    assert study.counts[TrialState.EARLY_STOPPED] == 1
    told = [(one.trial_number, one.attempt, one.rule, one.stop, one.reason) for one in decisions if one.stop]
    assert told == [(1, 1, "scripted", True, "3 steps are enough")]


async def test_one_that_is_done_has_succeeded(folder: Path) -> None:
    async with stopped_study(folder, Stopper(after(3), complete=True), ASKS) as (engine, database):
        study = await reached(engine, UID, StudyState.SUCCEEDED)
        (_, slow), _ = await left(database)
    assert (slow.state, slow.reason, slow.message) == (TrialState.SUCCEEDED, "converged", "3 steps are enough")
    assert (study.best_number, study.best_value) == (1, -7.0)


async def test_one_that_asks_is_given_time_to_end(folder: Path) -> None:
    async with stopped_study(folder, Stopper(after(3)), ASKS) as (engine, database):
        await reached(engine, UID, StudyState.SUCCEEDED)
        (_, slow), _ = await left(database)
        (attempt,) = await database.read(lambda tx: tx.attempts(slow.id))
    assert (slow.state, slow.value) == (TrialState.EARLY_STOPPED, -7.0)
    assert (attempt.ending, attempt.exit_status) == (AttemptEnding.STOPPED, 0)


async def test_who_stops_the_study_does_not_wait_for_one_that_was_given_time(folder: Path) -> None:
    deaf = f"cd ${{trial.dir}}; touch asks; i=0; while :; do {REPORT}; done"
    async with stopped_study(folder, Stopper(after(3)), deaf) as (engine, database):
        async with asyncio.timeout(20):
            while not any(one.stop_kind for one in await database.read(lambda tx: tx.live_trials(UID))):
                await engine.news.after(UID, engine.news.count(UID), 0.1)
        await asyncio.sleep(0.3)
        (slow,) = await database.read(lambda tx: tx.live_trials(UID))
        assert slow.state is TrialState.RUNNING, "it has half a minute"
        await database.write(lambda tx: operations.stop(tx, tx.study(UID), time.time()))
        engine.wake(UID)
        async with asyncio.timeout(10):
            await reached(engine, UID, StudyState.STOPPED)
        (_, slow), _ = await left(database)
    assert slow.state is TrialState.EARLY_STOPPED


async def test_one_that_ended_before_its_stop_has_succeeded(folder: Path) -> None:
    stopper = Stopper(after(1))
    async with stopped_study(folder, stopper, "echo loss=2; sleep 0.5") as (engine, database):

        async def until_it_ended() -> None:
            while (await database.read(lambda tx: tx.trial(UID, 1))).state is not TrialState.SUCCEEDED:
                await engine.news.after(UID, engine.news.count(UID), 0.1)

        stopper.before_reply = until_it_ended
        study = await reached(engine, UID, StudyState.SUCCEEDED)
        trials, _ = await left(database)
    assert study.counts[TrialState.SUCCEEDED] == len(trials) == 2
    assert [one.stop_kind for one in trials] == [None, None]


async def test_a_rule_that_fails_costs_no_study(folder: Path) -> None:
    def broken(curves: Curves, trial: int) -> str:
        raise ReportBug("it divides by zero")

    async with stopped_study(folder, Stopper(broken), "echo loss=2; sleep 1; echo loss=0.5") as (engine, database):
        study = await reached(engine, UID, StudyState.SUCCEEDED)
        events = await database.read(lambda tx: tx.events(UID))
    assert study.best_value == 0.5
    (failed,) = [event for event in events if event.reason == "ruleFailed"]
    assert failed.message == "no trial is stopped early until the manager is started again: it divides by zero"


async def test_a_service_that_is_away_is_waited_for(folder: Path) -> None:
    """Trials go on meanwhile, and what they reported is weighed once it is back."""
    stopper, database, away = Stopper(after(3)), Database(store(folder)), [True]

    async with stopping(stopper) as address:

        async def own() -> str:
            return "127.0.0.1:1" if away else address

        async with running(folder, database, stopper=own) as engine:
            await create(engine, "stopped", UID, trial=trial(SLOW), earlyStopping=RULE)
            async with asyncio.timeout(20):
                while (fault := engine.fault(UID)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert "the early-stopping service 127.0.0.1:1 does not answer" in fault.message
            away.clear()
            study = await reached(engine, UID, StudyState.SUCCEEDED)
    database.close()
    assert study.counts[TrialState.EARLY_STOPPED] == 1


async def test_the_next_manager_asks_what_the_last_one_did_not(folder: Path) -> None:
    """A decision that was not recorded was not made: the running trial is weighed again, and stopped once."""
    stopper, held = Stopper(after(3)), asyncio.Event()
    first = Database(store(folder))
    async with stopping(stopper) as address:

        async def own() -> str:
            return address

        async def never() -> None:
            held.set()
            await asyncio.sleep(60)

        stopper.before_reply = never
        async with running(folder, first, stopper=own) as engine:
            await create(engine, "stopped", UID, trial=trial(SLOW), earlyStopping=RULE)
            async with asyncio.timeout(20):
                await held.wait()
            await asyncio.sleep(0.5)
        first.close()
        stopper.before_reply = None
        second = Database(store(folder))
        async with running(folder, second, stopper=own) as engine:
            await reached(engine, UID, StudyState.SUCCEEDED)
            (_, slow), decisions = await left(second)
        second.close()
    assert slow.state is TrialState.EARLY_STOPPED
    assert slow.attempt == 1, "it was adopted"
    assert sum(one.stop for one in decisions) == 1


@pytest.mark.parametrize("nth", range(1, 6))
async def test_a_commit_that_is_not_confirmed_stops_nothing_twice(folder: Path, nth: int) -> None:
    stopper, database = Stopper(after(2)), LosesCommit(store(folder), nth)
    async with stopping(stopper) as address:

        async def own() -> str:
            return address

        async with running(folder, database, stopper=own) as engine:
            await create(engine, "stopped", UID, trial=trial(SLOW), earlyStopping=RULE)
            await reached(engine, UID, StudyState.SUCCEEDED)
            (_, slow), decisions = await left(database)
    database.close()
    assert slow.state is TrialState.EARLY_STOPPED
    assert sum(one.stop for one in decisions) == 1
