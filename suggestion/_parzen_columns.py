"""One parameter's part in a Parzen estimator: a kernel for each observation, and one for the prior.

Everything is in unit coordinates, in which the parameter's own distribution is uniform. `n` observations make n + 1
kernels, of which the last is the prior; `m` points are drawn or judged at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import CategoricalDomain, DiscreteDomain, Distribution, Domain, DoubleDomain, IntDomain
from tunesmith.suggestion._kernels import NARROWEST, Kernels, kernels_of, narrowest
from tunesmith.suggestion._normal import LOG_SQRT_TAU, mass

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


class Judge(ABC):
    """Log-densities of a parameter's kernels at some points."""

    @abstractmethod
    def add(self, part: slice, sums: Floats, spare: Floats) -> None:
        """Add those at the points `part`, less the constants, to `sums`, (points, n + 1); `spare` is scratch."""


class Column(ABC):
    """A parameter's kernels. `constants`: what each kernel's log-density has whatever the point is, (n + 1,) or 0."""

    constants: Floats | float = 0.0

    @abstractmethod
    def draw(self, chosen: Whole, quantiles: Floats) -> Floats:
        """Draw a coordinate from each of the kernels `chosen`, (m,), at a quantile of it, (m,)."""

    @abstractmethod
    def judge(self, units: Floats) -> Judge:
        """Prepare the densities at `units`, (m,); of a parameter of finitely many values: the masses of their cells."""


def columns_of(domains: Sequence[Domain], units: Floats, prior_weight: float, exponent: float) -> list[Column]:
    """Make the columns of d parameters that were observed at `units`, (d, n).

    `exponent` narrows the kernels of a continuum, and of values so many that they are like one.
    """
    ordered = [place for place, domain in enumerate(domains) if not isinstance(domain, CategoricalDomain)]
    fine = ((domains[place].count() or np.inf) > NARROWEST for place in ordered)
    least = [narrowest(units.shape[1], exponent if one else 1.0) for one in fine]
    kernels = iter(kernels_of([units[place] for place in ordered], least))
    columns: list[Column] = []
    for domain, observed in zip(domains, units, strict=True):
        if isinstance(domain, CategoricalDomain):
            columns.append(Categories(domain.count(), observed, prior_weight))
        elif domain.count() is None:
            columns.append(Continuum(next(kernels)))
        else:
            columns.append(Cells(next(kernels), domain))
    return columns


class Continuum(Column):
    """A number without steps: kernels are truncated normal densities."""

    def __init__(self, kernels: Kernels) -> None:
        """Take kernels."""
        self._kernels, shapes = kernels, kernels.shapes
        self.constants = (-np.log(shapes.sigmas * kernels.inside) - LOG_SQRT_TAU)[shapes.places]

    def draw(self, chosen: Whole, quantiles: Floats) -> Floats:
        """Draw from the truncated normal distributions."""
        return self._kernels.draw(chosen, quantiles)

    def judge(self, units: Floats) -> Judge:
        """Prepare the densities."""
        shapes = self._kernels.shapes
        scales = np.sqrt(0.5) / shapes.sigmas
        return _Squares(units, (shapes.mus * scales)[shapes.places], scales[shapes.places])


class _Squares(Judge):
    """-(x - μ)² / 2σ², of scaled middles μ / (√2 σ), (n + 1,), and scales 1 / (√2 σ), (n + 1,)."""

    def __init__(self, units: Floats, middles: Floats, scales: Floats) -> None:
        self._units, self._middles, self._scales = units, middles, scales

    def add(self, part: slice, sums: Floats, spare: Floats) -> None:
        np.multiply(self._scales, self._units[part, None], out=spare)
        spare -= self._middles
        np.multiply(spare, spare, out=spare)
        sums -= spare


class _Lookup(Judge):
    """Entries of a table by cell and shape, (c, k), for points in cells, (m,), and kernels of shapes, (n + 1,)."""

    def __init__(self, table: Floats, cells: Whole, shapes: Whole) -> None:
        self._table, self._cells, self._shapes = table, cells, shapes

    def add(self, part: slice, sums: Floats, spare: Floats) -> None:
        np.take(self._table[self._cells[part]], self._shapes, axis=1, out=spare, mode="clip")
        sums += spare


class Cells(Column):
    """A number of finitely many values in order: the mass of a truncated normal kernel in the value's cell."""

    def __init__(self, kernels: Kernels, domain: DoubleDomain | IntDomain | DiscreteDomain) -> None:
        """Take kernels whose middles are those of cells."""
        self._kernels, self._domain = kernels, domain
        uniform = isinstance(domain, DiscreteDomain) or domain.distribution is Distribution.UNIFORM
        self._equal = domain.count() if uniform else None

    def draw(self, chosen: Whole, quantiles: Floats) -> Floats:
        """Draw from the truncated normal distributions, and go to the middles of the cells."""
        low, high = self._borders(self._kernels.draw(chosen, quantiles))
        middles: Floats = low + (high - low) / 2
        return middles

    def judge(self, units: Floats) -> Judge:
        """Prepare the masses in each cell that is there, over the masses in the unit interval."""
        cells, places = np.unique(units, return_inverse=True)
        low, high = self._borders(cells)[:, :, None]
        shapes = self._kernels.shapes
        masses = mass((low - shapes.mus) / shapes.sigmas, (high - shapes.mus) / shapes.sigmas)
        with np.errstate(divide="ignore"):
            return _Lookup(np.log(masses / self._kernels.inside), places, shapes.places)

    def _borders(self, units: Floats) -> Floats:
        """Where the cells that hold `units`, (c,), begin and end: (2, c)."""
        if self._equal:
            places = np.minimum(np.floor(units * self._equal), self._equal - 1)
            return np.stack((places, places + 1)) / self._equal
        return np.array([self._domain.borders(unit) for unit in units.tolist()]).reshape(-1, 2).T


class Categories(Column):
    """Values without an order: an observation's kernel gives its value 1 + p of 1 + C p, and each of the others p.

    C values, p = prior weight / (n + 1). There are C + 1 shapes of kernels: one for each value, and the prior's.
    """

    def __init__(self, count: int, units: Floats, prior_weight: float) -> None:
        """Make kernels for observations at `units`, (n,), the middles of the cells of C = `count` values."""
        self._count = count
        self._shapes = np.append(self._places(units), count)
        shares = np.full((count + 1, count), prior_weight / len(self._shapes))
        shares[:-1] += np.eye(count)
        shares[-1] = 1.0
        self._shares: Floats = shares / shares.sum(axis=1, keepdims=True)  # (shapes, values)

    def draw(self, chosen: Whole, quantiles: Floats) -> Floats:
        """Draw values."""
        reached = np.cumsum(self._shares[self._shapes[chosen]], axis=1)
        places = np.minimum((reached < quantiles[:, None]).sum(axis=1), self._count - 1)
        middles: Floats = (places + 0.5) / self._count
        return middles

    def judge(self, units: Floats) -> Judge:
        """Prepare the probabilities."""
        return _Lookup(np.log(self._shares.T), self._places(units), self._shapes)

    def _places(self, units: Floats) -> Whole:
        return (units * self._count).astype(np.intp)
