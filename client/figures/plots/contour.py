"""Contours: the value over two parameters, smoothed between the trials."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import thinned
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._correlation import telling
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._marks import best_point, points
from tunesmith.client.figures._scales import Scale
from tunesmith.client.figures._text import number
from tunesmith.client.figures._ticks import ticks
from tunesmith.client.figures._values import logarithmic
from tunesmith.client.figures._view import View
from tunesmith.study import ObjectiveType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CELLS: Final = 48
_FINE: Final = 120
"""Cells along an axis of numbers; more where the other one has categories, and nothing smooths between cells."""
_TRIALS: Final = 500
"""Trials that the surface is made of, and that are drawn, at most."""


@kind("contour", "Contours", "The value over two parameters, smoothed between the trials.")
def draw(view: View) -> Figure:
    """Over the two parameters that tell most of the value, or the first two that were asked for."""
    view.need(len(view.done), 3, "contours need")
    pair = view.scales[:2] if view.asked else telling(view, 2)
    if len(pair) < 2:
        raise CannotDraw(f"contours need 2 parameters whose values differ, and there is {len(pair)}")
    known = ~np.isnan(view.losses) & ~np.isnan(pair[0].values) & ~np.isnan(pair[1].values)
    rows = np.flatnonzero(known)
    view.need(len(rows), 3, f"contours of {pair[0].parameter.name} and {pair[1].parameter.name} need")
    rows = rows[thinned(view.losses[rows], _TRIALS)]
    x, y = pair[0].spread(view.numbers), pair[1].spread(view.numbers * 7 + 3)
    marker = {"color": "#ffffff", "size": 5, "opacity": 0.75, "line": {"width": 1, "color": "#1c2430"}}
    traces = [_surface(view, pair, rows), points(view, rows, x, y, marker=marker), *best_point(view, x, y)]
    axes = {"xaxis": pair[0].axis(showgrid=False), "yaxis": pair[1].axis(showgrid=False)}
    layout = _style.layout(showlegend=False, meta={"drawn": len(rows), "of": int(known.sum())}, **axes)
    return {"data": traces, "layout": layout}


def _surface(view: View, pair: tuple[Scale, ...], rows: "NDArray[np.intp]") -> dict[str, Any]:
    log = logarithmic(view.values[rows])
    values = np.log10(view.values[rows]) if log else view.values[rows]
    x, y = (_grid(one, other) for one, other in (pair, pair[::-1]))
    z = smoothed(_unit(pair[0], rows), _unit(pair[1], rows), values, _unit_grid(pair[0], x), _unit_grid(pair[1], y))
    bar = {"title": {"text": view.label, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    if log:
        places = ticks(float(z.min()), float(z.max()), log=True)
        bar |= {"tickvals": places, "ticktext": [number(float(f"{10**place:.3g}")) for place in places]}
    flat = pair[0].listed is None and pair[1].listed is None
    lines = (
        {"type": "contour", "line": {"width": 0.6, "smoothing": 1.0}, "ncontours": 18} if flat else {"type": "heatmap"}
    )
    return lines | {
        "x": column(10**x if pair[0].log else x),
        "y": column(10**y if pair[1].log else y),
        "z": column(z, short=True),
        "colorscale": _style.AREA,
        "reversescale": view.direction is not ObjectiveType.MAXIMIZE,
        "colorbar": bar,
        "hoverinfo": "skip",
    }


def _grid(scale: Scale, other: Scale) -> "Floats":
    if scale.listed is not None:
        return np.arange(len(scale.listed), dtype=np.float64)
    low, high = scale.axis()["range"]
    return np.linspace(low, high, _CELLS if other.listed is None else _FINE)


def _unit(scale: Scale, rows: "NDArray[np.intp]") -> "Floats":
    return _unit_grid(scale, scale.places[rows])


def _unit_grid(scale: Scale, places: "Floats") -> "Floats":
    """Places between 0 and 1; categories so far apart that none has anything to do with another."""
    low, high = scale.span
    return places * 10.0 if scale.listed is not None else (places - low) / (high - low)


def smoothed(x: "Floats", y: "Floats", values: "Floats", grid_x: "Floats", grid_y: "Floats") -> "Floats":
    """A surface through scattered values: their mean, weighted by nearness.

    Gaussian weights whose width falls with the number of values, as of E. A. Nadaraya and G. S. Watson (1964); far
    from all of them, the nearest one's value.

    Args:
        x: Shape (n,); places between 0 and 1.
        y: Shape (n,).
        values: Shape (n,).
        grid_x: Shape (columns,).
        grid_y: Shape (rows,).

    Returns:
        Shape (rows, columns).
    """
    width = 0.35 * len(values) ** (-1 / 4)
    across = (grid_x[:, None] - x[None, :]) ** 2  # (columns, n)
    down = (grid_y[:, None] - y[None, :]) ** 2  # (rows, n)
    far = down[:, None, :] + across[None, :, :]  # (rows, columns, n)
    far -= far.min(axis=2, keepdims=True)  # the nearest has weight 1, wherever it is
    weights = np.exp(-far / (2 * width**2))
    surface: Floats = (weights @ values) / weights.sum(axis=2)
    return surface
