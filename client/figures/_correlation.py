"""How much two columns have to do with one another."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunesmith.client.figures._scales import Scale
    from tunesmith.client.figures._view import View

    Floats = NDArray[np.float64]

_LEAST = 3
"""Trials that must have both values."""


def ranks(column: "Floats") -> "Floats":
    """Ranks from 0, equal values sharing theirs; NaN has none."""
    found = np.full(len(column), np.nan)
    known = np.flatnonzero(~np.isnan(column))
    _, inverse, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found[known] = (ends - (counts + 1) / 2)[inverse]
    return found


def spearman(one: "Floats", other: "Floats") -> float:
    """Spearman's rank correlation of the rows where both are known; NaN where it says nothing.

    C. Spearman, The Proof and Measurement of Association between Two Things (1904).
    """
    both = ~np.isnan(one) & ~np.isnan(other)
    if both.sum() < _LEAST:
        return float("nan")
    a, b = ranks(one[both]), ranks(other[both])
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size > 0 else float("nan")


def explained(scale: "Scale", losses: "Floats") -> float:
    """The share of the variance of the losses' ranks that groups of a parameter's values explain, from 0 to 1.

    Groups are categories, or tenths of the values in order: so a valley counts, too, which has no correlation.
    """
    known = np.flatnonzero(~np.isnan(losses) & ~np.isnan(scale.values))
    if len(known) < _LEAST:
        return 0.0
    y = ranks(losses[known])
    x = scale.values[known] if scale.listed is not None else _tenths(scale.values[known])
    groups, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=y) / counts
    total = float(((y - y.mean()) ** 2).sum())
    free = len(known) - len(groups)
    if total <= 0 or free <= 0:
        return 0.0
    within = float(((y - means[inverse]) ** 2).sum()) * (len(known) - 1) / free  # as adjusted R squared
    return max(1 - within / total, 0.0) * len(known) / int((~np.isnan(losses)).sum())


def _tenths(values: "Floats") -> "Floats":
    groups = min(10, max(len(values) // 4, 2))
    return np.floor(ranks(values) * groups / len(values))


def telling(view: "View", room: int) -> "tuple[Scale, ...]":
    """The parameters that tell most of the value, the first most; at most `room`."""
    many = [scale for scale in view.scales if scale.span != (0.0, 0.0) and _varies(scale)]
    return tuple(sorted(many, key=lambda scale: -explained(scale, view.losses))[:room])


def _varies(scale: "Scale") -> bool:
    known = scale.values[~np.isnan(scale.values)]
    return len(known) > 0 and bool(known.min() < known.max())
