"""Categorical distributions beside the Gaussian of CMA-ES, moved along the natural gradient.

R. Hamano, S. Saito, M. Nomura, K. Uchida, S. Shirakawa, CatCMA, GECCO 2024, arXiv:2405.09962; the step size is that of
ASNG, Y. Akimoto et al., ICML 2019, Algorithm 1.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNKNOWN = -1
"""Index of the category of a parameter that is not active."""


class Categories:
    """Probabilities of the categories of one parameter or more; `counts`: how many each has, two or more."""

    def __init__(self, counts: Sequence[int], dimensions: int) -> None:
        """Begin with equal ones. `dimensions` of the search space that are not continuous, which the margin is for."""
        self._counts, self._lasts = np.array(counts), np.cumsum(counts) - 1
        self._starts = self._lasts + 1 - self._counts
        self._others = np.delete(np.arange(sum(counts)), self._lasts)
        self.probabilities = np.repeat(1 / self._counts, self._counts)
        share = 1 - 0.73 ** (1 / max(dimensions, 1))
        self._least = np.repeat(share / (self._counts - 1), self._counts)
        self._free = int((self._counts - 1).sum())
        self._path, self._norm, self._speed, self._step = np.zeros(self._free), 0.0, 1.0, 1.0

    def at(self, uniform: Floats) -> NDArray[np.int64]:
        """The categories (n, k) for uniform numbers (n, k) of k parameters."""
        found = np.zeros(uniform.shape, np.int64)
        for place, (start, last) in enumerate(zip(self._starts, self._lasts, strict=True)):
            edges = np.cumsum(self.probabilities[start:last])
            found[:, place] = np.searchsorted(edges, uniform[:, place], side="right")
        return found

    def tell(self, chosen: NDArray[np.int64], weights: Floats) -> None:
        """Update from categories (n, k) and their positive weights (n,); UNKNOWN ones count for nothing."""
        known = np.where(chosen == UNKNOWN, 0.0, weights[:, None])  # (n, k)
        places = np.where(chosen == UNKNOWN, 0, chosen + self._starts)
        drawn = np.bincount(places.ravel(), known.ravel(), len(self.probabilities))
        gradient = drawn - np.repeat(known.sum(axis=0), self._counts) * self.probabilities  # of the expectation
        roots = np.sqrt(self.probabilities)
        rest = -gradient[self._lasts] / (self.probabilities[self._lasts] + roots[self._lasts])  # sum of the others
        whole = gradient / roots + roots * np.repeat(rest, self._counts)
        in_metric = whole[self._others]  # square root of the Fisher matrix times the gradient
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
        sums = np.add.reduceat(raised, self._starts)
        surplus = (sums - 1) / np.maximum(sums - np.add.reduceat(self._least, self._starts), 1e-300)
        raised -= np.repeat(surplus, self._counts) * (raised - self._least)
        self.probabilities = raised / np.repeat(np.add.reduceat(raised, self._starts), self._counts)
