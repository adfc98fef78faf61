"""Traces that several figures are made of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.client.figures._columns import column
from tunesmith.client.figures._style import FAINT, LOOKS, ORANGE, PLAIN_TO_BEST
from tunesmith.client.figures._text import escaped
from tunesmith.study import ObjectiveType, TrialState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunesmith.client.figures._view import View


def points(
    view: "View", rows: "NDArray[np.intp]", x: "NDArray[Any]", y: "NDArray[Any]", **parts: Any
) -> dict[str, Any]:
    """Points for the trials of `rows`, with their hover texts; `customdata` has the trials' numbers."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": column(x[rows]),
        "y": column(y[rows]),
        "customdata": column(view.numbers[rows]),
        "hovertext": view.hovers(rows),
        "hoverinfo": "text",
    } | parts


def state_points(
    view: "View", state: TrialState, rows: "NDArray[np.intp]", x: "NDArray[Any]", y: "NDArray[Any]", **parts: Any
) -> dict[str, Any]:
    """Points in the colour and with the symbol of a state."""
    look = LOOKS[state]
    marker = {"color": look.colour, "symbol": look.symbol, "size": 7, "opacity": 0.85}
    return points(view, rows, x, y, name=look.label, marker=marker, **parts)


def best_point(view: "View", x: "NDArray[Any]", y: "NDArray[Any]", **parts: Any) -> list[dict[str, Any]]:
    """A star for the best trial; nothing where there is none."""
    if view.best is None or np.isnan(x[view.best]) or np.isnan(y[view.best]):
        return []
    marker = {"color": ORANGE, "symbol": "star", "size": 14, "line": {"width": 1, "color": "#ffffff"}}
    name = f"Best: {escaped(view.trials[view.best].name)}"
    return [points(view, np.array([view.best]), x, y, name=name, marker=marker, **parts)]


def goodness(view: "View", rows: "NDArray[np.intp]") -> "NDArray[np.float64]":
    """How good trials are, from 0 for the worst to 1 for the best of `rows`: equal steps from one to the next."""
    sign = -1.0 if view.direction is ObjectiveType.MINIMIZE else 1.0
    order = np.argsort(np.argsort(sign * view.values[rows], kind="stable"), kind="stable")
    return order / max(len(rows) - 1, 1)


def rank_colours(view: "View") -> dict[str, Any]:
    """A colour axis from the worst to the best."""
    ends = ("low", "high") if view.direction is None else ("worst", "best")
    bar = {
        "tickvals": [0, 0.5, 1],
        "ticktext": [ends[0], "median", ends[1]],
        "title": {"text": view.label, "side": "right"},
        "thickness": 12,
        "outlinewidth": 0,
    }
    return {"colorscale": [list(stop) for stop in PLAIN_TO_BEST], "cmin": 0, "cmax": 1, "colorbar": bar}


def goal(view: "View", axis: Mapping[str, Any], *, across: str = "y") -> dict[str, Any]:
    """Parts of a layout: a line at the objective's goal, and its name; empty without a goal, or with none on the axis.

    Args:
        view: The study.
        axis: The axis of values.
        across: Which one it is, `x` or `y`.
    """
    objective = view.data.spec.objective
    if objective.goal is None or view.metric != objective.metric or (axis["type"] == "log" and objective.goal <= 0):
        return {}
    along = "x" if across == "y" else "y"
    ends = {f"{along}0": 0, f"{along}1": 1, f"{along}ref": "paper", f"{across}ref": across}
    places = {f"{across}0": objective.goal, f"{across}1": objective.goal}
    label = {"text": f"goal {objective.goal:g}", "textposition": "start", "textangle": 0, "font": {"size": 11}}
    label |= {"xanchor": "left", "yanchor": "bottom", "padding": 3}
    line = {"type": "line", "line": {"color": FAINT, "dash": "dash", "width": 1}, "label": label}
    return {"shapes": [line | ends | places]}
