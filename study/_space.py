"""What is searched: parameters, the conditions under which they are active, and constraints over their values."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tunesmith.study._domains import Domain
from tunesmith.study._values import ParameterValue as ParameterValue  # `_spec` takes it from here
from tunesmith.study._values import same

if TYPE_CHECKING:
    import numpy as np

Assignment = Mapping[str, ParameterValue]


class SpaceError(ValueError):
    """A search space that cannot be. `problems`: (path, message) pairs, such as ("parameters[2].min", "...")."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        """All that is wrong with the space."""
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.problems))


class NoFeasiblePoint(Exception):
    """No assignment was found that the constraints allow."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when `parameter` is active and has one of `values`."""

    parameter: str
    values: tuple[ParameterValue, ...]

    def allows(self, value: ParameterValue) -> bool:
        """Whether the condition holds for `value` of its parameter."""
        return any(same(value, one) for one in self.values)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; active when all conditions of `when` hold. `default`: what a user would use without tuning."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()
    default: ParameterValue | None = None


@dataclass(frozen=True)
class SearchSpace:
    """Parameters and constraints; checked when made, which raises SpaceError with all that is wrong."""

    parameters: tuple[Parameter, ...]
    constraints: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    def active(self, assignment: Assignment) -> tuple[str, ...]:
        """Names of the parameters that are active under the values given, in order."""
        found = [p.name for p in self.parameters if all(c.allows(assignment.get(c.parameter, "")) for c in p.when)]
        return tuple(found)

    def problems(self, assignment: Assignment) -> list[str]:
        """Everything that keeps `assignment` from being a point of the space."""
        return []

    def feasible(self, assignment: Assignment) -> bool:
        """Whether all constraints hold."""
        return True

    def decode(self, unit: Sequence[float]) -> dict[str, ParameterValue]:
        """The assignment at a point of the unit cube: one coordinate per parameter, inactive ones left out."""
        whole = {p.name: p.domain.decode(u) for p, u in zip(self.parameters, unit, strict=True)}
        active = self.active(whole)
        return {name: whole[name] for name in active}

    def encode(self, assignment: Assignment) -> list[float]:
        """The point of the unit cube where `assignment` lies; 0.5 for an inactive parameter."""
        return [p.domain.encode(assignment[p.name]) if p.name in assignment else 0.5 for p in self.parameters]

    def sample(self, rng: "np.random.Generator") -> dict[str, ParameterValue]:
        """A random feasible assignment; raises NoFeasiblePoint when none is found."""
        return self.decode(rng.random(len(self.parameters)).tolist())

    def count(self, limit: int = 10**5) -> int | None:
        """How many feasible assignments there are; None: infinitely many, or more than `limit`."""
        total = 1
        for parameter in self.parameters:
            total *= parameter.domain.count() or limit + 1
        return total if total <= limit else None

    def enumerate(self, points: int | None = None) -> Iterator[dict[str, ParameterValue]]:
        """All feasible assignments in order; `points` quantiles of each continuous parameter."""
        raise NotImplementedError

    def key(self, assignment: Assignment) -> str:
        """A text that is the same for the same point."""
        return json.dumps([[name, assignment[name]] for name in self.names if name in assignment])
