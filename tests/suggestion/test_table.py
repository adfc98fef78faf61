"""The history as arrays: the same however the news came."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.suggestion.studies import MIXED, make_spec

from tunesmith.services.settings import Settings
from tunesmith.study import Assignment, Objective, ObjectiveType, TrialState
from tunesmith.suggestion import StudyView, TrialRecord
from tunesmith.suggestion._history import History
from tunesmith.suggestion._table import Standing, Table, table_of

SPEC = make_spec("random", MIXED)
POINTS: Sequence[Assignment] = [MIXED.sample(np.random.default_rng(seed)) for seed in range(8)]
ALIEN = {"rate": 5.0}

RECORDS = st.builds(
    TrialRecord,
    number=st.one_of(st.integers(0, 9), st.integers(0, 2**62)),
    name=st.just("t"),
    state=st.sampled_from(TrialState),
    assignment=st.sampled_from([*POINTS, ALIEN]),
    values=st.lists(st.floats(), max_size=1).map(tuple),
    completion_rank=st.integers(0, 100),
)


def view(history: History, memo: dict[str, object]) -> StudyView:
    return StudyView("uid", SPEC, 0, Settings({}), history.records, history.tried, history.log, memo)


def same(one: Table, other: Table) -> None:
    for name in ("units", "numbers", "losses", "standings", "ranks"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(st.lists(st.lists(RECORDS, max_size=5), max_size=8))
def test_piece_by_piece_is_as_all_at_once(pieces: list[list[TrialRecord]]) -> None:
    history, memo = History(MIXED), dict[str, object]()
    for piece in pieces:
        if history.apply(piece):
            memo.clear()  # as the service does
        table_of(view(history, memo))
    whole = History(MIXED)
    whole.apply(reversed(list(history.records.values())))
    same(table_of(view(history, memo)), table_of(view(whole, {})))


def test_what_the_rows_hold() -> None:
    history = History(MIXED)
    first, second = MIXED.decode([0.25] * 6), MIXED.decode([0.75] * 4 + [0.5, 0.5])
    assert "degree" in second
    assert "degree" not in first
    states: Mapping[int, tuple[TrialState, tuple[float, ...]]] = {
        4: (TrialState.SUCCEEDED, (2.0,)),
        1: (TrialState.RUNNING, (1.0,)),
        3: (TrialState.EARLY_STOPPED, (3.0,)),
        2: (TrialState.SUCCEEDED, (math.nan,)),
        0: (TrialState.FAILED, (1.0,)),
    }
    history.apply(
        TrialRecord(number, f"t{number}", state, first if number % 2 else second, values, completion_rank=number)
        for number, (state, values) in states.items()
    )
    history.apply([TrialRecord(9, "t9", TrialState.SUCCEEDED, ALIEN, (1.0,))])
    table = table_of(view(history, {}))
    assert table.numbers.tolist() == [0, 1, 2, 3, 4]
    wanted = [Standing.FAILED, Standing.PENDING, Standing.FAILED, Standing.STOPPED, Standing.DONE]
    assert table.standings.tolist() == wanted
    np.testing.assert_array_equal(table.losses, [math.nan, math.nan, math.nan, 3.0, 2.0])
    for number in range(5):
        assignment = first if number % 2 else second
        names = [name for name, unit in zip(MIXED.names, table.units[number], strict=True) if not math.isnan(unit)]
        assert names == list(assignment)
        assert MIXED.decode(np.nan_to_num(table.units[number], nan=0.5).tolist()) == assignment


def test_a_maximised_objective_is_a_loss_with_the_other_sign() -> None:
    spec = make_spec("random", MIXED)
    object.__setattr__(spec, "objectives", (Objective("accuracy", ObjectiveType.MAXIMIZE),))
    history = History(MIXED)
    history.apply([TrialRecord(0, "t", TrialState.SUCCEEDED, POINTS[0], (2.0,))])
    table = table_of(StudyView("uid", spec, 0, Settings({}), history.records, history.tried, history.log, {}))
    assert table.losses.tolist() == [-2.0]
