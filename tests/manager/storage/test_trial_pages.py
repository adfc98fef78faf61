"""Trials in any order, filtered, a page at a time: the same on both databases."""

import json
import math
from typing import Any

import pytest
from tests.store_samples import NOW, end, launch, new_study, observe

from tunesmith.manager.storage import NewTrial, Store, StudyRow, TrialCursor, TrialQuery, Tx
from tunesmith.services.errors import FixRequest, NotFound
from tunesmith.study import ParameterValue, TrialRange, TrialState

KINDS: tuple[ParameterValue, ...] = ("b", "a", True, "ä%", 'q"=_')
ORDERS = ("number", "name", "state", "value", "created", "started", "finished", "duration", "attempts")
FIELDS = (*ORDERS, "params.x", "params.n", "params.kind", "metrics.acc", "metrics.loss", "metrics.nobody")


def add(tx: Tx, uid: str, number: int) -> None:
    """A trial whose fields are in other orders than its number; some have none of them."""
    assignment: dict[str, ParameterValue] = {"x": ((number * 7) % 10) / 10, "n": 1 + (number * 3) % 9}
    if number % 4 != 3:
        assignment["kind"] = KINDS[number % 5]
    labels = {"rung": str(number % 2)}
    trial = tx.add_trials(uid, [NewTrial(assignment, labels=labels)], NOW + number)[0].id
    if number % 5 == 4:
        return
    launch(tx, trial)
    values = [observe("acc", math.nan if number == 6 else ((number * 3) % 10) / 10, 0)]
    tx.add_observations(trial, 1, [*values, observe("loss", -float(number), 1)] if number % 3 else values)
    end(tx, trial, TrialState.FAILED if number == 2 else TrialState.SUCCEEDED, "userError" if number == 2 else "")


@pytest.fixture
def study(store: Store) -> StudyRow:
    """12 trials."""
    study, other = new_study(store), new_study(store)
    for number in range(12):
        store.write(lambda tx, number=number: add(tx, study.uid, number))  # type: ignore[misc]
    store.write(lambda tx: add(tx, other.uid, 1))
    return study


def numbers(store: Store, study: StudyRow, limit: int = 1000, skip: int = 0, **query: Any) -> list[int]:
    """The numbers of all pages."""
    asked, after, found = TrialQuery(**query), None, list[int]()
    while True:
        page = store.read(lambda tx: tx.find_trials(study.uid, asked, after, 0 if after else skip, limit))  # noqa: B023
        found += [trial.number for trial in page.trials]
        if page.end is None:
            assert not found or page.total == len(found) + skip
            return found
        after = page.end


def known(store: Store, study: StudyRow, field: str) -> dict[int, Any]:
    """The field of each trial that has it, looked up in another way."""

    def read(tx: Tx) -> dict[int, Any]:
        rows = tx.list_trials(study.uid)
        ids = [row.id for row in rows]
        attempts, summaries = tx.attempts_of(ids), tx.summaries(ids)
        kind, _, name = field.partition(".")
        found: dict[int, Any] = {}
        for row in rows:
            last = attempts[row.id][-1] if attempts[row.id] else None
            if kind == "params":
                found[row.number] = row.assignment.get(name)
            elif kind == "metrics":
                found[row.number] = next((one.latest for one in summaries[row.id] if one.metric == name), None)
            elif field in ("started", "finished"):
                found[row.number] = last and getattr(last, field)
            elif field == "duration":
                found[row.number] = last and last.finished and last.finished - last.started
            elif field == "attempts":
                found[row.number] = row.attempt
            else:
                found[row.number] = getattr(row, field)
        return {number: value for number, value in found.items() if value is not None}

    return store.read(read)


