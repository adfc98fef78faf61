"""History: the value of every trial, and the best so far."""

from typing import Any

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import thinned
from tunesmith.client.figures._columns import best_so_far, column
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._marks import best_point, goal, state_points
from tunesmith.client.figures._values import value_axis
from tunesmith.client.figures._view import View
from tunesmith.study import TrialState

_VALUED = (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED, TrialState.RUNNING)
_LOST = (TrialState.FAILED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE)


@kind("history", "History", "The value of every trial, and the best so far.")
def draw(view: View) -> Figure:
    """Values over the trials' numbers; under them a strip with the trials that failed."""
    if not len(view.trials):
        raise CannotDraw("a history needs 1 trial, and the study has none yet")
    drawn = thinned(view.losses)
    shown = [trace for state in _VALUED if (trace := _of(view, state, drawn, view.values))]
    strip = [trace for state in _LOST if (trace := _of(view, state, drawn, np.zeros(len(view.trials)), yaxis="y2"))]
    if not shown and not strip:
        raise CannotDraw(f"no trial of the study has ended yet, or reported {view.metric}")
    traces = [*shown, *strip, *_line(view), *best_point(view, view.numbers.astype(float), view.values)]
    return {"data": traces, "layout": _layout(view, bool(strip), len(drawn))}


def _of(view: View, state: TrialState, drawn: Any, y: Any, **parts: Any) -> dict[str, Any] | None:
    rows = drawn[view.of_state(state)[drawn] & ~np.isnan(y[drawn])]
    return state_points(view, state, rows, view.numbers, y, **parts) if len(rows) else None


def _line(view: View) -> list[dict[str, Any]]:
    """The best so far as stairs, up to the last trial."""
    rows = best_so_far(view.losses)
    if view.direction is None or not len(rows):
        return []
    x = np.append(view.numbers[rows], view.numbers[-1])
    y = np.append(view.values[rows], view.values[rows[-1]])
    line = {"color": _style.ORANGE, "width": 2, "shape": "hv"}
    named = {"type": "scatter", "mode": "lines", "name": "Best so far", "hoverinfo": "skip"}
    return [named | {"x": column(x), "y": column(y), "line": line}]


def _layout(view: View, strip: bool, drawn: int) -> dict[str, Any]:
    known = view.values[~np.isnan(view.values)]
    values = value_axis(view.label, known, domain=[0.13, 1.0] if strip else [0.0, 1.0])
    whole = _style.layout(
        xaxis=_style.axis("trial", zeroline=False, anchor="y2" if strip else "y"),
        yaxis=values,
        meta={"drawn": drawn, "of": len(view.trials)},
        **goal(view, values),
    )
    if strip:
        texts = {"tickvals": [0], "ticktext": ["no value"], "range": [-1, 1]}
        whole["yaxis2"] = _style.axis("", domain=[0.0, 0.07], zeroline=False, fixedrange=True, **texts)
    return whole
