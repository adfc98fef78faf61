"""Hypothesis strategies for search spaces, shared by the tests of all rooms. Every space drawn has a feasible point."""

import json
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tunesmith.study import (
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    Domain,
    DoubleDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
)

# Time is measured in benchmarks; on a busy machine a deadline fails tests of what is right.
settings.register_profile("spaces", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("spaces")

NAMES = ("C", "kernel", "gamma", "batch-size", "opt.lr", "_x", "all", "params", "b", "degree")
TEXTS = ("rbf", "poly", "", "two words", 'quo"ted', "ünïcode", "1", "true")
MIXED: tuple[ParameterValue, ...] = (1, True, "1", 2.5)

distributions = st.sampled_from(Distribution)
units = st.floats(0, 1)


@st.composite
def double_domains(draw: st.DrawFn, largest: float = 1e6, finite: bool | None = None) -> DoubleDomain:
    """Real numbers up to `largest` in size; `finite`: with steps, at most 8 values; None: either."""
    distribution = draw(distributions)
    smallest = 1e-6 if distribution.log else -largest
    low, high = sorted((draw(st.floats(smallest, largest)), draw(st.floats(smallest, largest))))
    if draw(st.booleans()) if finite is None else finite:
        step = draw(st.sampled_from((0.1, 0.25, 1.0, 1e-3, 7.0)))
        low = round(low, 2) if round(low, 2) >= smallest else 0.01
        return DoubleDomain(low, low + step * draw(st.floats(0, 7)), distribution, step)
    return DoubleDomain(low, high, distribution)


@st.composite
def int_domains(draw: st.DrawFn, largest: int = 10**6, finite: bool = False) -> IntDomain:
    """Whole numbers up to `largest` in size; `finite`: at most 8 values."""
    distribution = draw(distributions)
    low = draw(st.integers(1 if distribution.log else -largest, largest))
    step = draw(st.sampled_from((1, 1, 2, 5)))
    high = low + step * draw(st.integers(0, 7)) + draw(st.integers(0, step - 1))
    return IntDomain(low, high if finite else max(high, draw(st.integers(low, 2 * largest))), distribution, step)


discrete_domains = st.builds(
    DiscreteDomain,
    st.lists(st.one_of(st.integers(-99, 99), st.floats(-99, 99)), min_size=1, max_size=5, unique=True).map(tuple),
)
categorical_domains = st.one_of(
    st.builds(CategoricalDomain, st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True).map(tuple)),
    st.just(CategoricalDomain((True, False))),
    st.permutations(MIXED).map(lambda values: CategoricalDomain(tuple(values))),
)


def domains(finite: bool | None = None) -> st.SearchStrategy[Domain]:
    """Domains of every kind; `finite`: of at most 8 values."""
    return st.one_of(
        double_domains(finite=finite), int_domains(1000, finite=bool(finite)), discrete_domains, categorical_domains
    )


@st.composite
def search_spaces(
    draw: st.DrawFn,
    *,
    finite: bool | None = None,
    max_parameters: int = 5,
    conditions: bool = True,
    constraints: bool = True,
) -> SearchSpace:
    """Spaces of every kind; `finite`: of at most 8 values a parameter."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=max_parameters, unique=True))
    parameters: list[Parameter] = []
    for name in names:
        when = draw(_conditions(parameters)) if conditions else ()
        domain = draw(domains(finite))
        default = domain.decode(draw(units)) if draw(st.booleans()) else None
        parameters.append(Parameter(name, domain, when, default))
    space = SearchSpace(tuple(draw(st.permutations(parameters))))
    if not constraints or draw(st.booleans()):
        return space
    anchor = space.decode(draw(st.lists(units, min_size=len(names), max_size=len(names))))
    return SearchSpace(space.parameters, tuple(draw(st.lists(_constraint(space, anchor), max_size=2))))


@st.composite
def _conditions(draw: st.DrawFn, before: Sequence[Parameter]) -> tuple[Condition, ...]:
    able = [parameter for parameter in before if not isinstance(parameter.domain, DoubleDomain)]
    if not able or draw(st.booleans()):
        return ()
    parents = draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique_by=lambda parent: parent.name))
    return tuple(Condition(parent.name, draw(_some(parent.domain.choices()[:8]))) for parent in parents)


def _some(values: Sequence[ParameterValue]) -> st.SearchStrategy[tuple[ParameterValue, ...]]:
    places = st.lists(st.integers(0, len(values) - 1), min_size=1, unique=True)
    return places.map(lambda chosen: tuple(values[place] for place in sorted(chosen)))


@st.composite
def _constraint(draw: st.DrawFn, space: SearchSpace, anchor: Assignment) -> str:
    """A constraint that holds at `anchor`."""
    one, other = (draw(st.sampled_from(space.parameters)) for _ in range(2))
    values = [anchor.get(parameter.name, parameter.domain.decode(0.5)) for parameter in (one, other)]
    numbers = [isinstance(parameter.domain, (DoubleDomain, IntDomain, DiscreteDomain)) for parameter in (one, other)]
    sign = draw(st.sampled_from(("<=", ">=")))
    if all(numbers) and draw(st.booleans()):
        return f"{_use(one)} + {_use(other)} {sign} {float(values[0]) + float(values[1])!r}"
    if numbers[0]:
        return f"{_use(one)} {sign} {float(values[0])!r}"
    listed = ", ".join(_literal(value) for value in {values[0], *one.domain.choices()[:2]})
    return f"{_use(one)} in [{listed}] || {_use(other)} == {_literal(values[1])}"


def _use(parameter: Parameter) -> str:
    plain = parameter.name.isidentifier()
    return f"params.{parameter.name}" if plain else f"params[{json.dumps(parameter.name)}]"


def _literal(value: ParameterValue) -> str:
    return repr(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else json.dumps(value)
