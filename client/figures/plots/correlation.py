"""Correlation: which parameters and metrics rise and fall together."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._correlation import spearman
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._text import escaped, value_text
from tunesmith.client.figures._view import View
from tunesmith.study import CategoricalDomain, Strategy, TrialState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.float64]]

_MOST: Final = 20
_CATEGORIES: Final = 4
"""Categories that get a column each; of a parameter with more, the commonest."""
_LEAST: Final = 3
_WITH_WORDS: Final = 14


@kind("correlation", "Correlation", "Which parameters and metrics rise and fall together.", whole=True)
def draw(view: View) -> Figure:
    """Spearman's rank correlation over the succeeded trials; a category is a column of ones and zeros."""
    view.need(len(view.done), _LEAST, "correlations need")
    columns = {name: found for name, found in _columns(view).items() if _varies(found)}
    if len(columns) < 2:
        raise CannotDraw(f"correlations need 2 parameters or metrics whose values differ, and there is {len(columns)}")
    names = list(columns)[:_MOST]
    table = np.array([[spearman(columns[one], columns[other]) for other in names] for one in names])
    np.fill_diagonal(table, np.nan)  # what everybody knows
    texts = [["" if np.isnan(cell) else f"{cell:.2f}".replace("-", "\N{MINUS SIGN}") for cell in row] for row in table]
    trace = {
        "type": "heatmap",
        "x": list(range(len(names))),
        "y": list(range(len(names))),
        "z": column(np.nan_to_num(table), short=True),
        "zmin": -1,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "colorscale": [list(stop) for stop in _style.DIVERGING],
        "colorbar": {"title": {"text": "rank correlation", "side": "right"}, "thickness": 12, "outlinewidth": 0},
        "hovertext": _hovers(names, texts),
        "hoverinfo": "text",
    }
    return {"data": [trace, *_words(texts)], "layout": _layout(names)}


def _words(texts: list[list[str]]) -> list[dict[str, Any]]:
    """The numbers in the cells, if there is room: texts of their own, which take the page's colour."""
    if len(texts) > _WITH_WORDS:
        return []
    cells = [(x, y, text) for y, row in enumerate(texts) for x, text in enumerate(row) if text]
    x, y, words = ([cell[part] for cell in cells] for part in range(3))
    return [
        {"type": "scatter", "mode": "text", "x": x, "y": y, "text": words, "hoverinfo": "skip", "showlegend": False}
    ]


def _hovers(names: list[str], texts: list[list[str]]) -> list[list[str]]:
    return [
        [f"{one}<br>{other}<br>{text or 'not known, or the same'}" for other, text in zip(names, row, strict=True)]
        for one, row in zip(names, texts, strict=True)
    ]


def _layout(names: list[str]) -> dict[str, Any]:
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False, "zeroline": False, "ticks": ""}
    x = _style.axis("", tickangle=-35, **ticks)
    y = _style.axis("", autorange="reversed", **ticks)
    return _style.layout(xaxis=x, yaxis=y, height=max(420, 30 * len(names) + 140))


def _columns(view: View) -> "Columns":
    """The value, the other metrics, the parameters."""
    found: Columns = {view.label: np.where(np.isnan(view.losses), np.nan, view.values)}
    found |= _metrics(view)
    for scale in view.scales:
        if not isinstance(scale.parameter.domain, CategoricalDomain) or scale.listed is None:
            found[scale.name] = scale.values
            continue
        known = scale.values[~np.isnan(scale.values)].astype(np.intp)
        counts = np.bincount(known, minlength=len(scale.listed))
        common = np.sort(np.argsort(-counts, kind="stable")[:_CATEGORIES]).tolist()
        for place in common[1:] if len(scale.listed) == 2 else common:
            is_it = np.where(np.isnan(scale.values), np.nan, (scale.values == place).astype(np.float64))
            found[f"{scale.name} = {value_text(scale.listed[place], 12)}"] = is_it
    return found


def _metrics(view: View) -> "Columns":
    specs = {spec.name: spec.strategy for spec in view.data.spec.metrics or ()}
    names = {summary.metric for trial in view.trials for summary in trial.metrics} - {view.metric}
    found = {name: np.full(len(view.trials), np.nan) for name in sorted(names)[:5]}
    for row, trial in enumerate(view.trials):
        for summary in trial.metrics if trial.state is TrialState.SUCCEEDED else ():
            value = getattr(summary, str(specs.get(summary.metric, Strategy.LATEST)))
            if summary.metric in found and value is not None:
                found[summary.metric][row] = value
    return {escaped(name): column for name, column in found.items()}


def _varies(found: "NDArray[np.float64]") -> bool:
    known = found[~np.isnan(found)]
    return len(known) >= _LEAST and bool(known.min() < known.max())
