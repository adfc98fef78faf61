"""Tables of what was recorded of a study: events, and what its early-stopping rule said."""

from collections.abc import Sequence

from tunesmith.client import _format
from tunesmith.client._output import Column, table
from tunesmith.client._terminal import safe
from tunesmith.client._trial_values import Decision, Event


def show_events(found: Sequence[Event]) -> None:
    """Print a table of events."""
    columns = [Column("TIME"), Column("TRIAL"), Column("STATE"), Column("WHAT", folds=True)]
    rows = [
        [
            _format.local_time(event.time),
            safe(event.trial or "-"),
            safe(event.state or "-"),
            safe(": ".join(text for text in (_reason(event), event.message) if text)),
        ]
        for event in found
    ]
    table(columns, rows)


def show_decisions(found: Sequence[Decision]) -> None:
    """Print a table of what a rule said."""
    right = [Column(header, right=True) for header in ("STEP", "PREDICTED")]
    columns = [Column("TIME"), Column("TRIAL"), right[0], Column("DECISION"), right[1], Column("WHY", folds=True)]
    rows = [
        [
            _format.local_time(decision.time),
            safe(decision.trial),
            "-" if decision.step is None else str(decision.step),
            "stop" if decision.stop else "go on",
            _format.number(decision.predicted),
            safe(decision.reason),
        ]
        for decision in found
    ]
    table(columns, rows)


def _reason(event: Event) -> str:
    """The reason, unless it says the same as the state."""
    return "" if event.reason.lower() == event.state.lower() else event.reason
