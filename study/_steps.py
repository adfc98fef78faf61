"""The values min + k * step that are not above max, computed when they are asked for, without drift."""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import overload

_EXACT = Context(prec=60)


class Steps(Sequence[float]):
    """A lazy sequence of doubles: the k-th is first + k * step in decimal arithmetic, so 0.1 steps give 0.3 exactly."""

    def __init__(self, first: float, last: float, step: float) -> None:
        """All of first + k * step that are not above `last`; first <= last, step > 0."""
        self._first, self._step = Decimal(repr(first)), Decimal(repr(step))
        self._count = int(_EXACT.divide_int(_EXACT.subtract(Decimal(repr(last)), self._first), self._step)) + 1

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        """The value at `index`, or a list of those at a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"0 <= index < {self._count} must hold, but got {index}")
        return float(_EXACT.fma(Decimal(index % self._count), self._step, self._first))
