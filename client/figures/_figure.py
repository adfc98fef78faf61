"""The public face: a figure by the name of its kind."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from tunesmith.client.figures._kind import REGISTERED, CannotDraw, Figure, Kind
from tunesmith.services.errors import FixRequest

if TYPE_CHECKING:
    from tunesmith.client.figures._study_data import StudyData

__all__ = ["CannotDraw", "figure", "kind_of", "kinds"]


@cache
def kinds() -> tuple[Kind, ...]:
    """All kinds of figures, by name."""
    package = import_module("tunesmith.client.figures.plots")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(REGISTERED[name] for name in sorted(REGISTERED))


def kind_of(name: str) -> Kind:
    """The kind with a name. Raises FixRequest, which names them all."""
    for kind in kinds():
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in kinds())
    raise FixRequest(f"the kind of a figure must be one of [{names}], but got {name[:100]!r}")


def figure(
    kind: str,
    data: "StudyData",
    *others: "StudyData",
    metric: str | None = None,
    parameters: Sequence[str] = (),
    evaluator: str = "ped-anova",
    narrow: bool = False,
) -> Figure:
    """One figure, as `{"data": [...], "layout": {...}}`, ready for `json.dumps` and for Plotly.

    Args:
        kind: Its kind; `kinds()` has them.
        data: The study.
        others: More studies, for the kinds that show several. Their objective is the first one's metric.
        metric: What is drawn as the value of a trial. None: the objective.
        parameters: Only these, in this order. Empty: those of the space, as far as there is room.
        evaluator: What judges importance: `ped-anova` or `fanova`.
        narrow: Whether it is for a phone: panels lie below one another.

    Raises:
        CannotDraw: There is nothing to draw yet; the message says what the figure needs.
        FixRequest: There is no such kind, metric, parameter or evaluator.
    """
    from tunesmith.client.figures._view import View

    found = kind_of(kind)
    drawn = found.draw(View.of(data, others if found.several else (), metric, parameters, evaluator, narrow))
    about = {"kind": found.name, "title": found.title, **drawn["layout"].get("meta", {})}
    drawn["layout"] |= {"meta": about, "uirevision": f"{found.name} {data.study.uid}"}
    return drawn
