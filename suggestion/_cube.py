"""The unit cube of a search space as arrays: where values lie, and how a point is moved a little."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import CategoricalDomain, Domain, SearchSpace

Floats = NDArray[np.float64]

_MOST_CELLS: Final = 2**10
"""Values of a parameter up to which its cells are listed; beyond, it is as good as a continuum."""
_JUMPS: Final = 0.2
"""Share of moves in which a category is drawn anew."""


@dataclass(frozen=True, slots=True)
class Cube:
    """The unit cube of p parameters. `edges` of cells by parameter: None for a continuum."""

    edges: Sequence[Floats | None]
    categorical: NDArray[np.bool_]

    @classmethod
    def of(cls, space: SearchSpace) -> "Cube":
        """The cube of a space; conditions do not show in it."""
        domains = [parameter.domain for parameter in space.parameters]
        categorical = np.array([isinstance(domain, CategoricalDomain) for domain in domains])
        return cls([_edges(domain) for domain in domains], categorical)

    def snap(self, points: Floats) -> Floats:
        """The middles of the cells in which points (n, p) lie, where there are cells."""
        snapped = points.copy()
        for place, edges in enumerate(self.edges):
            if edges is not None:
                cell = np.clip(np.searchsorted(edges, points[:, place], side="right") - 1, 0, len(edges) - 2)
                snapped[:, place] = (edges[cell] + edges[cell + 1]) / 2
        return snapped

    def move(self, points: Floats, scales: Floats, rng: np.random.Generator) -> Floats:
        """Points (n, p) near others: about half of the numbers moved by normal steps of `scales` (p,), one at least.

        A step that would leave the cube ends at its face, where the best points often are.
        """
        chosen = rng.random(points.shape) < 0.5
        chosen[np.arange(len(points)), rng.integers(points.shape[1], size=len(points))] = True
        steps = rng.standard_normal(points.shape) * np.maximum(scales, self._cells())
        moved = np.clip(points + np.where(chosen & ~self.categorical, steps, 0.0), 0.0, 1.0)
        drawn = chosen & self.categorical & (rng.random(points.shape) < _JUMPS)
        return self.snap(np.where(drawn, rng.random(points.shape), moved))

    def _cells(self) -> Floats:
        """Mean widths of cells (p,); 0 for a continuum: a smaller step would often lead nowhere."""
        return np.array([0.0 if edges is None else 0.7 / (len(edges) - 1) for edges in self.edges])


def _edges(domain: Domain) -> Floats | None:
    count = domain.count()
    if count is None or count > _MOST_CELLS:
        return None
    middles = [domain.encode(value) for value in domain.choices()]
    return np.array([0.0, *(domain.borders(middle)[1] for middle in middles)])
