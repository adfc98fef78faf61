"""Slices: the value against each parameter."""

from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import POINTS, thinned
from tunesmith.client.figures._kind import Figure, kind
from tunesmith.client.figures._marks import best_point, points
from tunesmith.client.figures._panels import SHORT_BAR, key, named, panels
from tunesmith.client.figures._scales import Scale
from tunesmith.client.figures._values import value_axis
from tunesmith.client.figures._view import View
from tunesmith.study import TrialState

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PANELS: Final = 12
_ROOM: Final = 3 * POINTS
"""Points of all panels together, at most."""


@kind("slice", "Slices", "The value against each parameter.")
def draw(view: View) -> Figure:
    """A panel for each parameter; later trials are stronger, and those that were stopped early have a symbol."""
    view.need(len(view.valued), 1, "slices need")
    scales = view.scales if view.asked else view.scales[:_PANELS]
    rows = view.valued[thinned(view.losses[view.valued], min(POINTS, max(_ROOM // len(scales), 150)))]
    columns = 1 if view.narrow else 2 if len(scales) in (2, 4) else 3
    places = panels(len(scales), columns, gap=(0.04, 0.16 / max(ceil(len(scales) / columns) - 1, 1) + 0.02))
    traces: list[dict[str, Any]] = []
    layout = _style.layout(showlegend=False, meta={"drawn": len(rows), "of": len(view.valued)})
    for place, (scale, (x, y)) in enumerate(zip(scales, places, strict=True)):
        traces += _panel(view, scale, rows, place)
        layout[key("x", place)] = scale.axis(domain=x, anchor=named("y", place))
        shared = {} if place == 0 else {"matches": "y"}
        side = {} if x[0] == 0 else {"showticklabels": False}
        axis = value_axis(view.label if x[0] == 0 else "", view.values[rows], domain=y, anchor=named("x", place))
        layout[key("y", place)] = axis | shared | side
    layout["coloraxis"] = _colours(view)
    layout["height"] = max(420, 300 * ceil(len(scales) / columns))
    return {"data": traces, "layout": layout}


def _panel(view: View, scale: Scale, rows: "NDArray[np.intp]", place: int) -> list[dict[str, Any]]:
    x = scale.spread(view.numbers)
    rows = rows[~np.isnan(x[rows])]
    stopped = view.of_state(TrialState.EARLY_STOPPED)[rows]
    symbols = np.where(stopped, _style.LOOKS[TrialState.EARLY_STOPPED].symbol, "circle").tolist()
    axes = {"xaxis": named("x", place), "yaxis": named("y", place)}
    marker = {"color": view.numbers[rows].tolist(), "coloraxis": "coloraxis", "size": 6, "symbol": symbols}
    marker |= {"opacity": 0.8, "line": {"width": np.where(stopped, 1.2, 0).tolist()}}
    return [points(view, rows, x, view.values, marker=marker, **axes), *best_point(view, x, view.values, **axes)]


def _colours(view: View) -> dict[str, Any]:
    scale = [[0, "#a9b4c2"], [0.5, "#5b93cf"], [1, "#1f6fbf"]]
    bar = {"title": {"text": "trial", "side": "right"}, "thickness": 12, "outlinewidth": 0} | SHORT_BAR
    return {"colorscale": scale, "colorbar": bar, "cmin": 0, "cmax": int(view.numbers[-1]) or 1}
