"""Search spaces: what is refused, which parameters are active, and the walk through all points."""

import pickle
from itertools import islice, product
from math import isclose, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import search_spaces, units

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    NoFeasiblePoint,
    Parameter,
    ParameterValue,
    SearchSpace,
    SpaceError,
)

KERNEL = Parameter("kernel", CategoricalDomain(("rbf", "poly", "linear")))
SVC = SearchSpace(
    (
        Parameter("C", DoubleDomain(0.01, 100, Distribution.LOG_UNIFORM)),
        KERNEL,
        Parameter("gamma", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM), (Condition("kernel", ("rbf", "poly")),)),
        Parameter("degree", IntDomain(2, 5), (Condition("kernel", ("poly",)),), default=3),
        Parameter("batch", DiscreteDomain((32, 64, 128))),
    ),
    ("params.C * params.batch <= 6400.0",),
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


# Conditions


def test_conditions_decide_which_parameters_are_active() -> None:
    assert SVC.names == ("C", "kernel", "gamma", "degree", "batch")
    assert SVC.active({"kernel": "linear"}) == ("C", "kernel", "batch")
    assert SVC.active({"kernel": "rbf"}) == ("C", "kernel", "gamma", "batch")
    assert SVC.active({}) == ("C", "kernel", "batch")
    assert list(SVC.decode([0.5, 0.9, 0.1, 0.1, 0.1])) == ["C", "kernel", "batch"]


def test_a_child_of_an_inactive_parameter_is_inactive() -> None:
    space = SearchSpace(
        (
            Parameter("leaf", IntDomain(1, 2), (Condition("middle", (True,)),)),
            Parameter("middle", CategoricalDomain((True, False)), (Condition("root", (1,)),)),
            Parameter("root", IntDomain(1, 2)),
        )
    )

    assert space.active({"root": 1, "middle": True}) == ("leaf", "middle", "root")
    assert space.active({"root": 2, "middle": True}) == ("root",)
    assert space.active({"root": 1, "middle": 1}) == ("middle", "root")  # 1 is not true
    assert list(space.enumerate()) == [
        {"leaf": 1, "middle": True, "root": 1},
        {"leaf": 2, "middle": True, "root": 1},
        {"middle": False, "root": 1},
        {"root": 2},
    ]
    assert space.count() == 4


def test_all_conditions_must_hold() -> None:
    space = SearchSpace(
        (
            Parameter("a", IntDomain(1, 2)),
            Parameter("b", IntDomain(1, 2)),
            Parameter("c", IntDomain(1, 3), (Condition("a", (1,)), Condition("b", (2,)))),
        )
    )

    assert space.count() == 6
    assert [point.get("c") for point in space.enumerate()] == [None, 1, 2, 3, None, None]


# What an assignment is told


@pytest.mark.parametrize(
    ("assignment", "problems"),
    [
        ({"C": 1.0, "kernel": "linear", "batch": 32}, []),
        ({"C": 1, "kernel": "linear", "batch": 32.0}, []),
        (
            {"C": 200.0, "kernel": "cubic", "batch": 32},
            [
                "C: `min <= value <= max` must hold, but got (value=200, min=0.01, max=100)",
                "kernel: must be one of ['rbf', 'poly', 'linear'], but got 'cubic'",
            ],
        ),
        ({"C": 1.0, "kernel": "rbf", "batch": 32}, ["gamma: must be given, because it is active"]),
        (
            {"C": 1.0, "kernel": "linear", "batch": 32, "degree": 3, "momentum": 0.9},
            [
                "momentum: the search space has no such parameter",
                "degree: must be left out, because it is active only when kernel is one of ['poly']",
            ],
        ),
        (
            {"C": 100.0, "kernel": "linear", "batch": 128},
            ["`params.C * params.batch <= 6400.0` must hold, but got (C=100, batch=128)"],
        ),
    ],
)
def test_problems_are_named_with_their_rule(assignment: Assignment, problems: list[str]) -> None:
    assert SVC.problems(assignment) == problems


def test_problems_of_values_that_are_no_values() -> None:
    assert len(SVC.problems({"C": None, "kernel": ["rbf"], "batch": {}})) == 3  # type: ignore[dict-item]


# What is refused


