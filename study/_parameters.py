"""Parameters, the conditions under which they are active, and what must hold for them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from tunesmith.study._domains import Domain, DoubleDomain
from tunesmith.study._values import ParameterValue, same, show

MAX_PARAMETERS = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")

Problems = list[tuple[str, str]]


class SpaceError(ValueError):
    """A search space that cannot be. `problems`: (path, message) pairs, such as ("parameters[2].min", "...")."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        """All that is wrong with the space."""
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """The problems in one line."""
        return "; ".join(f"{path}: {message}" for path, message in self.problems)


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when `parameter`, active itself, has one of `values`."""

    parameter: str
    values: tuple[ParameterValue, ...]

    def allows(self, value: ParameterValue) -> bool:
        """Whether the condition holds for `value` of its parameter."""
        return any(same(value, one) for one in self.values)

    def __str__(self) -> str:
        """The condition as a phrase."""
        return f"{self.parameter} is one of [{', '.join(map(show, self.values))}]"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; active when all conditions of `when` hold. `default`: what a user would use without tuning."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    default: ParameterValue | None = None


def check_parameters(parameters: Sequence[Parameter]) -> Problems:
    """Tell everything that is wrong with the parameters of a space."""
    if not 1 <= len(parameters) <= MAX_PARAMETERS:
        return [("parameters", f"must be 1 to {MAX_PARAMETERS} parameters, but got {len(parameters)}")]
    known: dict[str, Parameter] = {}
    found: Problems = []
    for index, parameter in enumerate(parameters):
        found += ((f"parameters[{index}].{path}", rule) for path, rule in _own_problems(parameter, known))
        known.setdefault(parameter.name, parameter)
    for index, parameter in enumerate(parameters):
        found += ((f"parameters[{index}].{path}", rule) for path, rule in _when_problems(parameter, known))
    return found or _cycles(parameters)


def _own_problems(parameter: Parameter, before: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    if not _NAME.fullmatch(parameter.name):
        rule = "must begin with a letter or '_', and go on with letters, digits, '_', '.' and '-', 100 at most"
        yield "name", f"{rule}, but got {show(parameter.name)}"
    elif parameter.name in before:
        yield "name", f"must be unique, but `{parameter.name}` is there already"
    mistakes = parameter.domain.mistakes()
    yield from mistakes
    if parameter.default is not None and not mistakes and (rule := parameter.domain.check(parameter.default) or ""):
        yield "default", rule


def _when_problems(parameter: Parameter, known: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    seen = set()
    for condition in parameter.when:
        path = f"when.{condition.parameter}"
        if condition.parameter in seen:
            yield path, "must be given once"
        seen.add(condition.parameter)
        parent = known.get(condition.parameter)
        if parent is None:
            yield path, f"must name a parameter of the space, but there is no `{condition.parameter}`"
        elif isinstance(parent.domain, DoubleDomain):
            yield path, "must name an int, discrete or categorical parameter, but it is a double"
        elif not condition.values:
            yield path, "must list at least one value"
        elif not parent.domain.mistakes():
            yield from ((path, rule) for value in condition.values if (rule := parent.domain.check(value)))


def _cycles(parameters: Sequence[Parameter]) -> Problems:
    """The first cycle of conditions, for there is no order in which its parameters could be decided."""
    stuck = set(range(len(parameters))).difference(_order(parameters))
    if not stuck:
        return []
    places = {parameter.name: index for index, parameter in enumerate(parameters)}
    path = [min(stuck)]
    while path.count(path[-1]) == 1:
        path.append(next(places[c.parameter] for c in parameters[path[-1]].when if places[c.parameter] in stuck))
    cycle = path[path.index(path[-1]) :]
    names = " -> ".join(parameters[index].name for index in cycle)
    return [(f"parameters[{cycle[0]}].when", f"must not depend on itself, but got {names}")]


def _order(parameters: Sequence[Parameter]) -> list[int]:
    """Indices of the parameters, parents first, otherwise as they come; those of a cycle and below are left out."""
    places = {parameter.name: index for index, parameter in enumerate(parameters)}
    children: list[list[int]] = [[] for _ in parameters]
    waiting = [len(parameter.when) for parameter in parameters]
    for index, parameter in enumerate(parameters):
        for condition in parameter.when:
            children[places[condition.parameter]].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    heapify(ready)
    order = []
    while ready:
        order.append(heappop(ready))
        for child in children[order[-1]]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heappush(ready, child)
    return order


def parents_first(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The parameters in an order in which each comes after those that it depends on, otherwise as they come."""
    return tuple(parameters[index] for index in _order(parameters))
