"""Arithmetic of observations: kinds of values, many values into a summary, runs of sequences."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite, nan
from typing import Final

from tunesmith.study import MetricSummary

_GAP: Final = 1 << 16
"""A range of sequences in one look-up; more than the bytes between two lines with metrics, mostly."""


def spans(sequences: set[int]) -> list[tuple[int, int]]:
    """First and last of each run of sequences, where a run may have gaps, but no wide ones."""
    found: list[tuple[int, int]] = []
    for sequence in sorted(sequences):
        if found and sequence - found[-1][1] <= _GAP:
            found[-1] = (found[-1][0], sequence)
        else:
            found.append((sequence, sequence))
    return found


def evenly(count: int, most: int) -> list[int]:
    """Places from 0 to `count` - 1, ascending: all, or `most` that lie evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [place * (count - 1) // max(most - 1, 1) for place in range(most)]


def kind_of(value: float) -> int:
    """0: finite; 1: NaN; 2, 3: positive and negative infinity."""
    if isfinite(value):
        return 0
    return 1 if value != value else 2 if value > 0 else 3


def value_of(kind: int, value: float | None) -> float:
    """The inverse of `kind_of`, given what is stored."""
    return value if value is not None else (nan, nan, inf, -inf)[kind]


def add_all(summary: MetricSummary, finite: Sequence[float], non_finite: int) -> MetricSummary:
    """`summary.add` for many observations at once, of which `finite` are in their order."""
    summary = replace(summary, non_finite=summary.non_finite + non_finite)
    if not finite:
        return summary
    total = summary.total
    for value in finite:  # one after another, as `add` does it; `sum` rounds in its own way
        total += value
    if not isfinite(total):  # `add` knows what to do then
        for value in finite:
            summary = summary.add(value)
        return summary
    lowest, highest = min(finite), max(finite)
    return replace(
        summary,
        min=lowest if summary.min is None else min(summary.min, lowest),
        max=highest if summary.max is None else max(summary.max, highest),
        total=total,
        latest=finite[-1],
        first=finite[0] if summary.first is None else summary.first,
        count=summary.count + len(finite),
    )
