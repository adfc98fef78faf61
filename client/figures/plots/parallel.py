"""Parallel coordinates: one axis for each parameter, one line for each trial."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import thinned
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._kind import Figure, kind
from tunesmith.client.figures._marks import goodness, rank_colours
from tunesmith.client.figures._scales import Scale
from tunesmith.client.figures._text import plain
from tunesmith.client.figures._ticks import tick_text, ticks
from tunesmith.client.figures._values import logarithmic
from tunesmith.client.figures._view import View
from tunesmith.study import CategoricalDomain, Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.intp]

_AXES: Final = 14
_INACTIVE: Final = 0.12
"""How far under its axis a parameter that is not active lies, as a share of the axis."""


@kind("parallel", "Parallel coordinates", "Which parameters the good trials share.")
def draw(view: View) -> Figure:
    """The value's axis last; the best trials in the strongest colour and on top."""
    view.need(len(view.done), 1, "parallel coordinates need")
    rows = view.done[thinned(view.losses[view.done])]
    colours = goodness(view, rows)
    order = np.argsort(colours, kind="stable")
    rows, colours = rows[order], colours[order]
    scales = view.scales if view.asked else view.scales[:_AXES]
    line = {"color": column(colours, short=True), "showscale": True} | rank_colours(view)
    trace = {
        "type": "parcoords",
        "line": line,
        "dimensions": [*(_dimension(scale, rows) for scale in scales), _value(view, rows)],
        "customdata": column(view.numbers[rows]),
        "unselected": {"line": {"color": "#808080", "opacity": 0.08}},
        "labelangle": -12 if len(scales) > 6 else 0,
    }
    meta = {
        "drawn": len(rows),
        "of": len(view.done),
        "fields": [*(_field(scale, rows) for scale in scales), _value_field(view, rows)],
    }
    margin = {"l": 100, "r": 60, "t": 70, "b": 40}
    return {"data": [trace], "layout": _style.layout(margin=margin, meta=meta)}


def _dimension(scale: Scale, rows: "Rows") -> dict[str, Any]:
    low, high = scale.span
    places, (tickvals, ticktext) = scale.places[rows], scale.ticks
    lost = np.isnan(places)
    if lost.any():
        under = _under(scale)
        places, low = np.where(lost, under, places), under
        tickvals, ticktext = [under, *tickvals], ["inactive", *ticktext]
    return _axis(scale.name, places, (low, high), tickvals, ticktext)


def _under(scale: Scale) -> float:
    """Where a parameter lies that is not active."""
    low, high = scale.span
    return low - (high - low) * _INACTIVE


def _field(scale: Scale, rows: "Rows") -> dict[str, Any]:
    """What the axis is to those who list trials: a name, and how its places become values."""
    found: dict[str, Any] = {"field": f"params.{scale.parameter.name}", "log": scale.log}
    if scale.listed is not None:
        found["listed"] = list(scale.listed)
        found["numbers"] = not isinstance(scale.parameter.domain, CategoricalDomain)
    if np.isnan(scale.places[rows]).any():
        found["inactive"] = _under(scale)
    return found


def _value_field(view: View, rows: "Rows") -> dict[str, Any]:
    """The same of the value. Of other metrics than the objective, lists know the latest value alone."""
    spec = view.data.spec
    strategies = {metric.name: metric.strategy for metric in spec.metrics or ()}
    latest = strategies.get(view.metric, Strategy.LATEST) is Strategy.LATEST
    found: dict[str, Any] = {"log": bool(logarithmic(view.values[rows]))}
    if view.metric == spec.objective.metric:
        return found | {"field": "value"}
    return found | ({"field": f"metrics.{view.metric}"} if latest else {})


def _value(view: View, rows: "Rows") -> dict[str, Any]:
    """The values; on a logarithmic axis where they span decades."""
    log = logarithmic(view.values[rows])
    places = np.log10(view.values[rows]) if log else view.values[rows]
    low, high = float(places.min()), float(places.max())
    low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
    found = ticks(low, high, log=log)
    return _axis(view.label, places, (low, high), found, [tick_text(10**place if log else place) for place in found])


def _axis(
    label: str, places: "NDArray[np.float64]", span: tuple[float, float], tickvals: list[float], ticktext: list[str]
) -> dict[str, Any]:
    return {
        "label": label,
        "values": column(places, short=True),
        "range": [float(span[0]), float(span[1])],
        "tickvals": [float(place) for place in tickvals],
        "ticktext": [plain(text) for text in ticktext],  # here, and only here, Plotly takes them literally
    }
