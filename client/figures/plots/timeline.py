"""Timeline: which slot ran what, and when."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from tunesmith.client.figures import _style
from tunesmith.client.figures._columns import column
from tunesmith.client.figures._kind import CannotDraw, Figure, kind
from tunesmith.client.figures._slots import Bar, Stay, bars_of, stays_of
from tunesmith.client.figures._text import duration, escaped, hover, number
from tunesmith.client.figures._values import time_unit
from tunesmith.client.figures._view import View

_NAMED: Final = 24
"""Slots that get a name each on the axis."""


@kind("timeline", "Timeline", "Which slot ran what, and when; what was tried again is hatched.", whole=True)
def draw(view: View) -> Figure:
    """A row for each slot, a bar for each attempt, from the start of the first one on."""
    stays = stays_of(view.trials, view.data.now)
    if not stays:
        raise CannotDraw("a timeline needs 1 trial that was started, and the study has none yet")
    length, unit = time_unit(max(stay.end for stay in stays))
    bars = bars_of(stays)
    looks = {state: look.label for state, look in _style.LOOKS.items()}
    kinds = [(label, again) for label in looks.values() for again in (False, True)]
    traces = [
        _trace(view, found, length)
        for label, again in kinds
        if (found := [bar for bar in bars if (looks[bar.state], bar.again) == (label, again)])
    ]
    slots = max(bar.slot for bar in bars) + 1
    layout = _style.layout(
        barmode="overlay",
        xaxis=_style.axis(f"{unit} since the first start", zeroline=False, rangemode="tozero"),
        yaxis=_slots_axis(slots),
        height=max(320, 130 + 26 * min(slots, 40)),
        meta={"drawn": len(bars), "of": len(stays)},
    )
    return {"data": traces, "layout": layout}


def _slots_axis(slots: int) -> dict[str, Any]:
    ticks: dict[str, Any] = {"tickvals": list(range(slots)), "ticktext": [str(slot + 1) for slot in range(slots)]}
    named = ticks if slots <= _NAMED else {}
    return _style.axis("slot", range=[slots - 0.5, -0.5], showgrid=False, zeroline=False, **named)


def _trace(view: View, bars: Sequence[Bar], unit: float) -> dict[str, Any]:
    look, again = _style.LOOKS[bars[0].state], bars[0].again
    marker: dict[str, Any] = {"color": look.colour, "line": {"width": 0}}
    if again:
        marker["pattern"] = {"shape": "/", "fillmode": "overlay", "size": 6, "solidity": 0.35}
    return {
        "type": "bar",
        "orientation": "h",
        "base": column([bar.start / unit for bar in bars]),
        "x": column([(bar.end - bar.start) / unit for bar in bars]),
        "y": column([bar.slot for bar in bars]),
        "customdata": column([bar.stays[0].number for bar in bars]),
        "name": f"{look.label}, tried again" if again else look.label,
        "marker": marker,
        "width": 0.82,
        "opacity": 0.9,
        "hovertext": [_hover(view, bar) for bar in bars],
        "hoverinfo": "text",
    }


def _hover(view: View, bar: Bar) -> str:
    first = bar.stays[0]
    took = f"{duration(first.start)} to {duration(bar.end)} after the first start"
    if len(bar.stays) > 1:
        counts = Counter(_style.LOOKS[stay.state].label.lower() for stay in bar.stays)
        told = ", ".join(f"{count} {label}" for label, count in counts.most_common())
        return hover(f"{len(bar.stays)} attempts from trial {first.number} on", told, took)
    trial = view.trials[first.row]
    value = "" if trial.value is None or bar.again else f"{view.label}: {number(trial.value)}"
    attempt = f"attempt {first.attempt}" if first.attempt > 1 or bar.again else ""
    ending = "" if bar.again or trial.reason.lower() == str(trial.state).lower() else escaped(trial.reason)
    label = "tried again" if bar.again else _style.LOOKS[first.state].label
    return hover(trial.name, ", ".join(filter(None, (label, ending, attempt))), value, took, f"took {_took(first)}")


def _took(stay: Stay) -> str:
    return duration(stay.end - stay.start)
