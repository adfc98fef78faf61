"""Categorical distributions beside the Gaussian of CMA-ES, moved along the natural gradient.

R. Hamano, S. Saito, M. Nomura, K. Uchida, S. Shirakawa, CatCMA, GECCO 2024, arXiv:2405.09962; the step size is that of
ASNG, Y. Akimoto et al., ICML 2019, Algorithm 1.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNKNOWN = -1
"""Index of the category of a parameter that is not active."""


class Categories:
    """Probabilities of the categories of several parameters; `counts`: how many each has, two or more."""

    def __init__(self, counts: Sequence[int], dimensions: int) -> None:
        """Begin with equal ones. `dimensions` of the search space that are not continuous, which the margin is for."""
        self._ends = np.cumsum([0, *counts])
        self.probabilities = np.concatenate([np.full(count, 1 / count) for count in counts] or [np.zeros(0)])
        share = 1 - 0.73 ** (1 / max(dimensions, 1))
        self._least = np.concatenate([np.full(count, share / (count - 1)) for count in counts] or [np.zeros(0)])
        self._free = max(sum(count - 1 for count in counts), 1)
        self._path, self._norm, self._speed, self._step = np.zeros(self._free), 0.0, 1.0, 1.0

    def _slices(self) -> list[slice]:
        return [slice(int(start), int(end)) for start, end in pairwise(self._ends)]

    def at(self, uniform: Floats) -> NDArray[np.int64]:
        """The categories (n, k) for uniform numbers (n, k) of k parameters."""
        found = np.zeros(uniform.shape, np.int64)
        for place, part in enumerate(self._slices()):
            edges = np.cumsum(self.probabilities[part])[:-1]
            found[:, place] = np.searchsorted(edges, uniform[:, place], side="right")
        return found

    def tell(self, chosen: NDArray[np.int64], weights: Floats) -> None:
        """Update from categories (n, k) and their positive weights (n,); UNKNOWN ones count for nothing."""
        gradient = np.zeros_like(self.probabilities)  # of the expectation, in the directions of the probabilities
        normal = []
        for place, part in enumerate(self._slices()):
            old, new = self.probabilities[part], gradient[part]
            for category, weight in zip(chosen[:, place].tolist(), weights.tolist(), strict=True):
                if category != UNKNOWN:
                    new -= weight * old
                    new[category] += weight
            last = float(old[-1])
            normal.append(new[:-1] / np.sqrt(old[:-1]) + np.sqrt(old[:-1]) * new[:-1].sum() / (last + math.sqrt(last)))
        in_metric = np.concatenate(normal)  # square root of the Fisher matrix times the gradient
        length = float(np.sqrt(in_metric @ in_metric))
        if length <= 0:
            return
        self.probabilities = self.probabilities + self._step / (length + 1e-8) * gradient
        self._step = 1 / self._speed
        beta = self._step / math.sqrt(self._free)
        self._path = (1 - beta) * self._path + math.sqrt(beta * (2 - beta)) * in_metric / length
        self._norm = (1 - beta) ** 2 * self._norm + beta * (2 - beta)
        self._speed *= math.exp(beta * (self._norm - float(self._path @ self._path) / 1.5))
        self._speed = max(self._speed, 1 / math.sqrt(self._free))  # beta <= 1: it falls for ever where the margin holds
        self._keep_margin()

    def _keep_margin(self) -> None:
        """No category gets less than its share of `_least`."""
        raised = np.maximum(self.probabilities, self._least)
        for part in self._slices():
            part_sum, least = float(raised[part].sum()), self._least[part]
            room = part_sum - float(least.sum())
            if room > 0:
                raised[part] -= (part_sum - 1) * (raised[part] - least) / room
            raised[part] /= raised[part].sum()
        self.probabilities = raised
