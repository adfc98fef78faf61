"""The Sobol sequence: points that fill the unit cube evenly, however many of them are taken.

Sobol' (1967), in the Gray-code order of Antonov & Saleev (1979), with the direction numbers of Joe & Kuo (2008). It is
scrambled by a random lower triangular matrix per dimension and a digital shift (Matoušek 1998), which keeps the
evenness and takes away what is alike in all studies: that the sequence begins in the corner and on the diagonal.
"""

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._joe_kuo import DIMENSIONS, dimension_numbers

BITS = 32
"""Binary digits of a coordinate: the sequence has 2^32 points."""

_Words = NDArray[np.uint64]


class SobolSequence:
    """The sequence in `dimensions` dimensions; scrambled with `rng`, plain without one."""

    def __init__(self, dimensions: int, rng: np.random.Generator | None = None) -> None:
        """Make the direction numbers. Raises ValueError beyond the table of Joe & Kuo that we carry."""
        if dimensions > DIMENSIONS:
            raise ValueError(f"`dimensions <= {DIMENSIONS}` must hold, but got (dimensions={dimensions})")
        rows = [_directions(dimension) for dimension in range(dimensions)]
        self._directions: _Words = np.array(rows, dtype=np.uint64).reshape(dimensions, BITS)
        self._shift: _Words = np.zeros(dimensions, dtype=np.uint64)
        if rng is not None:
            self._directions = _scrambled(self._directions, rng)
            self._shift = rng.integers(0, 2**BITS, size=dimensions, dtype=np.uint64)

    def points(self, start: int, count: int) -> NDArray[np.float64]:
        """Return the points from number `start` (from 0) on: shape (count, dimensions), each coordinate in [0, 1)."""
        numbers = np.arange(start, start + count, dtype=np.uint64)
        gray = numbers ^ (numbers >> np.uint64(1))
        digits = (gray[:, None] >> np.arange(BITS, dtype=np.uint64)) & np.uint64(1)  # (count, BITS), lowest first
        words = np.bitwise_xor.reduce(digits[:, None, :] * self._directions, axis=2)  # (count, dimensions)
        result: NDArray[np.float64] = (words ^ self._shift) / np.float64(2**BITS)
        return result


def _directions(dimension: int) -> list[int]:
    """Return the direction numbers v_k = m_k 2^(BITS-k) of one dimension, from 0.

    m_k = 2 a_1 m_(k-1) ^ 2^2 a_2 m_(k-2) ^ ... ^ 2^s m_(k-s) ^ m_(k-s), where 1 a_1 ... a_(s-1) 1 are the digits of
    the primitive polynomial of degree s. (Joe & Kuo 2003, eq. 2.)
    """
    polynomial, initial = dimension_numbers(dimension)
    degree = len(initial)
    m = list(initial)
    for k in range(degree, BITS):
        term = m[k - degree] if degree else 1
        for i in range(1, degree + 1):
            if polynomial >> (degree - i) & 1:
                term ^= m[k - i] << i
        m.append(term)
    return [number << (BITS - k) for k, number in enumerate(m, start=1)]


def _scrambled(directions: _Words, rng: np.random.Generator) -> _Words:
    """Multiply each dimension's direction numbers, as vectors of bits, by its own random matrix.

    The matrix is lower triangular with a diagonal of ones: column j is the bit of value 2^(BITS-1-j), and random bits
    of lower value.
    """
    place = np.arange(BITS - 1, -1, -1, dtype=np.uint64)  # (BITS,), highest bit first
    bit = np.uint64(1) << place
    columns = bit | rng.integers(0, bit, size=(len(directions), BITS), dtype=np.uint64)  # (dimensions, BITS)
    digits = (directions[:, :, None] >> place) & np.uint64(1)  # (dimensions, BITS of v, BITS)
    result: _Words = np.bitwise_xor.reduce(digits * columns[:, None, :], axis=2)
    return result
