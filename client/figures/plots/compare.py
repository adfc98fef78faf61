"""Comparison: the best so far of several studies, against trials and against time."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._columns import best_so_far, column
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._marks import goal
from tunesmith.client.figures._values import time_unit, value_axis
from tunesmith.client.figures._view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DASHES: Final = ("solid", "dash", "dot", "dashdot")


@kind("compare", "Comparison", "The best so far of several studies, against trials and against time.", several=True)
def draw(view: View) -> Figure:
    """Stairs over the trials that have finished, and beside them the same over the time since the start."""
    if view.direction is None:
        raise CannotDraw(f"a comparison needs the objective, because nobody said which way {view.metric} is better")
    runs = [_run(one) for one in view.several]
    if not any(len(values) for _, _, values in runs):
        view.need(0, 1, "a comparison needs")
    length, unit = time_unit(max((float(seconds[-1]) for _, seconds, _ in runs if len(seconds)), default=0.0))
    traces: list[dict[str, Any]] = []
    for place, (one, (counts, seconds, values)) in enumerate(zip(view.several, runs, strict=True)):
        if len(values):
            traces.append(_stairs(one, place, counts, values, ("x", "y"), "%{x:,} trials"))
            traces.append(_stairs(one, place, seconds / length, values, ("x2", "y2"), f"%{{x:.3g}} {unit}"))
    known = np.concatenate([values for _, _, values in runs])
    axis = value_axis(f"best {view.label} so far", known)
    left, right = [0.0, 0.48], [0.52, 1.0]
    layout = _style.layout(
        xaxis=_style.axis("finished trials", domain=left, anchor="y", rangemode="tozero", zeroline=False),
        xaxis2=_style.axis(f"{unit} since the start", domain=right, anchor="y2", rangemode="tozero", zeroline=False),
        yaxis=axis,
        yaxis2=value_axis("", known, anchor="x2", matches="y", showticklabels=False),
        **goal(view, axis),
    )
    return {"data": traces, "layout": layout}


def _run(view: View) -> "tuple[Floats, Floats, Floats]":
    """The best so far of a study: after how many finished trials, after how many seconds, and its value."""
    zero = view.data.study.started or view.data.study.created
    ended = [(trial.finished, row) for row, trial in enumerate(view.trials) if trial.finished is not None]
    ended.sort()
    if not ended:
        return np.empty(0), np.empty(0), np.empty(0)
    rows = np.array([row for _, row in ended])
    first = zero or ended[0][0]
    seconds = np.array([max((moment - first).total_seconds(), 0.0) for moment, _ in ended])
    better = best_so_far(view.losses[rows])
    if not len(better):
        return np.empty(0), np.empty(0), np.empty(0)
    values = view.values[rows][better]
    return (
        np.append(better + 1.0, len(rows)),
        np.append(seconds[better], seconds[-1]),
        np.append(values, values[-1]),
    )


def _stairs(view: View, place: int, x: "Floats", y: "Floats", axes: tuple[str, str], told: str) -> dict[str, Any]:
    colour = _style.SERIES[place % len(_style.SERIES)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": column(x),
        "y": column(y),
        "xaxis": axes[0],
        "yaxis": axes[1],
        "line": {"shape": "hv", "width": 2.5, "color": colour, "dash": _DASHES[place % len(_DASHES)]},
        "name": view.name,
        "legendgroup": f"study {place}",
        "showlegend": axes[0] == "x",
        "hovertemplate": f"<b>{view.name}</b><br>after {told}<br>best {view.label}: %{{y:.6g}}<extra></extra>",
    }
