"""L-BFGS within bounds, for smooth functions of few variables: SciPy takes half a second to import."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], tuple[float, Floats]]
"""Value and gradient at a point; a value that is not finite counts as infinitely large."""

_MEMORY: Final = 8
_HALVINGS: Final = 20
_SUFFICIENT: Final = 1e-4


def minimize(function: Function, start: Floats, low: Floats, high: Floats, steps: int) -> tuple[Floats, float]:
    """Go downhill from `start`, at most so many steps; gives the best point and its value.

    J. Nocedal and S. Wright, Numerical Optimization (2006), algorithm 7.4 with Armijo's rule; each step is projected
    onto the bounds.
    """
    point = np.clip(start, low, high)
    value, gradient = function(point)
    pairs: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        step = _step(function, point, value, gradient, _direction(gradient, pairs), (low, high))
        if step is None:
            if not pairs:
                break
            pairs = []  # the curvature that was remembered led nowhere: begin anew along the gradient
            continue
        new, new_value, new_gradient = step
        moved, turned = new - point, new_gradient - gradient
        if moved @ turned > 1e-12:
            pairs = [*pairs[1 - _MEMORY :], (moved, turned)]
        done = value - new_value < 1e-7 * (1 + abs(value))
        point, value, gradient = new, new_value, new_gradient
        if done:
            break
    return point, value


def _direction(gradient: Floats, pairs: list[tuple[Floats, Floats]]) -> Floats:
    """The two-loop recursion."""
    if not pairs:
        return -gradient / max(1.0, float(np.abs(gradient).max()))
    direction, shares = -gradient, []
    for moved, turned in reversed(pairs):
        share = (moved @ direction) / (moved @ turned)
        direction = direction - share * turned
        shares.append(share)
    moved, turned = pairs[-1]
    direction = direction * ((moved @ turned) / (turned @ turned))
    for (moved, turned), share in zip(pairs, reversed(shares), strict=True):
        direction = direction + (share - (turned @ direction) / (moved @ turned)) * moved
    return direction


def _step(
    function: Function, point: Floats, value: float, gradient: Floats, direction: Floats, bounds: tuple[Floats, Floats]
) -> tuple[Floats, float, Floats] | None:
    """The first of ever shorter steps that gains enough; None: none does."""
    length = 1.0
    for _ in range(_HALVINGS):
        new = np.clip(point + length * direction, *bounds)
        expected = float(gradient @ (new - point))
        if expected >= 0:
            return None
        new_value, new_gradient = function(new)
        if np.isfinite(new_value) and new_value <= value + _SUFFICIENT * expected:
            return new, new_value, new_gradient
        length /= 2
    return None