def place(value: Any) -> Any:
    """Where a value belongs: values of categorical parameters are in the order of their JSON."""
    return json.dumps(value) if isinstance(value, str | bool) else value


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_gives_both_orders(store: Store, study: StudyRow, field: str) -> None:
    has = {number: place(value) for number, value in known(store, study, field).items()}
    missing = [number for number in range(12) if number not in has]
    up = sorted(has, key=lambda number: has[number])
    down = sorted(has, key=lambda number: has[number], reverse=True)
    for limit in (1, 5, 1000):
        assert numbers(store, study, limit, order=field) == up + missing
        assert numbers(store, study, limit, order=field, descending=True) == down + missing


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"search": "#1"}, [1, 10, 11]),
        ({"search": "KIND=a"}, [1, 6]),
        ({"search": "n=1 rung=0"}, [0, 6]),
        ({"search": "x=0.7"}, [1, 11]),
        ({"search": "kind=true"}, [2]),
        ({"search": 'q"=_'}, [4, 9]),
        ({"search": "usererr"}, [2]),
        ({"search": "failed"}, [2]),
        ({"search": "%"}, [8]),
        ({"search": "_"}, [4, 9]),
        ({"search": "ä"}, [8]),
        ({"search": "nothing"}, []),
        ({"search": "  "}, list(range(12))),
        ({"states": (TrialState.FAILED, TrialState.PENDING)}, [2, 4, 9]),
        ({"states": (TrialState.PENDING,), "search": "#4"}, [4]),
        ({"ranges": (TrialRange("params.x", 0.35, 0.7),)}, [1, 2, 5, 8, 11]),
        ({"ranges": (TrialRange("number", 10.0),)}, [10, 11]),
        ({"ranges": (TrialRange("value", None, 0.1),)}, [0, 7, 10]),
        ({"ranges": (TrialRange("metrics.loss"),)}, [1, 2, 5, 7, 8, 10, 11]),
        ({"ranges": (TrialRange("params.kind", values=("a", True)),)}, [1, 2, 6]),
        ({"ranges": (TrialRange("params.kind", values=("ä%", 1)),)}, [8]),
        ({"ranges": (TrialRange("params.kind", values=("a",), missing=True),)}, [1, 3, 6, 7, 11]),
        ({"ranges": (TrialRange("params.kind", missing=True), TrialRange("number", 4))}, [7, 11]),
        ({"ranges": (TrialRange("value", 0.9, missing=True),)}, [3, 4, 6, 9]),
        ({"ranges": (TrialRange("created", NOW + 3, NOW + 4),)}, [3, 4]),
    ],
)
def test_trials_are_chosen(store: Store, study: StudyRow, query: dict[str, Any], wanted: list[int]) -> None:
    assert numbers(store, study, **query) == wanted
    assert numbers(store, study, 1, descending=True, **query) == wanted[::-1]
    assert numbers(store, study, 2, skip=1, **query) == wanted[1:]


def test_a_page_goes_on_where_it_was_though_trials_come_and_change(store: Store, study: StudyRow) -> None:
    asked = TrialQuery(order="value", descending=True)
    first = store.read(lambda tx: tx.find_trials(study.uid, asked, limit=4))
    assert [trial.number for trial in first.trials] == [3, 2, 5, 8]
    store.write(lambda tx: add(tx, study.uid, 33))  # with the best value: it would move all others by a place
    rest = store.read(lambda tx: tx.find_trials(study.uid, asked, first.end, limit=100))
    assert [trial.number for trial in rest.trials] == [1, 11, 7, 0, 10, 4, 6, 9]
    assert (first.total, rest.total) == (12, 13)


@pytest.mark.parametrize(
    ("query", "path", "rule"),
    [
        ({"order": "beauty"}, "order_by", "must be one of number, name, .*params.kind, metrics.NAME, but got 'beauty'"),
        ({"order": "params.y"}, "order_by", "must be one of .*, but got 'params.y'"),
        ({"order": "metrics."}, "order_by", "must be one of"),
        ({"order": ""}, "order_by", "must be one of"),
        ({"ranges": (TrialRange("x", 1.0),)}, r"ranges\[0\].field", "must be one of"),
        ({"ranges": (TrialRange("params.kind", 1.0),)}, r"ranges\[0\]", "must be numbers or times"),
        ({"ranges": (TrialRange("state"),)}, r"ranges\[0\]", "must be a parameter, a number or a time"),
        (
            {"ranges": (TrialRange("params.x", values=(1,)),)},
            r"ranges\[0\]",
            "must have `values` only of a categorical",
        ),
        ({"ranges": (TrialRange("params.x", math.nan),)}, r"ranges\[0\]", ".*but got NaN"),
    ],
)
def test_what_cannot_be_asked_for_is_named(
    store: Store, study: StudyRow, query: dict[str, Any], path: str, rule: str
) -> None:
    with pytest.raises(FixRequest, match=f"^`{path}` {rule}") as caught:
        store.read(lambda tx: tx.find_trials(study.uid, TrialQuery(**query)))
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(("order", "key"), [("value", "high"), ("name", 1.5), ("params.kind", 3)])
def test_a_cursor_of_another_order_is_refused(store: Store, study: StudyRow, order: str, key: Any) -> None:
    with pytest.raises(FixRequest, match="a page must begin in the order that is asked for"):
        store.read(lambda tx: tx.find_trials(study.uid, TrialQuery(order=order), TrialCursor(key, 1)))


def test_a_study_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        store.read(lambda tx: tx.find_trials("nobody", TrialQuery()))
