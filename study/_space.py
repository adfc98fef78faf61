"""What is searched: parameters, the conditions under which they are active, and constraints over their values."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from json import JSONEncoder
from math import isfinite
from typing import TYPE_CHECKING

from tunesmith.study._count import count
from tunesmith.study._parameters import Condition as Condition
from tunesmith.study._parameters import Parameter as Parameter
from tunesmith.study._parameters import SpaceError as SpaceError
from tunesmith.study._parameters import check_parameters, parents_first
from tunesmith.study._remember import remembered
from tunesmith.study._values import ParameterValue as ParameterValue
from tunesmith.study._walk import Tree, walk

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.study._constraints import Constraint

Assignment = Mapping[str, ParameterValue]

_COUNTABLE = 10**5

_TRIES, _FEW_TRIES = 10_000, 200
"""Random points among which `sample` looks for a feasible one; few where all can be looked at instead."""

_encode_json = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class NoFeasiblePoint(Exception):
    """No assignment was found that the constraints allow."""


@dataclass(frozen=True)
class SearchSpace:
    """Parameters, and CEL constraints over them.

    Checked when made, which raises SpaceError with everything that is wrong. Immutable; threads may share it. An
    assignment has a value for each active parameter and for no other. An inactive parameter's coordinate in the unit
    cube means nothing: `decode` ignores it, and `encode` gives 0.5.
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check everything."""
        object.__setattr__(self, "parameters", tuple(self.parameters))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        problems = check_parameters(self.parameters)
        if self.constraints:
            from tunesmith.study._constraints import read_constraints  # CEL is loaded only where it is needed

            wrong = {path.split(".")[0] for path, _ in problems}
            domains = {p.name: None if f"parameters[{i}]" in wrong else p.domain for i, p in enumerate(self.parameters)}
            self.__dict__["_constraints"], found = read_constraints(self.constraints, domains)
            problems += found
        if problems:
            raise SpaceError(problems)

    def __getstate__(self) -> dict[str, object]:
        """For pickle: all but functions that remember."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_encoders", "_writers")}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def _constraints(self) -> tuple["Constraint", ...]:
        return ()

    @cached_property
    def _tree(self) -> Tree:
        return Tree(parents_first(self.parameters), self._constraints)

    @cached_property
    def _conditional(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self._tree.parameters if parameter.when)

    @cached_property
    def _tries(self) -> int:
        return _TRIES if count(Tree(self._tree.parameters), _COUNTABLE) is None else _FEW_TRIES

    @cached_property
    def _counts(self) -> dict[int, int | None]:
        return {}

    def active(self, assignment: Assignment) -> tuple[str, ...]:
        """Names of the parameters that are active under `assignment`, in order.

        It may be partial, or have values for inactive parameters too; conditions on a missing or inactive one do not
        hold.
        """
        if not self._conditional:
            return self.names
        inactive: set[str] = set()
        for parameter in self._conditional:
            for condition in parameter.when:
                parent = condition.parameter
                if parent in inactive or parent not in assignment or not condition.allows(assignment[parent]):
                    inactive.add(parameter.name)
                    break
        return tuple(name for name in self.names if name not in inactive)

    def problems(self, assignment: Assignment) -> list[str]:
        """Everything that keeps `assignment` from being a feasible point; constraints only if there is nothing else."""
        active = set(self.active(assignment))
        known = set(self.names)
        found = [f"{name}: the search space has no such parameter" for name in assignment if name not in known]
        for parameter in self.parameters:
            rule = _parameter_problem(parameter, parameter.name in active, assignment)
            if rule:
                found.append(f"{parameter.name}: {rule}")
        if found:
            return found
        return [text for constraint in self._constraints if (text := constraint.broken(assignment))]

    def feasible(self, assignment: Assignment) -> bool:
        """Whether all constraints hold; nothing else is looked at."""
        if not self._constraints:
            return True
        if self._conditional:
            active = self.active(assignment)
            assignment = {name: assignment[name] for name in active if name in assignment}
        return all(constraint.judge()(assignment) for constraint in self._constraints)

    def canonical(self, assignment: Assignment) -> dict[str, ParameterValue]:
        """`assignment` as the space itself would write it: in its order, 3 for an int 3.0, without unknown names."""
        return {p.name: p.domain.canonical(assignment[p.name]) for p in self.parameters if p.name in assignment}

    def decode(self, unit: Sequence[float]) -> dict[str, ParameterValue]:
        """The assignment at a point of the unit cube, one coordinate per parameter in order; feasible or not."""
        if len(unit) != len(self.parameters):
            raise ValueError(f"`len(unit) == {len(self.parameters)}` must hold, but got {len(unit)}")
        whole = {p.name: p.domain.decode(u) for p, u in zip(self.parameters, unit, strict=True)}
        return {name: whole[name] for name in self.active(whole)} if self._conditional else whole

    def encode(self, assignment: Assignment, inactive: float = 0.5) -> list[float]:
        """The point of the unit cube where `assignment` lies; `inactive` for an inactive parameter."""
        given = self._given(assignment)
        return [encode(assignment[name]) if name in given else inactive for name, encode in self._encoders]

    def locate(self, assignment: Assignment) -> list[float] | None:
        """`encode`, with NaN for an inactive parameter; None where `assignment` is no point of the space.

        It is one when it names the active parameters and no others, with values that have a place.
        """
        active = self.active(assignment)
        if len(active) != len(assignment) or not all(map(assignment.__contains__, active)):
            return None
        try:
            return self.encode(assignment, inactive=float("nan"))
        except (ValueError, TypeError, LookupError, ArithmeticError):
            return None

    def sample(self, rng: "np.random.Generator") -> dict[str, ParameterValue]:
        """A random feasible assignment, by the parameters' distributions; raises NoFeasiblePoint.

        After many tries in vain, one of all feasible assignments, if they can be counted.
        """
        for _ in range(self._tries):
            assignment = self.decode(rng.random(len(self.parameters)).tolist())
            if self.feasible(assignment):
                return assignment
        total = self.count(_COUNTABLE)
        if not total:
            few = "no assignment at all" if total == 0 else f"none of {self._tries} random assignments"
            raise NoFeasiblePoint(f"{few} meets the constraints: {'; '.join(self.constraints)}")
        return next(islice(self.enumerate(), int(rng.integers(total)), None))

    def count(self, limit: int = _COUNTABLE) -> int | None:
        """How many feasible assignments there are; None: infinitely many, or more than `limit`.

        Constraints on a space that is much larger without them can make counting too long: None then, too.
        """
        if limit not in self._counts:
            self._counts[limit] = count(self._tree, limit)
        return self._counts[limit]

    def enumerate(self, points: int | None = None) -> Iterator[dict[str, ParameterValue]]:
        """All feasible assignments, lazily, none of them twice; the last parameter changes fastest.

        A parameter without steps takes `points` quantiles of its distribution, bounds included; without `points` it
        raises ValueError.
        """
        for point in walk(self._tree, points):
            yield {name: point[name] for name in self.names if name in point}

    def key(self, assignment: Assignment) -> str:
        """A text that is the same for all assignments that are the same point, inactive parameters ignored."""
        given = self._given(assignment)
        return "{" + ",".join([write(assignment[name]) for name, write in self._writers if name in given]) + "}"

    @cached_property
    def _encoders(self) -> tuple[tuple[str, Callable[[ParameterValue], float]], ...]:
        return tuple((p.name, remembered(p.domain, p.domain.encode)) for p in self.parameters)

    @cached_property
    def _writers(self) -> tuple[tuple[str, Callable[[ParameterValue], str]], ...]:
        return tuple(
            (p.name, remembered(p.domain, partial(_written, _encode_json(p.name), p))) for p in self.parameters
        )

    def _given(self, assignment: Assignment) -> Container[str]:
        """The active parameters that have a value."""
        return set(self.active(assignment)).intersection(assignment) if self._conditional else assignment


def _written(label: str, parameter: Parameter, value: ParameterValue) -> str:
    """An entry of a JSON object: a label, and the domain's own form of a value."""
    value = parameter.domain.canonical(value)
    return f"{label}:{repr(value) if type(value) is float and isfinite(value) else _encode_json(value)}"


def _parameter_problem(parameter: Parameter, active: bool, assignment: Assignment) -> str | None:
    if not active:
        if parameter.name not in assignment:
            return None
        rule = " and ".join(map(str, parameter.when))
        return f"must be left out, because it is active only when {rule}"
    if parameter.name not in assignment:
        return "must be given, because it is active"
    return parameter.domain.check(assignment[parameter.name])
