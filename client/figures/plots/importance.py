"""Importance: which parameters matter."""

from typing import Any, Final

from tunesmith.client.figures import _style
from tunesmith.client.figures._importance import importances
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._text import escaped
from tunesmith.client.figures._view import View

_LEAST: Final = 10
_BARS: Final = 30

_TITLES: Final = {
    "ped-anova": "share of what decides whether a trial is among the best (PED-ANOVA)",
    "fanova": "share of the value's variance (fANOVA)",
}


@kind("importance", "Importance", "Which parameters matter.")
def draw(view: View) -> Figure:
    """A bar for each parameter, the most important one on top."""
    found, many = len(view.done), len(view.parameters)
    if many < 2 or found < _LEAST:
        needs = f"importance needs 2 parameters and {_LEAST} finished trials with a value of {view.metric}"
        raise CannotDraw(f"{needs}, and the study has {many} and {found}")
    shares = importances(view)[:_BARS][::-1]
    names = [escaped(name) for name, _ in shares]
    conditional = {parameter.name for parameter in view.parameters if parameter.when}
    bar: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": [round(share, 6) for _, share in shares],
        "y": list(range(len(shares))),
        "text": [f"{share:.1%}" if share >= 0.001 else "<0.1%".replace("<", "&lt;") for _, share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": _style.BLUE, "opacity": 0.9},
        "hovertext": [
            f"<b>{escaped(name)}</b><br>{share:.2%}" + "<br>not always active" * (name in conditional)
            for name, share in shares
        ],
        "hoverinfo": "text",
    }
    most = max((share for _, share in shares), default=1.0) or 1.0
    layout = _style.layout(
        xaxis=_style.axis(_TITLES[view.evaluator], range=[0, most * 1.12], tickformat=".0%", zeroline=False),
        yaxis=_style.axis("", tickvals=list(range(len(names))), ticktext=names, showgrid=False, zeroline=False),
        height=max(300, 110 + 30 * len(names)),
        bargap=0.3,
        meta={"evaluator": view.evaluator},
    )
    return {"data": [bar], "layout": layout}
