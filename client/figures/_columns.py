"""Numbers as Plotly's typed columns: a third of the bytes that JSON takes, and nothing in them that JSON has not."""

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Floats = "NDArray[np.float64]"
_LARGEST_SINGLE = 1e38
_WHOLE = ((np.int8, "i1"), (np.int16, "i2"), (np.int32, "i4"))


def column(values: "ArrayLike", *, short: bool = False) -> dict[str, str]:
    """A column, or a matrix, of numbers. NaN is a gap, which may be in it because it is packed.

    Args:
        values: Shape (n,) or (n, m).
        short: Whether seven digits are enough.
    """
    array = np.asarray(values)
    array, dtype = _whole(array) if array.dtype.kind in "iub" else _real(array, short)
    packed = {"dtype": dtype, "bdata": b64encode(np.ascontiguousarray(array).tobytes()).decode()}
    return packed if array.ndim == 1 else packed | {"shape": ", ".join(map(str, array.shape))}


def _whole(array: "NDArray[Any]") -> "tuple[NDArray[Any], str]":
    for kind, dtype in _WHOLE:
        if array.size == 0 or (np.iinfo(kind).min <= array.min() and array.max() <= np.iinfo(kind).max):
            return array.astype(kind), dtype
    return array.astype("<f8"), "f8"  # JavaScript has no larger whole number


def _real(array: "NDArray[Any]", short: bool) -> "tuple[NDArray[Any], str]":
    if short and (array.size == 0 or not np.nanmax(np.abs(array), initial=0.0) > _LARGEST_SINGLE):
        return array.astype("<f4"), "f4"
    return array.astype("<f8"), "f8"


def best_so_far(losses: "NDArray[np.float64]") -> "NDArray[np.intp]":
    """Rows that are better than all before them.

    Args:
        losses: Shape (n,); less is better, NaN never is.
    """
    known = np.where(np.isnan(losses), np.inf, losses)
    before = np.concatenate([[np.inf], np.minimum.accumulate(known)[:-1]]) if len(known) else known
    return np.flatnonzero(known < before)
