"""What a collector is, and what all of them share: names, numbers and steps."""

import math
from typing import Protocol

Found = tuple[str, float, int | None]
"""Metric, value and step; None: the line tells none."""

LONGEST_NAME = 255
_FIRST_TOO_LARGE = 2**63


class LineParser(Protocol):
    """Finds metrics in a line; knows nothing of files.

    Never raises, whatever bytes come: a trial may print anything. Of one metric a line gives one value, the last.
    """

    @property
    def needles(self) -> tuple[bytes, ...] | None:
        """A line that holds none of these has no metrics, so that most of an output need not be cut into lines.

        None: every line must be looked at.
        """

    def parse(self, line: bytes) -> list[Found]:
        """The metrics in a line, which has no line end and at most 64 KiB."""


def is_name(text: object) -> bool:
    """Whether this can be a metric's name, to be stored and shown."""
    return isinstance(text, str) and 0 < len(text) <= LONGEST_NAME and text.isprintable()


def as_number(value: object) -> float | None:
    """A JSON value as a metric's value; None when it is no number. Text says what JSON cannot: NaN and infinities."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "_" in value:  # `float` takes 1_000
        return None
    try:
        return float(value)
    except OverflowError:
        return -math.inf if isinstance(value, int) and value < 0 else math.inf
    except ValueError:
        return None


def as_step(value: object) -> int | None:
    """A step: a whole number that fits the store."""
    number = as_number(value)
    if number is None or not number.is_integer() or not -_FIRST_TOO_LARGE < number < _FIRST_TOO_LARGE:
        return None
    return int(number)


def encoded(wanted: frozenset[str]) -> tuple[bytes, ...]:
    """Names as they stand in a file."""
    return tuple(sorted(name.encode(errors="replace") for name in wanted))
