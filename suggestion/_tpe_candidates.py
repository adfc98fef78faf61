"""Whole assignments from what TPE proposes for each group of parameters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import Assignment, ParameterValue, SearchSpace
from tunesmith.suggestion._tpe_groups import Evidence, Group, Ranked

Floats = NDArray[np.float64]

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
    makes it active. All random numbers of a round are drawn before any is used.
    """

    space: SearchSpace
    groups: Sequence[Group]
    evidence: Evidence
    count: int
    rng: np.random.Generator

    def __iter__(self) -> Iterator[Candidate]:
        """Give the candidates; the work for a round is done when its first one is asked for."""
        for _ in range(ROUNDS):
            quantiles = {group: self.rng.random((self.count, 1 + len(group.free))) for group in self.groups}
            ranked: dict[Group, Ranked] = {}
            for top in range(self.count):
                for below in range(self.count):
                    chosen, candidate = self._assemble(quantiles, ranked, top, below)
                    yield candidate
                    if not any(group.conditional for group in chosen):
                        break

    def _assemble(
        self, quantiles: dict[Group, Floats], ranked: dict[Group, Ranked], top: int, below: int
    ) -> tuple[list[Group], Candidate]:
        """Put together the groups' candidates at rank `top`, those of conditional groups at rank `below`."""
        values: dict[str, ParameterValue] = {}
        chosen: list[Group] = []
        score = 0.0
        while (group := self._next(values, chosen)) is not None:
            if group not in ranked:
                ranked[group] = self.evidence.rank(self.space, group, quantiles[group])
            rank = below if group.conditional else top
            values |= ranked[group].values(self.space, rank)
            score += float(ranked[group].scores[rank])
            chosen.append(group)
        assignment = {name: values[name] for name in self.space.names if name in values}
        return chosen, Candidate(assignment, score)

    def _next(self, values: Assignment, chosen: Sequence[Group]) -> Group | None:
        """Return the first group that is active and has no values yet."""
        active = set(self.space.active(values))
        for group in self.groups:
            if self.space.names[group.members[0]] in active and group not in chosen:
                return group
        return None
