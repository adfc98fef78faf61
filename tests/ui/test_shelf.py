"""What the dashboard keeps of trials: all of them, however slowly they come, and of each what is asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.client.figure_samples import sample

from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.study import Objective, ObjectiveType, TrialState
from tunesmith.ui import _shelf
from tunesmith.ui._figures import Wish, draw
from tunesmith.ui._manager import Manager
from tunesmith.ui._shelf import BRIEF, Shelf
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

PAGES, SIZE = 5, 10
STUDY = replace(sample(4).study, revision=PAGES * SIZE)


class Slow:
    """A manager whose every page of trials takes its time, and which is silent after the last."""

    def __init__(self, pause: float = 0.0) -> None:
        self.line, self.pause, self.masks = self, pause, list[list[str]]()

    async def stream(self, method: str, request: pb.WatchTrialsRequest) -> AsyncIterator[pb.WatchTrialsResponse]:
        self.masks.append(list(request.read_mask.paths))
        for first in range(request.since_revision, PAGES * SIZE, SIZE):
            await asyncio.sleep(self.pause)
            numbers, state = range(first, first + SIZE), types.TRIAL_STATE_SUCCEEDED
            trials = [pb.Trial(name=f"t-{n}", number=n, state=state, revision=n + 1) for n in numbers]
            yield pb.WatchTrialsResponse(trials=trials, revision=first + SIZE)
        await asyncio.sleep(60)

    async def trials(self, key: pb.StudyKey, states: Sequence[TrialState], fields: Sequence[str]) -> list[Trial]:
        self.masks.append(list(fields))
        return []


async def read(shelf: Shelf, slow: Slow, study: Study = STUDY, *, whole: bool = False) -> list[int]:
    """The numbers of the trials that are found."""
    return [trial.number for trial in await shelf.trials(cast("Manager", slow), study, whole=whole)]


async def test_only_a_silent_manager_has_told_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shelf, "_PATIENCE", 0.5)
    shelf = Shelf()
    assert await read(shelf, Slow(pause=0.2)) == list(range(PAGES * SIZE))
    later = replace(STUDY, revision=STUDY.revision + 1)  # a revision that is no trial's
    assert await read(shelf, Slow(), later) == list(range(PAGES * SIZE))


async def test_what_is_asked_of_trials() -> None:
    shelf, slow = Shelf(), Slow()
    running = replace(STUDY, counts=replace(STUDY.counts, running=1, pending=0))
    await read(shelf, slow, running)
    assert slow.masks == [list(BRIEF), list(BRIEF)]
    await read(shelf, slow, running, whole=True)
    assert slow.masks[2:] == [[], []]
    await read(shelf, slow)
    assert len(shelf._books) == 1  # who needs little finds it in the whole, and nothing is kept twice


class Kept:
    """A shelf that notes what is asked of it."""

    def __init__(self, trials: dict[str, tuple[Trial, ...]]) -> None:
        self.found, self.wholes = trials, list[bool]()

    async def trials(self, manager: Any, study: Study, *, whole: bool = False) -> list[Trial]:
        self.wholes.append(whole)
        return list(self.found[study.name])


@pytest.mark.parametrize(
    ("wish", "names", "whole"),
    [
        (Wish("history"), "a", False),
        (Wish("history"), "ab", False),  # it shows the first alone
        (Wish("history", "seconds"), "a", True),
        (Wish("curves"), "a", True),
        (Wish("edf"), "ac", False),
        (Wish("edf"), "ab", True),
        (Wish("edf", "seconds"), "ac", True),
    ],
)
async def test_a_figure_of_another_metric_than_the_objective_reads_all_of_trials(
    wish: Wish, names: str, whole: bool
) -> None:
    one, third = sample(30, name="a"), sample(30, name="c", seed=1)
    spec = replace(one.study.spec, objectives=(Objective("seconds", ObjectiveType.MINIMIZE),))
    other = replace(one, study=replace(one.study, name="b", uid="b", spec=spec))
    every = {data.study.name: data for data in (one, other, third)}
    shelf = Kept({name: data.trials for name, data in every.items()})

    class Nothing:
        async def observations(self, *_: object) -> list[object]:
            return list(one.observations[0])

    studies = [every[name].study for name in names]
    made = await draw(cast("Shelf", shelf), cast("Manager", Nothing()), studies, wish)
    assert made["data"]
    assert set(shelf.wholes) == {whole}
