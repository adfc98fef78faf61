"""Where a Gaussian process promises most: expected improvement, and a search for its maximum."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._cube import Cube
from tunesmith.suggestion._gp_model import Posterior
from tunesmith.suggestion._normal import LOG_SQRT_TAU, scaled_upper

Floats = NDArray[np.float64]

_SPREAD: Final = 512
"""Points anywhere in the cube."""
_NEAR: Final = 256
"""Points near the best that were observed."""
_SCALES: Final = (0.5, 0.2, 0.08, 0.03, 0.01, 0.003, 0.001, 0.0003)
"""Steps of the rounds that follow, in parts of the length scales."""
_KEPT, _EACH = 8, 24
"""Points that each round goes on from, and their descendants."""
_SQRT_TAU: Final = float(np.exp(LOG_SQRT_TAU))


def log_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Logarithm of the expected improvement on `best`, downwards; exact where it is tiny.

    S. Ament et al., Unexpected Improvements to Expected Improvement, NeurIPS 2023, equation (9).
    """
    z = (best - mean) / deviation
    far = np.clip(-z, 0.0, 40.0)
    tail = np.maximum(1 - _SQRT_TAU * far * scaled_upper(far), 1e-300)
    below = -0.5 * z * z - LOG_SQRT_TAU + np.where(-z < 40, np.log(tail), -2 * np.log(np.maximum(-z, 1.0)))
    near = np.clip(z, 0.0, 40.0)
    density = np.exp(-0.5 * near * near)
    above = np.log(density / _SQRT_TAU + np.maximum(z, 0.0) * (1 - density * scaled_upper(near)))
    result: Floats = np.log(deviation) + np.where(z < 0, below, above)
    return result


def search(
    posterior: Posterior, best: float, cube: Cube, parents: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Points (k, p) of the cube in the order of their promise, and its logarithms (k,).

    Begins anywhere, and near `parents`, the best points observed; goes on ever closer to the best of what is found.
    """
    lengths = np.minimum(np.exp(-0.5 * posterior.hyper.weights), 1.0)
    near = cube.move(parents[rng.integers(len(parents), size=_NEAR)], 0.3 * lengths, rng)
    points = np.concatenate([cube.snap(rng.random((_SPREAD, len(lengths)))), near])
    values = log_improvement(*posterior.predict(points), best)
    for scale in _SCALES:
        top = np.argsort(-values, kind="stable")[:_KEPT]
        new = cube.move(np.repeat(points[top], _EACH, axis=0), scale * lengths, rng)
        points = np.concatenate([points, new])
        values = np.concatenate([values, log_improvement(*posterior.predict(new), best)])
    order = np.argsort(-values, kind="stable")
    return points[order], values[order]
