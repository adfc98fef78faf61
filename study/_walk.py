"""Walks through the points of a space, parameter by parameter, so that no combination is looked at twice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.study._parameters import Parameter
from tunesmith.study._values import ParameterValue

if TYPE_CHECKING:
    from tunesmith.study._constraints import Constraint

Point = Mapping[str, ParameterValue]


class TooLong(Exception):
    """A walk tried as many values as it was allowed to."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Parameters, each after those that it depends on, and constraints over them."""

    parameters: tuple[Parameter, ...]
    constraints: tuple["Constraint", ...] = ()


@dataclass(slots=True)
class _Level:
    """One parameter's turn in a walk. `due`: the constraints that can be judged once it has its value."""

    parameter: Parameter
    due: list[Callable[[Point], bool]]

    def options(self, point: Point, points: int | None) -> Iterator[ParameterValue | None]:
        """The values to try; None alone when the parameter is inactive."""
        if not all(c.parameter in point and c.allows(point[c.parameter]) for c in self.parameter.when):
            return iter((None,))
        try:
            return iter(self.parameter.domain.choices(points))
        except ValueError as error:
            raise ValueError(f"{self.parameter.name}: {error}") from None


def walk(tree: Tree, points: int | None = None, work: float = float("inf")) -> Iterator[dict[str, ParameterValue]]:
    """All feasible points, lazily; each is one and the same dict, to be copied.

    Raises ValueError at a continuum when there are no `points`, and TooLong after having tried `work` values.
    """
    levels = _levels(tree)
    point: dict[str, ParameterValue] = {}
    trail = [levels[0].options(point, points)]
    while trail:
        level = levels[len(trail) - 1]
        point.pop(level.parameter.name, None)
        try:
            value = next(trail[-1])
        except StopIteration:
            trail.pop()
            continue
        if (work := work - 1) < 0:
            raise TooLong
        if value is not None:
            point[level.parameter.name] = value
        if not all(holds(point) for holds in level.due):
            continue
        if len(trail) == len(levels):
            yield point
        else:
            trail.append(levels[len(trail)].options(point, points))


def _levels(tree: Tree) -> list[_Level]:
    levels = [_Level(parameter, []) for parameter in tree.parameters]
    places = {parameter.name: index for index, parameter in enumerate(tree.parameters)}
    for constraint in tree.constraints:
        levels[max(places[name] for name in constraint.names)].due.append(constraint.judge())
    return levels
