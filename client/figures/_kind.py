"""What a kind of figure is, and the decorator that makes a function one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tunesmith.services import errors

if TYPE_CHECKING:
    from tunesmith.client.figures._view import View

Figure = dict[str, Any]
"""`data` and `layout`, as Plotly takes them; every number in it is finite, or packed in a typed column."""
Draw = Callable[["View"], Figure]


class CannotDraw(errors.NotNow):
    """There is nothing to draw yet; the message is a sentence that says what the figure needs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of figure.

    Attributes:
        name: What it is asked for by.
        title: Its name for people.
        summary: What it shows, in a sentence.
        draw: A pure function. Raises CannotDraw.
        several: Whether it shows several studies; another kind draws only the first.
        observations: Whether it needs what trials reported, beside their summaries.
        whole: Whether it needs more of trials than their assignments, values, states and ends: to draw another metric
            than the objective, every kind does.
    """

    name: str
    title: str
    summary: str
    draw: Draw
    several: bool = False
    observations: bool = False
    whole: bool = False


REGISTERED: Final[dict[str, Kind]] = {}
"""Kinds by name, filled by importing the modules of `plots/`."""


def kind(name: str, title: str, summary: str, **needs: bool) -> Callable[[Draw], Draw]:
    """Offer a function as a kind of figure; `needs` are Kind's."""

    def offer(draw: Draw) -> Draw:
        REGISTERED[name] = Kind(name, title, summary, draw, **needs)
        return draw

    return offer
