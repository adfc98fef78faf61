"""Empirical distribution: the share of trials that are at least so good."""

from typing import Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._kind import Figure, kind
from tunesmith.client.figures._marks import goal
from tunesmith.client.figures._values import value_axis
from tunesmith.client.figures._view import View

_STEPS: Final = 400


@kind("edf", "Empirical distribution", "The share of trials with a value up to each.", several=True)
def draw(view: View) -> Figure:
    """Stairs for each study; of many trials every n-th in the order of their values."""
    for one in view.several:
        one.need(len(one.done), 1, "an empirical distribution needs")
    traces = [
        _stairs(one, colour) for one, colour in zip(view.several, _style.SERIES * len(view.several), strict=False)
    ]
    values = np.concatenate([one.values[one.done] for one in view.several])
    share = _style.axis("share of trials up to it", range=[0, 1.02], tickformat=".0%", zeroline=False)
    axis = value_axis(view.label, values)
    layout = _style.layout(xaxis=axis, yaxis=share, **goal(view, axis, across="x"))
    return {"data": traces, "layout": layout | {"showlegend": len(traces) > 1}}


def _stairs(view: View, colour: str) -> dict[str, Any]:
    values = np.sort(view.values[view.done])
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), _STEPS)).round().astype(np.intp))
    x, y = values[rows], (rows + 1) / len(values)
    x, y = np.insert(x, 0, x[0]), np.insert(y, 0, 0.0)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": column(x),
        "y": column(y),
        "line": {"shape": "hv", "width": 2, "color": colour},
        "name": view.name,
        "hovertemplate": f"<b>{view.name}</b><br>%{{y:.1%}} of {len(values):,} trials have<br>"
        f"{view.label} ≤ %{{x:.6g}}<extra></extra>",
    }
