"""The held history against a model that computes everything anew, and the bounds of what is held."""

import asyncio
import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from tests.suggestion.studies import FINITE, NAMES, REGISTRY, make_spec

from tunesmith.services.studies import Studies
from tunesmith.study import TrialState
from tunesmith.suggestion import TrialRecord
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._history import History
from tunesmith.suggestion._studies import Held, Job
from tunesmith.v1 import types_pb2

_WIDTHS = st.sampled_from([0, 0.1, 0.2, 1.7e308, float("nan"), 10**400, "no number", None])


@st.composite
def records(draw: st.DrawFn) -> TrialRecord:
    number, width = draw(st.integers(0, 5)), draw(_WIDTHS)
    assignment = {"kernel": "rbf"} | ({} if width is None else {"width": width})
    name = draw(st.sampled_from(["", "", "renamed-"]))
    return TrialRecord(number, f"{name}{number}", draw(st.sampled_from(list(TrialState))), assignment)


@given(chunks=st.lists(st.lists(records(), max_size=6), max_size=5))
def test_history_is_what_came_last_under_each_number(chunks: list[list[TrialRecord]]) -> None:
    history, model = History(FINITE), dict[int, TrialRecord]()
    for chunk in chunks:
        rewritten = False
        for record in chunk:
            old = model.get(record.number, record)
            rewritten |= (old.name, old.assignment) != (record.name, record.assignment)
            model[record.number] = record
        assert history.apply(chunk) == rewritten
    assert dict(history.records) == model
    assert len(history) == len(model)
    anew = History(FINITE)
    anew.apply(model.values())
    assert set(history.tried) == set(anew.tried)
    for record in model.values():
        assert history.number_of(record.name) is not None


def test_a_double_and_an_int_of_the_same_value_are_one_point() -> None:
    history = History(FINITE)
    assert not history.apply([TrialRecord(0, "a", TrialState.PENDING, {"kernel": "rbf", "width": 0})])
    assert FINITE.key({"kernel": "rbf", "width": 0.0}) in history.tried


def test_true_and_one_are_two_values() -> None:
    history = History(FINITE)
    history.apply([TrialRecord(0, "a", TrialState.PENDING, {"kernel": 1, "width": 0})])
    assert FINITE.key({"kernel": True, "width": 0.0}) not in history.tried


def _held(uid: str, trials: int) -> Held:
    spec = make_spec(NAMES[0], FINITE)
    algorithm = REGISTRY.get(NAMES[0])
    settings, _ = read_study(algorithm, spec)
    held = Held(uid, Job(types_pb2.StudySpec(), spec, algorithm, settings, 7), History(FINITE))
    held.history.apply(TrialRecord(n, str(n), TrialState.PENDING, {}) for n in range(trials))
    return held


def test_the_studies_used_least_recently_are_dropped() -> None:
    studies = Studies[Held](most_studies=2)
    for uid in "abc":
        studies.put(_held(uid, 0))
    assert studies.get("a") is None
    assert studies.get("b") is not None
    studies.put(_held("d", 0))
    assert studies.get("c") is None
    assert studies.get("b") is not None


def test_trials_are_bounded_too_but_the_last_study_is_held() -> None:
    studies = Studies[Held](most_size=10)
    for uid, trials in [("a", 4), ("b", 4), ("c", 4)]:
        studies.put(_held(uid, trials))
    assert [uid for uid in "abc" if studies.get(uid)] == ["b", "c"]
    studies.put(_held("b", 6))
    assert [uid for uid in "abc" if studies.get(uid)] == ["b", "c"]
    studies.put(dataclasses.replace(_held("d", 100)))
    assert [uid for uid in "abcd" if studies.get(uid)] == ["d"]
    studies.put(_held("e", 1))
    assert len(studies) == 1


async def test_a_lock_is_per_study_and_leaves_nothing_behind() -> None:
    studies, order = Studies[Held](), list[str]()

    async def work(uid: str, name: str, wait: asyncio.Event | None) -> None:
        async with studies.lock(uid):
            order.append(f"+{name}")
            if wait is not None:
                await wait.wait()
            order.append(f"-{name}")

    go = asyncio.Event()
    tasks = [asyncio.create_task(work(*args)) for args in [("a", "1", go), ("a", "2", None), ("b", "3", None)]]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert order == ["+1", "+3", "-3", "-1", "+2", "-2"]
    assert studies._locks == {}


def test_steps_are_kept_of_the_latest_trials_only() -> None:
    history = History(FINITE)

    def told(number: int) -> TrialRecord:
        return TrialRecord(number, str(number), TrialState.SUCCEEDED, {"kernel": "rbf"}, steps={1: 0.5})

    history.apply([told(number) for number in range(3)])
    history.apply([told(1001), told(2)])
    assert [number for number, record in history.records.items() if record.steps] == [2, 1001]
    history.apply([told(0)])
    assert not history.records[0].steps
