"""Points of search spaces: the way to them and back, the walk through all of them, their number, and samples."""

import pickle
from itertools import islice, product
from math import isclose, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import search_spaces, units
from tests.study.spaces import KERNEL, SVC

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DoubleDomain,
    IntDomain,
    NoFeasiblePoint,
    Parameter,
    ParameterValue,
    SearchSpace,
)


def _point(space: SearchSpace, data: st.DataObject) -> dict[str, ParameterValue]:
    size = len(space.parameters)
    return space.decode(data.draw(st.lists(units, min_size=size, max_size=size)))


def _brute(space: SearchSpace) -> list[dict[str, ParameterValue]]:
    """All points, by filtering the product of all values."""
    found: dict[str, dict[str, ParameterValue]] = {}
    for values in product(*(parameter.domain.choices() for parameter in space.parameters)):
        whole = dict(zip(space.names, values, strict=True))
        point = {name: whole[name] for name in space.active(whole)}
        if space.feasible(point):
            found.setdefault(space.key(point), point)
    return list(found.values())


# Properties


@given(search_spaces(), st.data())
def test_a_decoded_point_has_no_problems_but_constraints(space: SearchSpace, data: st.DataObject) -> None:
    point = _point(space, data)

    assert tuple(point) == space.active(point)
    assert (space.problems(point) == []) is space.feasible(point)
    assert all("must hold" in problem for problem in space.problems(point))
    assert space.canonical(point) == point


@given(search_spaces(), st.data())
def test_encoding_and_decoding_again_gives_the_same_point(space: SearchSpace, data: st.DataObject) -> None:
    point = _point(space, data)
    unit = space.encode(point)
    again = space.decode(unit)

    assert len(unit) == len(space.parameters)
    assert list(again) == list(point)
    for parameter in space.parameters:
        if parameter.name not in point:
            assert unit[space.names.index(parameter.name)] == 0.5
        elif parameter.domain.count() is None:
            domain = parameter.domain
            assert isinstance(domain, DoubleDomain)
            size = domain.max - domain.min
            assert isclose(again[parameter.name], point[parameter.name], rel_tol=1e-9, abs_tol=size * 1e-12)  # type: ignore[arg-type]
        else:
            assert again[parameter.name] == point[parameter.name]


@given(search_spaces(), st.integers(0, 2**32))
def test_samples_are_feasible_points_and_depend_on_the_seed_only(space: SearchSpace, seed: int) -> None:
    try:
        point = space.sample(np.random.default_rng(seed))
    except NoFeasiblePoint:  # too rare to be found, in a space that cannot be counted
        assert space.constraints
        return

    assert space.problems(point) == []
    assert space.sample(np.random.default_rng(seed)) == point
    assert all(type(value) in (float, int, str, bool) for value in point.values())


@given(search_spaces(finite=True, max_parameters=4))
def test_the_walk_meets_every_point_once_and_count_agrees(space: SearchSpace) -> None:
    points = list(space.enumerate())
    keys = [space.key(point) for point in points]

    assert all(space.problems(point) == [] for point in points)
    assert len(set(keys)) == len(keys)
    assert set(keys) == {space.key(point) for point in _brute(space)}
    assert space.count() == len(points)
    assert space.count(len(points)) == len(points)
    assert space.count(len(points) - 1) is None
    assert list(space.enumerate()) == points


@given(search_spaces(constraints=False), st.integers(1, 4))
def test_quantiles_make_any_space_enumerable(space: SearchSpace, points: int) -> None:
    some = list(islice(space.enumerate(points), 200))

    assert all(space.problems(point) == [] for point in some)
    assert len({space.key(point) for point in some}) == len(some)


def test_keys_and_places_do_not_depend_on_those_that_were_asked_for_before() -> None:
    def fresh() -> SearchSpace:
        return SearchSpace((Parameter("a", CategoricalDomain((1, True, "x"))), Parameter("b", IntDomain(0, 3))))

    used = fresh()
    values: list[ParameterValue] = [1, True, 1.0, "x", 0, 0.0, -0.0, False, 3, 3.0, 5, "y"]
    points = [{"a": one, "b": other} for one in values for other in values]
    assert [used.key(point) for point in points] == [fresh().key(point) for point in points]
    for point in points:
        if not fresh().problems(point):
            assert used.encode(point) == fresh().encode(point)


@given(search_spaces(), st.data())
def test_keys_are_equal_for_equal_points_only(space: SearchSpace, data: st.DataObject) -> None:
    one, other = _point(space, data), _point(space, data)
    written = {name: _otherwise(value) for name, value in reversed(one.items())}

    assert space.key(written) == space.key(one)
    assert (space.key(one) == space.key(other)) is (repr(one) == repr(other))


def _otherwise(value: ParameterValue) -> ParameterValue:
    """An equal value of another type."""
    if isinstance(value, (bool, str)):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else float(value)


@given(search_spaces(), st.data())
def test_values_of_inactive_parameters_are_problems_and_change_no_key(space: SearchSpace, data: st.DataObject) -> None:
    point = _point(space, data)
    extra = {p.name: p.domain.decode(0.5) for p in space.parameters if p.name not in point}

    assert space.key(point | extra) == space.key(point)
    assert space.active(point | extra) == space.active(point)
    assert space.encode(point | extra) == space.encode(point)
    assert space.feasible(point | extra) == space.feasible(point)
    if extra:
        assert len(space.problems(point | extra)) == len(extra)


