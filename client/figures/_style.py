"""Colours, symbols and the layout that all figures share.

Colours come after Okabe and Ito's palette, which people see apart however they see colours, each with a contrast of 3
or more to white and to black paper. What a colour says, a symbol or a dash says too.
"""

from dataclasses import dataclass
from typing import Any, Final

from tunesmith.study import TrialState

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#2b83d6", "#dd6b12", "#0f9b75", "#b565b0", "#d64545", "#868d99"
SERIES: Final = (BLUE, ORANGE, GREEN, PURPLE, "#a8842c", "#3aa0b5", RED, GREY)
"""Colours of studies that are compared."""
GRID: Final = "rgba(128,128,128,0.2)"
FAINT: Final = "rgba(128,128,128,0.5)"
PLAIN_TO_BEST: Final = ((0.0, "#9aa1ab"), (0.45, "#5b93cf"), (0.75, BLUE), (0.9, "#a9776b"), (1.0, ORANGE))
"""From the worst to the best; neither end is lost on light or dark paper."""
DIVERGING: Final = (
    (0.0, BLUE),
    (0.25, "rgba(43,131,214,0.65)"),
    (0.5, "rgba(128,128,128,0.1)"),
    (0.75, "rgba(221,107,18,0.65)"),
    (1.0, ORANGE),
)
AREA: Final = "Cividis"
"""For areas that are filled whole."""


@dataclass(frozen=True, slots=True)
class Look:
    """How trials in a state are shown."""

    label: str
    colour: str
    symbol: str
    dash: str = "solid"


LOOKS: Final = {
    TrialState.SUCCEEDED: Look("Succeeded", BLUE, "circle"),
    TrialState.EARLY_STOPPED: Look("Stopped early", PURPLE, "triangle-down-open", "dash"),
    TrialState.RUNNING: Look("Running", GREEN, "circle-open"),
    TrialState.FAILED: Look("Failed", RED, "x", "dot"),
    TrialState.KILLED: Look("Killed", GREY, "square-open", "dot"),
    TrialState.METRICS_UNAVAILABLE: Look("No metrics", GREY, "diamond-open", "dot"),
    TrialState.PENDING: Look("Pending", GREY, "cross-thin-open", "dot"),
}


def layout(**parts: Any) -> dict[str, Any]:
    """A layout with what all figures share."""
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    return {
        "autosize": True,
        "margin": {"l": 60, "r": 24, "t": 40, "b": 52},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "namelength": -1},
        "legend": legend,
    } | parts


def axis(title: str, **parts: Any) -> dict[str, Any]:
    """An axis; `title` is escaped already."""
    lines = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": FAINT, "tickcolor": FAINT}
    return {"title": {"text": title}, "automargin": True, **lines} | parts


def template(dark: bool) -> dict[str, Any]:
    """A Plotly template with the colours of paper and text, for a page of one's own: `layout.template`."""
    paper, text = ("#12161d", "#d8dde6") if dark else ("#ffffff", "#262b33")
    hover = {"bgcolor": "#1f2530" if dark else "#ffffff", "font": {"color": text}, "bordercolor": FAINT}
    family = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"
    return {
        "layout": {
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "font": {"color": text, "family": family, "size": 13},
            "hoverlabel": hover,
            "colorway": list(SERIES),
        }
    }
