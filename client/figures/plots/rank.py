"""Ranks: where in the space good and bad trials lie, for each pair of parameters."""

from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import POINTS, thinned
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._correlation import telling
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._marks import best_point, goodness, points, rank_colours
from tunesmith.client.figures._panels import SHORT_BAR, key, named, panels
from tunesmith.client.figures._scales import Scale
from tunesmith.client.figures._view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.intp]

_PARAMETERS: Final = 3
_ROOM: Final = 3 * POINTS


@kind("rank", "Ranks", "Where good and bad trials lie, for each pair of parameters.")
def draw(view: View) -> Figure:
    """A panel for each pair of the parameters that tell most of the value, or of those that were asked for."""
    view.need(len(view.done), 2, "ranks need")
    scales = view.scales if view.asked else telling(view, _PARAMETERS)
    pairs = list(combinations(scales, 2))
    if not pairs:
        raise CannotDraw(f"ranks need 2 parameters, and there is {len(scales)}")
    rows = view.done[thinned(view.losses[view.done], max(_ROOM // len(pairs), 150))]
    colours = goodness(view, rows)
    order = np.argsort(colours, kind="stable")  # the best are drawn last
    rows, colours = rows[order], colours[order]
    columns = 1 if view.narrow or len(pairs) == 1 else 2 if len(pairs) in (2, 4) else 3
    lines = ceil(len(pairs) / columns)
    traces: list[dict[str, Any]] = []
    layout = _style.layout(showlegend=False, meta={"drawn": len(rows), "of": len(view.done)})
    for place, (pair, (x, y)) in enumerate(
        zip(pairs, panels(len(pairs), columns, gap=(0.14, 0.2 / lines)), strict=True)
    ):
        traces += _panel(view, pair, rows, colours, place)
        layout[key("x", place)] = pair[0].axis(most=6 if columns == 1 else 3, domain=x, anchor=named("y", place))
        layout[key("y", place)] = pair[1].axis(domain=y, anchor=named("x", place), automargin=x[0] == 0)
    colours_axis = rank_colours(view)
    colours_axis["colorbar"] |= SHORT_BAR
    layout |= {"coloraxis": colours_axis, "height": max(440, 340 * lines)}
    return {"data": traces, "layout": layout}


def _panel(
    view: View, pair: tuple[Scale, Scale], rows: "Rows", colours: "NDArray[np.float64]", place: int
) -> list[dict[str, Any]]:
    x, y = pair[0].spread(view.numbers), pair[1].spread(view.numbers * 7 + 3)  # not the same jitter twice
    active = ~np.isnan(x[rows]) & ~np.isnan(y[rows])
    axes = {"xaxis": named("x", place), "yaxis": named("y", place)}
    marker = {"color": column(colours[active], short=True), "coloraxis": "coloraxis", "size": 7, "opacity": 0.85}
    return [points(view, rows[active], x, y, marker=marker, **axes), *best_point(view, x, y, **axes)]
