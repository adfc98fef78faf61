"""Whole assignments from what TPE proposes for each group of parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tunesmith.study import Assignment, ParameterValue, SearchSpace
from tunesmith.suggestion._tpe_groups import Densities, Evidence, Group, Ranked

ROUNDS = 4
"""Times that candidates are drawn for a trial before it is drawn at random: all may be tried before, or forbidden."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An assignment, and its log l/g: the sum over the groups that are active in it."""

    assignment: Assignment
    score: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates for one trial, `count` in each group and round, the best of a round first.

    Groups are decided from the top down, as `group=True` of Optuna does: a child has a value only where its parent's
    makes it active.
    """

    space: SearchSpace
    groups: Sequence[Group]
    evidence: Evidence
    count: int
    rng: np.random.Generator
    _densities: dict[Group, Densities] = field(default_factory=dict, init=False)
    """Those that were asked for, the same in each round."""

    def __iter__(self) -> Iterator[Candidate]:
        """Give the candidates; the work for a round is done when its first one is asked for."""
        for _ in range(ROUNDS):
            ranked: dict[Group, Ranked] = {}
            for top in range(self.count):
                for below in range(self.count):
                    if (found := self._assemble(ranked, top, below)) is None:
                        break
                    yield found[1]
                    if not any(group.conditional for group in found[0]):
                        break

    def _assemble(self, ranked: dict[Group, Ranked], top: int, below: int) -> tuple[list[Group], Candidate] | None:
        """Put together the groups' candidates at rank `top`, those of conditional groups at rank `below`.

        Returns:
            The groups that are active, and the candidate; None where one of the groups has no such rank.
        """
        values: dict[str, ParameterValue] = {}
        chosen: list[Group] = []
        score = 0.0
        while (group := self._next(values, chosen)) is not None:
            if group not in ranked:
                ranked[group] = self._rank(group)
            found, rank = ranked[group], below if group.conditional else top
            if rank >= len(found.scores):
                return None
            values |= group.values(self.space, found.units[rank].tolist())
            score += float(found.scores[rank])
            chosen.append(group)
        assignment = {name: values[name] for name in self.space.names if name in values}
        return chosen, Candidate(assignment, score)

    def _rank(self, group: Group) -> Ranked:
        if group not in self._densities:
            self._densities[group] = self.evidence.densities(self.space, group)
        return self._densities[group].rank(self.space, group, self.count, self.rng)

    def _next(self, values: Assignment, chosen: Sequence[Group]) -> Group | None:
        """Return the first group that is active and has no values yet."""
        active = set(self.space.active(values))
        for group in self.groups:
            if self.space.names[group.members[0]] in active and group not in chosen:
                return group
        return None
