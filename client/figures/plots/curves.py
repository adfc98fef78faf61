"""Curves: a metric against the step, one line for each trial."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import curves_drawn
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._text import escaped
from tunesmith.client.figures._values import value_axis
from tunesmith.client.figures._view import View
from tunesmith.study import TrialState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunesmith.client._trial_values import Trial

    Floats = NDArray[np.float64]

_ALL_POINTS: Final = 24_000
_LEAST, _MOST = 100, 1_000
"""Points of one curve that are drawn: of so many curves that `_ALL_POINTS` are not exceeded, within these bounds."""


@kind("curves", "Curves", "A metric against the step, for each trial.", observations=True, whole=True)
def draw(view: View) -> Figure:
    """The best trial on top, those that were stopped dashed; of long curves the lowest and highest of each stretch."""
    trials = [trial for trial in curves_drawn(view.data.study, view.trials) if trial.number in view.data.observations]
    curves = {trial.number: curve for trial in trials if len(curve := _curve(view, trial.number))}
    if not curves:
        raise CannotDraw(f"curves need 1 trial that reported {view.metric}, and the study has none yet")
    best = None if view.best is None else view.trials[view.best].number
    room = min(max(_ALL_POINTS // len(curves), _LEAST), _MOST)
    drawn = [trial for trial in trials if trial.number in curves]
    drawn.sort(key=lambda trial: (trial.number == best, trial.state is TrialState.SUCCEEDED, trial.number))
    seen: set[TrialState] = set()
    traces = [_line(view, trial, slimmed(curves[trial.number], room), best, seen) for trial in drawn]
    y = np.concatenate([curve[:, 1] for curve in curves.values()])
    axes = {"xaxis": _style.axis("step", zeroline=False), "yaxis": value_axis(view.label, y)}
    return {"data": traces, "layout": _style.layout(**axes, meta={"drawn": len(drawn), "of": len(view.trials)})}


def _curve(view: View, number: int) -> "Floats":
    """Shape (points, 2): step and value, by step; values that are not finite are left out."""
    rows = [row for row in view.data.observations[number] if row.metric == view.metric]
    found = np.array([(row.step, row.value) for row in rows], dtype=np.float64).reshape(-1, 2)
    found = found[np.isfinite(found[:, 1])]
    return found[np.argsort(found[:, 0], kind="stable")]


def slimmed(curve: "Floats", room: int) -> "Floats":
    """A curve with at most `room` points: both ends, and the lowest and the highest point of every equal stretch."""
    if len(curve) <= room:
        return curve
    edges = np.linspace(0, len(curve), (room - 2) // 2 + 1).astype(np.intp)
    keep = {0, len(curve) - 1}
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        values = curve[first:last, 1]
        keep |= {first + int(values.argmin()), first + int(values.argmax())}
    return curve[sorted(keep)]


def _line(view: View, trial: "Trial", curve: "Floats", best: int | None, seen: set[TrialState]) -> dict[str, Any]:
    look, first = _style.LOOKS[trial.state], trial.state not in seen
    is_best = trial.number == best
    seen |= set() if is_best else {trial.state}
    line = {"color": look.colour, "width": 1.4, "dash": look.dash}
    return {
        "type": "scatter",
        "mode": "lines" if len(curve) > 1 else "markers",
        "x": column(curve[:, 0]),
        "y": column(curve[:, 1]),
        "name": f"Best: {escaped(trial.name)}" if is_best else look.label,
        "legendgroup": "best" if is_best else str(trial.state),
        "showlegend": is_best or first,
        "opacity": 1.0 if is_best else 0.5 if trial.state is TrialState.SUCCEEDED else 0.85,
        "line": line | ({"color": _style.ORANGE, "width": 3} if is_best else {}),
        "marker": {"color": _style.ORANGE if is_best else look.colour, "symbol": look.symbol, "size": 6},
        "meta": trial.number,
        "hovertemplate": f"<b>{escaped(trial.name)}</b> ({look.label.lower()})<br>step %{{x}}<br>"
        f"{view.label}: %{{y:.6g}}<extra></extra>",
    }
