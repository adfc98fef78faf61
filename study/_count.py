"""How many points a space has: by arithmetic where conditions make a forest, by a walk where constraints need one."""

from collections.abc import Iterable, Mapping
from math import inf, prod

from tunesmith.study._parameters import Condition, Parameter
from tunesmith.study._values import ParameterValue, identity
from tunesmith.study._walk import TooLong, Tree, walk

_WORK = 12
"""Values that counting tries at most, in multiples of the limit, where a space without its constraints is above it."""

Ways = Mapping[str, float]
"""By a parameter's name: the number of assignments of it and of all that depends on it, given that it is active.

Floats, since they become infinite where whole numbers would grow without end.
"""


def count(tree: Tree, limit: int) -> int | None:
    """How many feasible points there are; None: infinitely many, more than `limit`, or too much work to tell."""
    work = inf
    if tree.constraints and count(Tree(tree.parameters), limit) is None:
        work = limit * _WORK
    core = _core(tree)
    ways = _ways([parameter for parameter in tree.parameters if parameter.name not in core])
    roots = _product(ways[p.name] for p in tree.parameters if p.name in ways and not p.when)
    total = roots
    if core:
        walked = Tree(tuple(parameter for parameter in tree.parameters if parameter.name in core), tree.constraints)
        hanging = [(p.when[0], ways[p.name]) for p in tree.parameters if p.name in ways and p.when]
        total = _total(walked, [(c, number) for c, number in hanging if c.parameter in core], roots, limit, work)
    return None if total > limit else int(total)


def _core(tree: Tree) -> set[str]:
    """Names of the parameters that arithmetic cannot count: constrained, with several parents, or above such a one."""
    core = {name for constraint in tree.constraints for name in constraint.names}
    for parameter in reversed(tree.parameters):
        if parameter.name in core or len(parameter.when) > 1:
            core.add(parameter.name)
            core.update(condition.parameter for condition in parameter.when)
    return core


def _ways(parameters: list[Parameter]) -> Ways:
    """For parameters with one parent at most, each after its parent."""
    ways: dict[str, float] = {}
    children: dict[str, list[tuple[Condition, float]]] = {}
    for parameter in reversed(parameters):
        below = children.get(parameter.name, [])
        special = {identity(value): value for condition, _ in below for value in condition.values}
        plain = float(parameter.domain.count() or inf) - len(special)
        ways[parameter.name] = plain + sum(_hanging(below, value) for value in special.values())
        for condition in parameter.when:
            children.setdefault(condition.parameter, []).append((condition, ways[parameter.name]))
    return ways


def _hanging(below: Iterable[tuple[Condition, float]], value: ParameterValue) -> float:
    """The number of assignments of what hangs from one value."""
    return _product(number for condition, number in below if condition.allows(value))


def _product(numbers: Iterable[float]) -> float:
    return prod(numbers, start=1.0)


def _total(tree: Tree, hanging: list[tuple[Condition, float]], roots: float, limit: int, work: float) -> float:
    """The sum over the points of the core of what hangs from each; infinite as soon as it is above the limit."""
    total = 0.0
    try:
        for point in walk(tree, work=work):
            total += roots * _product(n for c, n in hanging if c.parameter in point and c.allows(point[c.parameter]))
            if total > limit:
                return inf
    except (TooLong, ValueError):  # ValueError: a continuum
        return inf
    return total