def _problems(*parameters: Parameter, constraints: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    with pytest.raises(SpaceError) as caught:
        SearchSpace(parameters, constraints)
    return list(caught.value.problems)


def test_everything_wrong_is_told_at_once() -> None:
    found = _problems(
        Parameter("a", IntDomain(3, 1)),
        Parameter("b", DoubleDomain(0, 1, step=-1), default=7),
        Parameter("b", CategoricalDomain(())),
        Parameter("9", IntDomain(1, 3), default=4),
        Parameter("d", IntDomain(1, 3), (Condition("a", (1,)), Condition("nope", (1,)))),
        constraints=("params.a < 3.0", "params.z < 3.0", "params.d * 2 < 3.0"),
    )

    assert found == [
        ("parameters[0].min", "`min <= max` must hold, but got (min=3, max=1)"),
        ("parameters[1].step", "`step > 0` must hold, but got (min=0, max=1, step=-1)"),
        ("parameters[2].name", "must be unique, but `b` is there already"),
        ("parameters[2].values", "must list at least one value"),
        (
            "parameters[3].name",
            "must begin with a letter or '_', and go on with letters, digits, '_', '.' and '-', 100 at most, "
            "but got '9'",
        ),
        ("parameters[3].default", "`min <= value <= max` must hold, but got (value=4, min=1, max=3)"),
        ("parameters[4].when.nope", "must name a parameter of the space, but there is no `nope`"),
        ("constraints[1]", "`params.z < 3.0` names an unknown parameter `z`"),
    ]


@pytest.mark.parametrize("name", ["", "1a", "a b", "a$", "ä", "-a", ".a", "a" * 101, "a\n"])
def test_names_that_are_refused(name: str) -> None:
    assert [path for path, _ in _problems(Parameter(name, IntDomain(1, 2)))] == ["parameters[0].name"]


@pytest.mark.parametrize("name", ["_", "a.b-c_d", "A9", "a" * 100])
def test_names_that_are_allowed(name: str) -> None:
    assert SearchSpace((Parameter(name, IntDomain(1, 2)),)).names == (name,)


def test_conditions_that_are_refused() -> None:
    number = Parameter("number", DoubleDomain(0, 1, step=0.5))
    child = Parameter(
        "child",
        IntDomain(1, 2),
        (
            Condition("number", (0.5,)),
            Condition("kernel", ("rbf", "cubic", True)),
            Condition("kernel", ("rbf",)),
            Condition("child", ()),
        ),
    )

    assert _problems(number, KERNEL, child) == [
        ("parameters[2].when.number", "must name an int, discrete or categorical parameter, but it is a double"),
        ("parameters[2].when.kernel", "must be one of ['rbf', 'poly', 'linear'], but got 'cubic'"),
        ("parameters[2].when.kernel", "must be one of ['rbf', 'poly', 'linear'], but got true"),
        ("parameters[2].when.kernel", "must be given once"),
        ("parameters[2].when.child", "must list at least one value"),
    ]


def test_cycles_are_refused() -> None:
    def on(name: str, parent: str) -> Parameter:
        return Parameter(name, IntDomain(1, 2), (Condition(parent, (1,)),))

    assert _problems(on("a", "a")) == [("parameters[0].when", "must not depend on itself, but got a -> a")]
    assert _problems(KERNEL, on("x", "a"), on("a", "b"), on("b", "c"), on("c", "a")) == [
        ("parameters[2].when", "must not depend on itself, but got a -> b -> c -> a")
    ]


def test_the_number_of_parameters_is_limited() -> None:
    def many(number: int) -> list[Parameter]:
        return [Parameter(f"p{index}", IntDomain(1, 2)) for index in range(number)]

    assert _problems() == [("parameters", "must be 1 to 1000 parameters, but got 0")]
    assert _problems(*many(1001)) == [("parameters", "must be 1 to 1000 parameters, but got 1001")]
    space = SearchSpace(tuple(many(1000)))
    assert space.count() is None
    assert len(next(space.enumerate())) == 1000


def test_a_space_error_reads_as_a_sentence_and_survives_pickling() -> None:
    error = SpaceError([("parameters[0].min", "must be"), ("constraints[1]", "must hold")])

    assert str(error) == "parameters[0].min: must be; constraints[1]: must hold"
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_units_must_fit_the_space() -> None:
    with pytest.raises(ValueError, match=r"`len\(unit\) == 5` must hold, but got 2"):
        SVC.decode([0.5, 0.5])
    with pytest.raises(ValueError, match="must be one of"):
        SVC.encode({"kernel": "cubic"})


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
