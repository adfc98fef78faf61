"""An audit for people and for programs."""

import math
from typing import Any

from tunesmith.client import _format
from tunesmith.client._audit import Audit, Stopped, most_promising
from tunesmith.client._estimate import FEWEST
from tunesmith.client._format import finite
from tunesmith.client._output import Column, bold, table_lines
from tunesmith.client._terminal import safe

NOTHING, PROBABLY = 0.05, 0.5
"""Up to the one, as the higher bound, stopping probably cost nothing; above the other, as the lower bound, it did."""


def audit_lines(audit: Audit, room: int | None, finish: str) -> list[str]:
    """Every stopped trial, the most promising first, and what to make of it.

    `room`: as of `table_lines`. `finish`: the command that runs some of them to their ends.
    """
    name, count = safe(audit.study.name), len(audit.stopped)
    if not count:
        return [f"No trial of study {name} was stopped early."]
    head = f"{_format.plural(count, 'trial')} of study {name} {'was' if count == 1 else 'were'} stopped early."
    columns = [
        Column("TRIAL"),
        *(Column(text, right=True) for text in ("STEP", "HAD", "WOULD REACH", "BEATS THE BEST")),
    ]
    if any(one.reached is not None for one in audit.stopped):
        columns.append(Column("REACHED", right=True))
    rows = [_row(one)[: len(columns)] for one in most_promising(audit)]
    return [
        bold(head),
        _bar(audit),
        "",
        *table_lines(columns, rows, room),
        "",
        *_checked(audit),
        verdict(audit, finish),
    ]


def _bar(audit: Audit) -> str:
    """What the best is, so far where the study goes on."""
    metric, best = safe(audit.study.spec.objective.metric), audit.best
    if best is None:
        return "No trial has succeeded yet, so there is no best one to beat."
    others = _format.plural(audit.finished, "trial")
    so_far = "" if audit.study.state.final else " so far"
    text = f"The best of the {others} that succeeded{so_far} is {safe(best.name)}"
    return f"{text}, with {metric} {_format.number(best.value)}."


def _row(one: Stopped) -> list[str]:
    spread = "" if one.spread is None else f" ± {one.spread:.2g}"
    return [
        safe(one.trial.name),
        "-" if one.step is None else str(one.step),
        _format.number(one.trial.value),
        "-" if one.expected is None else f"{one.expected:.4g}{spread}",
        percent(one.chance),
        _format.number(one.reached),
    ]


def _checked(audit: Audit) -> list[str]:
    """How the estimates did where they were put to the test."""
    tested = [one for one in audit.stopped if one.reached is not None]
    errors = [one.reached - one.expected for one in tested if one.reached is not None and one.expected is not None]
    if not tested:
        return []
    better, count = sum(map(audit.proved_better, tested)), len(tested)
    head = f"{_format.plural(count, 'trial')} {'was' if count == 1 else 'were'} run to the end"
    if audit.best is not None:
        head += f": {better or 'none'} of them beat{'s' * (better == 1)} the best"
    if not errors:
        return [f"{head}."]
    off = math.hypot(*errors) / math.sqrt(len(errors))
    return [f"{head}, and what was expected is wrong by {off:.2g} (root mean square)."]


def verdict(audit: Audit, finish: str) -> str:
    """What stopping cost, in a sentence."""
    again, missed = audit.best_again, audit.missed
    if again is not None and (audit.best is None or audit.proved_better(again)):
        lost = "all that there was" if audit.best is None else "the best"
        reached = _format.number(again.reached)
        return bold(f"Stopping cost {lost}: {safe(again.trial.name)} reaches {reached} when it runs to its end.")
    if audit.best is None:
        return f"Stopping left nothing to compare with. `{finish}` runs some to the end."
    if missed is None:
        if all(one.step is None for one in audit.stopped):
            return "Nobody can say what stopping cost: none of these trials has reported a finite number."
        why = f"fewer than {FEWEST} trials that got so far have finished (outliers do not count)"
        return f"Nobody can say what stopping cost: {why}. `{finish}` runs some to the end."
    least, most = missed
    words = "probably cost nothing" if most <= NOTHING else "may have cost the best"
    words = "probably cost the best" if least > PROBABLY else words
    low, high = percent(least), percent(most)
    return bold(f"Stopping {words}: P(best missed) is {low if low == high else f'{low} to {high}'}.")


def percent(chance: float | None) -> str:
    """`3 %`, `0.4 %`, `< 0.1 %`; `-` for what nobody can say."""
    if chance is None:
        return "-"
    if 0 < chance < 0.001:
        return "< 0.1 %"
    if 0.995 < chance < 1:
        return "> 99 %"
    return f"{100 * chance:.1f} %" if 0 < chance < 0.0995 else f"{100 * chance:.0f} %"


def audit_data(audit: Audit) -> dict[str, Any]:
    """An audit, as `audit STUDY -o json` prints it."""
    objective, best = audit.study.spec.objective, audit.best
    return {
        "study": audit.study.name,
        "namespace": audit.study.namespace,
        "metric": objective.metric,
        "type": str(objective.type),
        "best": best and {"trial": best.name, "value": finite(best.value)},
        "finished": audit.finished,
        "missed": audit.missed and audit.missed[1],
        "missedAtLeast": audit.missed and audit.missed[0],
        "stopped": [_stopped_data(audit, one) for one in most_promising(audit)],
    }


def _stopped_data(audit: Audit, one: Stopped) -> dict[str, Any]:
    return {
        "trial": one.trial.name,
        "number": one.trial.number,
        "assignment": dict(one.trial.assignment),
        "step": one.step,
        "value": finite(one.trial.value),
        "expected": finite(one.expected),
        "by": None if one.expected is None else "rule" if one.by_rule else "curves",
        "spread": finite(one.spread),
        "chance": one.chance,
        "reached": finite(one.reached),
        "better": None if one.reached is None else audit.proved_better(one),
    }
