"""Search spaces: what is refused, which parameters are active, and what an assignment is told."""

import pickle

import pytest
from tests.study.spaces import KERNEL, SVC

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DoubleDomain,
    IntDomain,
    Parameter,
    SearchSpace,
    SpaceError,
)

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
