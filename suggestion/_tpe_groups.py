"""Parameters that are active together, and what TPE proposes for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import Condition, Domain, Parameter, ParameterValue, SearchSpace
from tunesmith.suggestion._parzen import Parzen

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters with the same conditions.

    `members` are their places in the space, `free` the places of those that have more than one value.
    """

    members: tuple[int, ...]
    free: tuple[int, ...]
    conditional: bool

    def active(self, units: Floats) -> Flags:
        """Say in which of n trials at `units`, (d, n), NaN where inactive, the parameters are active: (n,)."""
        return ~np.isnan(units[self.free[0]]) if self.free else np.zeros(units.shape[1], bool)


def groups_of(space: SearchSpace, joint: bool) -> list[Group]:
    """Divide a space into groups; `joint` False: one for each parameter."""
    places: dict[object, list[int]] = {}
    for place, parameter in enumerate(space.parameters):
        key: object = _conditions(parameter.when) if joint else place
        places.setdefault(key, []).append(place)
    return [_group(space.parameters, members) for members in places.values()]


def _conditions(when: Sequence[Condition]) -> tuple[object, ...]:
    """Return what two lists of conditions have in common that hold together; in Python, 1 == True."""
    return tuple(sorted((one.parameter, tuple(sorted(map(repr, one.values)))) for one in when))


def _group(parameters: Sequence[Parameter], members: Sequence[int]) -> Group:
    free = tuple(place for place in members if parameters[place].domain.count() != 1)
    return Group(tuple(members), free, bool(parameters[members[0]].when))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates for a group, best first: coordinates, (m, number of free parameters), and log l/g, (m,)."""

    group: Group
    units: Floats
    scores: Floats

    def values(self, space: SearchSpace, rank: int) -> dict[str, ParameterValue]:
        """Return the values of one of the candidates."""
        units = dict(zip(self.group.free, self.units[rank].tolist(), strict=True))
        members = ((place, space.parameters[place]) for place in self.group.members)
        return {parameter.name: parameter.domain.decode(units.get(place, 0.5)) for place, parameter in members}


@dataclass(frozen=True, slots=True)
class Evidence:
    """n trials: coordinates in the unit cube, (d, n), NaN where inactive, and which are good, (n,)."""

    units: Floats
    good: Flags
    prior_weight: float

    def rank(self, space: SearchSpace, group: Group, quantiles: Floats) -> Ranked:
        """Draw candidates from the good trials' density l, and sort them by log l/g, g being the others' density.

        Trials in which the group is inactive say nothing. `quantiles`, (m, 1 + number of free parameters), make the
        draw. What maximises l/g maximises the expected improvement: J. Bergstra et al., NIPS 2011, section 4.1.
        """
        domains, active = [space.parameters[place].domain for place in group.free], group.active(self.units)
        below = self._density(domains, group, active & self.good)
        above = self._density(domains, group, active & ~self.good)
        units = below.draw(quantiles)
        scores = below.log_density(units) - above.log_density(units)
        order = np.argsort(-scores, kind="stable")
        return Ranked(group, units[order], scores[order])

    def _density(self, domains: Sequence[Domain], group: Group, trials: Flags) -> Parzen:
        observed = self.units[np.ix_(np.array(group.free, np.intp), np.flatnonzero(trials))]
        return Parzen(domains, observed, self.prior_weight)
