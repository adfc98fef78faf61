"""Constraints: CEL over parameters, checked when a space is made."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    DoubleDomain,
    IntDomain,
    Parameter,
    SearchSpace,
    SpaceError,
)
from tunesmith.study._cel import compiled, context
from tunesmith.study._quick import NotPlain, quick

PARAMETERS = (
    Parameter("C", DoubleDomain(0.01, 100)),
    Parameter("batch", DiscreteDomain((32, 64, 128))),
    Parameter("kernel", CategoricalDomain(("rbf", "poly"))),
    Parameter("gamma", DoubleDomain(0, 1), (Condition("kernel", ("rbf",)),)),
    Parameter("bias", CategoricalDomain((True, False))),
    Parameter("n-layers", IntDomain(1, 5)),
    Parameter("opt.lr", DoubleDomain(0, 1)),
    Parameter("size", IntDomain(1, 5)),
    Parameter("in", IntDomain(1, 5)),
    Parameter("choice", CategoricalDomain((1, 2, 3))),
    Parameter("mixed", CategoricalDomain((1, "a"))),
)


def _space(*constraints: str) -> SearchSpace:
    return SearchSpace(PARAMETERS, constraints)


def _refusal(constraint: str) -> str:
    with pytest.raises(SpaceError) as caught:
        _space(constraint)
    [(path, message)] = caught.value.problems
    assert path == "constraints[0]"
    return message


@pytest.mark.parametrize(
    ("constraint", "assignment", "holds"),
    [
        ("params.C * params.batch <= 6400.0", {"C": 100.0, "batch": 64}, True),
        ("params.C * params.batch <= 6400.0", {"C": 100.0, "batch": 128}, False),
        ("params.batch < 64", {"batch": 32}, True),  # comparing with an int is fine
        ("params.batch == 64 || params.batch == 32", {"batch": 64}, True),
        ("params.size >= -1", {"size": 1}, True),
        ("int(params.size) % 2 == 0", {"size": 3}, False),
        ("params.kernel == 'rbf' ? params.C < 2.0 : params.C > 3.0", {"kernel": "poly", "C": 2.5}, False),
        ("params.kernel in ['rbf', 'linear']", {"kernel": "poly"}, False),
        ("params.kernel.startsWith('p') && size(params.kernel) > 3", {"kernel": "poly"}, True),
        ("!params.bias || params.C > 1.0", {"bias": True, "C": 0.5}, False),
        ('params["n-layers"] < 3.0', {"n-layers": 4}, False),
        ("params['opt.lr'] * 2.0 < 1.0", {"opt.lr": 0.25}, True),
        ('params["in"] < 3.0', {"in": 4}, False),
        ("params.size * params.choice < 6.0", {"size": 3, "choice": 2}, False),  # every number is a double
        ("params.mixed == 'a' || params.mixed > 3.0", {"mixed": "a"}, True),
        ("has(params.C) && params.C > 1.0", {"C": 0.5}, False),
        ("[params.C, params.batch].all(x, x > 1.0)", {"C": 0.5, "batch": 32}, False),
        ("[1.0, 2.0].exists(C, C > params.C)", {"C": 1.5}, True),
        ("params.kernel != 'params.nothing && C'", {"kernel": "rbf"}, True),
        ("params.C > 1.0 // and params.nothing", {"C": 1.5}, True),
        ("type(params.size) == double && params.size > 0.0", {"size": 1}, True),
        ("params . C\n > 1e0", {"C": 1.5}, True),
    ],
)
def test_constraints_hold_or_do_not(constraint: str, assignment: Assignment, holds: bool) -> None:
    assert _space(constraint).feasible(assignment) is holds


def test_a_constraint_that_names_an_inactive_parameter_holds() -> None:
    space = _space("params.gamma > 0.5 && params.C > 50.0", "has(params.gamma) && params.gamma > 0.5")

    assert space.feasible({"C": 1.0, "kernel": "poly"})
    assert space.feasible({"C": 1.0, "kernel": "poly", "gamma": 0.1})
    assert not space.feasible({"C": 1.0, "kernel": "rbf", "gamma": 0.1})


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (
            "params.C * 2 <= 6400.0",
            "`params.C * 2 <= 6400.0` mixes int and double, and numeric parameters are doubles: write `2.0` for `2`",
        ),
        (
            "2*params.C <= 6400",
            "`2*params.C <= 6400` mixes int and double, and numeric parameters are doubles: write `2.0` for `2`",
        ),
        (
            "params.C + 1 < 3 * params.size",
            "`params.C + 1 < 3 * params.size` mixes int and double, and numeric parameters are doubles: "
            "write `1.0` for `1`, `3.0` for `3`",
        ),
        (
            "int(params.size) % 2 == 0 && params.C / 3u > 1.0",
            "`int(params.size) % 2 == 0 && params.C / 3u > 1.0` mixes int and double, and numeric parameters are "
            "doubles: write `3.0` for `3u`",
        ),
        (  # an error that CEL would never come to, because the first part decides
            "params.C < 1000.0 || params.batch * 2 > 3.0",
            "`params.C < 1000.0 || params.batch * 2 > 3.0` mixes int and double, and numeric parameters are doubles: "
            "write `2.0` for `2`",
        ),
        ("params.gama > 0.5", "`params.gama > 0.5` names an unknown parameter `gama`: did you mean `gamma`?"),
        ("params.zzz > 0.5 || true", "`params.zzz > 0.5 || true` names an unknown parameter `zzz`"),
        ("has(params.zzz)", "`has(params.zzz)` names an unknown parameter `zzz`"),
        (
            "params.n-layers < 3.0",
            "`params.n-layers < 3.0` names an unknown parameter `n`: "
            "write params[\"n-layers\"] for a name with a '-' or '.'",
        ),
        (
            "params.opt.lr < 3.0",
            "`params.opt.lr < 3.0` names an unknown parameter `opt`: "
            "write params[\"opt.lr\"] for a name with a '-' or '.'",
        ),
        ("C < 2.0", "`C < 2.0` uses an unknown name `C`: write params.C"),
        ("params.C < 2.0 || math.pi > 3.0", "`params.C < 2.0 || math.pi > 3.0` uses an unknown name `math`"),
        ("1.0 < 2.0", "`1.0 < 2.0` must name at least one parameter"),
        (
            "size(params) > 3",
            '`size(params) > 3` must use `params` only as params.NAME or params["NAME"] of one parameter',
        ),
        (
            "params.all(p, p != 'x')",
            "`params.all(p, p != 'x')` must use `params` only as params.NAME or params[\"NAME\"] of one parameter",
        ),
        (
            "params[params.kernel] > 1.0",
            '`params[params.kernel] > 1.0` must use `params` only as params.NAME or params["NAME"] of one parameter',
        ),
        ("params.C * 2.0", "`params.C * 2.0` must be true or false, but is 0.02 with (C=0.01)"),
        ("params.kernel", "`params.kernel` must be true or false, but is 'rbf' with (kernel='rbf')"),
        (
            "params.kernel < 1.0",
            "`params.kernel < 1.0` cannot be computed: No such overload: the operation is not defined for the given "
            "operand types; (kernel='rbf')",
        ),
        (
            "params.kernel + 1.0 == 'x'",
            "`params.kernel + 1.0 == 'x'` cannot be computed: Unsupported operation: string + double; (kernel='rbf')",
        ),
        (
            "params.mixed > 3.0",
            "`params.mixed > 3.0` cannot be computed: No such overload: the operation is not defined for the given "
            "operand types; (mixed='a')",
        ),
        (
            "sqrt(params.C) < 3.0",
            "`sqrt(params.C) < 3.0` cannot be computed: Undefined variable or function: 'sqrt'; (C=0.01)",
        ),
        ("params.C <", "`params.C <` must be a CEL expression: mismatched input '<EOF>' (column 11)"),
        ("params.C and true", "`params.C and true` must be a CEL expression: mismatched input 'and' (column 10)"),
        ("", "`` must be a CEL expression: mismatched input '<EOF>' (column 1)"),
        ("params.C > 1.0 ||" + " " * 5000, "must have at most 4096 characters, but got 5017"),
    ],
)
def test_constraints_that_are_refused(constraint: str, message: str) -> None:
    assert _refusal(constraint) == message


@pytest.mark.parametrize("constraint", ["(" * 2000, "!" * 4000 + "true", "[" * 2000 + "]" * 2000, "a" + ".b" * 2000])
def test_deep_nesting_is_refused_and_harms_nothing(constraint: str) -> None:
    assert _refusal(constraint)


def test_a_constraint_that_has_no_value_does_not_hold() -> None:
    space = SearchSpace((Parameter("n", IntDomain(0, 10**6)),), ("10 / (int(params.n) - 333) < 5",))

    assert not space.feasible({"n": 333})
    assert space.feasible({"n": 340})
    [problem] = space.problems({"n": 333})
    assert problem.startswith("`10 / (int(params.n) - 333) < 5` must hold, but cannot be computed: division by zero")
    assert problem.endswith("(n=333)")


def test_constraints_over_many_parameters_are_tried_out_at_a_bounded_number_of_points() -> None:
    parameters = tuple(Parameter(f"p{i}", DoubleDomain(0, 1)) for i in range(100))
    total = " + ".join(f"params.p{i}" for i in range(100))

    assert SearchSpace(parameters, (f"{total} <= 70.0",)).feasible(dict.fromkeys((p.name for p in parameters), 0.5))
    with pytest.raises(SpaceError, match=r"`70.0` for `70`"):
        SearchSpace(parameters, (f"{total} + 70 > 0.0",))


def test_mistakes_in_parameters_do_not_hide_those_of_constraints() -> None:
    with pytest.raises(SpaceError) as caught:
        SearchSpace((Parameter("a", IntDomain(3, 1)),), ("params.a < 2 * 3.0", "params.b < 1.0"))

    assert [path for path, _ in caught.value.problems] == ["parameters[0].min", "constraints[1]"]


@pytest.mark.parametrize(
    "program",
    [
        "import tunesmith.study; assert not {'cel', 'cel.cel', 'numpy', 'statistics', 'difflib'} & set(sys.modules)",
        "space(); assert 'cel.cli' not in sys.modules; import cel; assert cel.evaluate('1 == 1'); space()",
        "import cel; space()",
    ],
)
def test_cel_is_loaded_only_for_constraints_and_gets_along_with_its_package(program: str) -> None:
    prelude = """if True:
        import sys
        def space():
            from tunesmith.study import SearchSpace, Parameter, IntDomain
            SearchSpace((Parameter("a", IntDomain(1, 9)),), ("params.a < 2.0",))
    """

    subprocess.run([sys.executable, "-c", f"{prelude}\n{program}"], check=True, env={"PYTHONPATH": "src"})


# The quick way and CEL's own

KINDS = {"x": float, "y": float, "n-1": float, "k": str, "b": bool, "m": None}

numbers = st.one_of(
    st.sampled_from(("params.x", "params.y", "params['n-1']")),
    st.floats(-9, 9).map(lambda value: repr(round(value, 2))),
    st.sampled_from(("0.0", "-1e300", "1e300", "3", "-2", "0x1f")),
)
texts = st.sampled_from(("params.k", "'rbf'", '"poly"', "''", "params.m"))
truths = st.sampled_from(("params.b", "true", "false"))
sums = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
    ),
    max_leaves=4,
)
comparisons = st.one_of(
    st.tuples(sums, st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), sums).map(" ".join),
    st.tuples(texts, st.sampled_from(("<", "==", "!=")), texts).map(" ".join),
    st.tuples(sums, st.lists(numbers, max_size=3)).map(lambda parts: f"{parts[0]} in [{', '.join(parts[1])}]"),
    st.tuples(texts, st.lists(texts, max_size=3)).map(lambda parts: f"{parts[0]} in [{', '.join(parts[1])}]"),
    truths,
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("&&", "||", "==")), inner).map(" ".join),
        st.tuples(inner, inner, inner).map(lambda parts: f"{parts[0]} ? {parts[1]} : {parts[2]}"),
        inner.map(lambda text: f"!({text})"),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"!{text}"),
    ),
    max_leaves=6,
)
values = st.one_of(st.floats(-9, 9), st.integers(-9, 9), st.sampled_from((1e300, -1e308, 0.0)))


@given(expressions, values, values, st.sampled_from(("rbf", "poly", "")), st.booleans())
@example("params.x / params.y < 1.0", 0.0, 0.0, "rbf", True)
@example("!(params.x * params.y - params.x * params.y < 1.0)", 1e300, 1e300, "rbf", True)
@example("params.x < 2 == true", 1.0, 0.0, "rbf", True)
def test_the_quick_way_never_differs_from_cel(text: str, x: float, y: float, k: str, b: bool) -> None:
    judge = quick(text, KINDS)
    if judge is None:
        return
    point: Assignment = {"x": x, "y": y, "n-1": 2, "k": k, "b": b, "m": 1}
    try:
        value = judge(point)
    except (NotPlain, ZeroDivisionError):
        return

    assert type(value) is bool
    assert value is compiled(text).execute(context(point))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("params.x * params.y <= 6400.0", True),
        ("params.x + -2.0 * params['n-1'] / 3.0 >= 2 && !(params.k == 'rbf') || params.b", True),
        ("params.b ? params.x < 2.0 : params.k in ['rbf', 'poly']", True),
        ("params.k.startsWith('r')", False),
        ("int(params.x) % 2 == 0", False),
        ("params.m == 1.0", False),
        ("params.k == 'it\\'s'", False),
        ("!" * 4000 + "params.b", False),
    ],
)
def test_what_is_plain(text: str, plain: bool) -> None:
    assert (quick(text, KINDS) is not None) is plain