@given(search_spaces(), st.data())
def test_only_points_of_the_space_are_located(space: SearchSpace, data: st.DataObject) -> None:
    point = _point(space, data)
    unit = space.locate(point)
    inactive = [name not in point for name in space.names]

    assert unit is not None
    assert [isnan(one) for one in unit] == inactive
    assert [0.5 if isnan(one) else one for one in unit] == space.encode(point)
    assert space.locate(point | {"nobody": 1}) is None
    assert space.locate({name: point[name] for name in list(point)[1:]}) is None or not point


@given(search_spaces())
def test_spaces_survive_pickling_and_compare_by_value(space: SearchSpace) -> None:
    space.count(1000)
    space.encode(space.decode([0.5] * len(space.names)))
    space.key(space.decode([0.5] * len(space.names)))
    again = pickle.loads(pickle.dumps(space))

    assert again == space
    assert hash(again) == hash(space)
    assert again.count(1000) == space.count(1000)


# Counting and walking


def _grid(values: int, parameters: int, *constraints: str) -> SearchSpace:
    return SearchSpace(tuple(Parameter(f"p{i}", IntDomain(1, values)) for i in range(parameters)), constraints)


def test_counting_a_huge_space_takes_no_walk() -> None:
    chain = [Parameter("p0", IntDomain(1, 10**6))]
    chain += [Parameter(f"p{i}", IntDomain(1, 10**6), (Condition(f"p{i - 1}", (1,)),)) for i in range(1, 500)]

    assert _grid(10, 30).count() is None
    assert _grid(10, 3).count(999) is None
    assert _grid(10, 3).count(1000) == 1000
    assert SearchSpace(tuple(chain)).count() is None
    assert SearchSpace(tuple(chain)).count(10**9) == 500 * (10**6 - 1) + 1


def test_counting_with_constraints() -> None:
    assert _grid(10, 2, "params.p0 < params.p1").count() == 45
    assert _grid(10, 30, "params.p0 < params.p1").count() is None
    assert _grid(10, 30, *(f"params.p{i} + params.p{i + 1} <= 2.0" for i in range(29))).count() == 1
    assert _grid(100, 2, "params.p0 + params.p1 < 2.0").count() == 0
    assert _grid(100, 10, "params.p0 + params.p1 < 2.0").count() == 0


def test_counting_gives_up_when_constraints_leave_little_of_much() -> None:
    space = _grid(3000, 2, "params.p0 * params.p1 == 9000000.0")

    assert space.count(100) is None
    assert list(islice(space.enumerate(), 0)) == []


def test_a_continuum_counts_where_it_is_active() -> None:
    child = Parameter("gamma", DoubleDomain(0, 1), (Condition("kernel", ("rbf",)),))

    assert SearchSpace((KERNEL, child)).count() is None
    assert SearchSpace((KERNEL, child), ("params.kernel != 'rbf'",)).count() == 2


def test_a_walk_needs_points_for_a_continuum() -> None:
    space = SearchSpace((KERNEL, Parameter("x", DoubleDomain(0, 1), (Condition("kernel", ("linear",)),))))
    walk = space.enumerate()

    assert [next(walk), next(walk)] == [{"kernel": "rbf"}, {"kernel": "poly"}]
    with pytest.raises(ValueError, match=r"x: `points >= 1` must hold"):
        next(walk)
    assert [point.get("x") for point in space.enumerate(3)] == [None, None, 0, 0.5, 1]


def test_the_last_parameter_changes_fastest() -> None:
    assert [tuple(point.values()) for point in _grid(2, 2).enumerate()] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_walk_through_a_huge_space_begins_at_once() -> None:
    space = SearchSpace(
        tuple(Parameter(f"p{i}", IntDomain(0, 2**49)) for i in range(50)), ("params.p0 + params.p1 >= 1.0",)
    )

    assert [point["p49"] for point in islice(space.enumerate(), 3)] == [0, 1, 2]


# Sampling


def test_rare_points_are_found_by_counting() -> None:
    space = _grid(300, 2, "params.p0 * params.p1 == 90000.0")

    assert space.sample(np.random.default_rng(1)) == {"p0": 300, "p1": 300}


def test_no_feasible_point_is_said() -> None:
    with pytest.raises(NoFeasiblePoint, match=r"no assignment at all meets the constraints: params.p0 > 5.0"):
        _grid(5, 2, "params.p0 > 5.0").sample(np.random.default_rng(1))
    with pytest.raises(NoFeasiblePoint, match="none of 10000 random assignments meets the constraints"):
        SearchSpace((Parameter("x", DoubleDomain(0, 1)),), ("params.x > 1.0",)).sample(np.random.default_rng(1))


def test_samples_follow_the_distributions() -> None:
    rng = np.random.default_rng(5)
    points = [SVC.sample(rng) for _ in range(400)]

    assert 0.4 < sum(float(point["C"]) < 1 for point in points) / 400 < 0.62
    assert {point["kernel"] for point in points} == {"rbf", "poly", "linear"}


def test_keys_are_readable() -> None:
    point: Assignment = {"C": 1, "kernel": "poly", "gamma": 0.1, "degree": 3.0, "batch": 64}

    assert SVC.key(point) == '{"C":1.0,"kernel":"poly","gamma":0.1,"degree":3,"batch":64}'
    assert SVC.key({"C": "?", "kernel": "cubic", "batch": 65}) == '{"C":"?","kernel":"cubic","batch":65}'
    zero = SearchSpace((Parameter("x", DoubleDomain(-1, 1)),))
    assert zero.key({"x": -0.0}) == zero.key({"x": 0}) == '{"x":0.0}'
