"""Children of assignments: some parameters change, the others keep their values; conditions hold again afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.study import Assignment, CategoricalDomain, Parameter, ParameterValue, SearchSpace

STEP = 0.1
"""Standard deviation of a small change of a number, as a share of its range."""
ANEW = 0.1
"""Probability that a number is drawn anew from its whole range instead."""


@dataclass(frozen=True, slots=True)
class Child:
    """An assignment, and the names of the parameters whose values are not the parents'."""

    assignment: dict[str, ParameterValue]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Breeder:
    """Makes children in a search space."""

    space: SearchSpace

    def child(self, parents: Sequence[Assignment], rng: np.random.Generator, width: float = 1.0) -> Child:
        """Cross the parents, one or two, and change some parameters.

        Each of the n active parameters that have another value changes with probability 1/n; of the child of one
        parent, one at least. Those that become active by that are drawn. `width` multiplies the size of changes.
        """
        whole = self._crossed(parents, rng)
        able = [one for one in self.space.parameters if one.name in whole and one.domain.count() != 1]
        chosen = rng.random(len(able)) * len(able) < 1
        if able and len(parents) == 1 and not chosen.any():
            chosen[int(rng.integers(len(able)))] = True
        for parameter, mutates in zip(able, chosen.tolist(), strict=True):
            if mutates:
                whole[parameter.name] = _other(parameter, whole[parameter.name], rng, width)
        return self._complete(whole, parents, rng)

    def _crossed(self, parents: Sequence[Assignment], rng: np.random.Generator) -> dict[str, ParameterValue]:
        """Every value of the first parent, or with probability 1/2 that of the second where it has one."""
        whole, other = dict(parents[0]), parents[-1]
        for name, swaps in zip(self.space.names, (rng.random(len(self.space.names)) < 0.5).tolist(), strict=True):
            if len(parents) > 1 and name in other and (swaps or name not in whole):
                whole[name] = other[name]
        return whole

    def _complete(
        self, whole: dict[str, ParameterValue], parents: Sequence[Assignment], rng: np.random.Generator
    ) -> Child:
        """Draw what has become active, and leave out what is not active any more."""
        drawn = zip(self.space.parameters, rng.random(len(self.space.parameters)).tolist(), strict=True)
        for parameter, unit in drawn:
            whole.setdefault(parameter.name, parameter.domain.decode(unit))
        child = {name: whole[name] for name in self.space.active(whole)}
        changed = [name for name, value in child.items() if all(_differs(one.get(name), value) for one in parents)]
        return Child(child, tuple(changed))


def _other(parameter: Parameter, value: ParameterValue, rng: np.random.Generator, width: float) -> ParameterValue:
    """Another value of a parameter: near to a number, any other category."""
    domain = parameter.domain
    place, step = domain.encode(value), rng.standard_normal() * STEP * width
    if isinstance(domain, CategoricalDomain):
        count = len(domain.values)
        index = (min(int(place * count), count - 1) + 1 + int(rng.integers(count - 1))) % count
        return domain.values[index]
    there = place + step
    if there < 0 or there > 1:
        there = place - step  # away from the bound
    if rng.random() < ANEW:
        there = rng.random()
    found, values = domain.decode(min(max(there, 0.0), 1.0)), domain.count()
    return found if values is None or found != domain.decode(place) else _neighbour(parameter, place, values, step)


def _neighbour(parameter: Parameter, place: float, count: int, step: float) -> ParameterValue:
    """The next value in the direction of a step that was too small; at the last one, the other way."""
    domain, value = parameter.domain, parameter.domain.decode(place)
    for direction in (1, -1):
        for stretch in (0.5, 1, 2, 4, 8, count):
            there = place + direction * (stretch if step >= 0 else -stretch) / count
            if (found := domain.decode(min(max(there, 0.0), 1.0))) != value:
                return found
    return value


def _differs(one: ParameterValue | None, other: ParameterValue) -> bool:
    """Whether two values are not the same; True is not 1."""
    return one != other or isinstance(one, bool) is not isinstance(other, bool)
