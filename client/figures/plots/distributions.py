"""Distributions: how the values of several studies lie."""

from typing import Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._kind import Figure, kind
from tunesmith.client.figures._marks import goal
from tunesmith.client.figures._values import value_axis
from tunesmith.client.figures._view import View

_VALUES: Final = 400
"""Values of a study that are drawn, of more every n-th in their order, which keeps the shape."""


@kind("distributions", "Distributions", "How the values of one or several studies lie.", several=True)
def draw(view: View) -> Figure:
    """A box for each study, beside it the values themselves."""
    for one in view.several:
        one.need(len(one.done), 1, f"the distribution of {one.data.study.name} needs")
    traces = [_box(one, place) for place, one in enumerate(view.several)]
    known = np.concatenate([one.values[one.done] for one in view.several])
    names = [f"{one.name}<br>{len(one.done):,} trials" for one in view.several]
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "range": [-0.75, len(names) - 0.5]}
    x = _style.axis("", showgrid=False, zeroline=False, **ticks)
    y = value_axis(view.label, known)
    layout = _style.layout(xaxis=x, yaxis=y, **goal(view, y), showlegend=False)
    return {"data": traces, "layout": layout}


def _box(view: View, place: int) -> dict[str, Any]:
    values = np.sort(view.values[view.done])
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), _VALUES)).round().astype(np.intp))
    colour = _style.SERIES[place % len(_style.SERIES)]
    return {
        "type": "box",
        "y": column(values[rows]),
        "x0": place,
        "name": view.name,
        "boxpoints": "all",
        "boxmean": True,
        "jitter": 0.6,
        "pointpos": -1.7,
        "width": 0.4,
        "marker": {"color": colour, "size": 4, "opacity": 0.5},
        "line": {"color": colour, "width": 2},
        "hovertemplate": f"<b>{view.name}</b><br>{view.label}: %{{y:.6g}}<extra></extra>",
    }
