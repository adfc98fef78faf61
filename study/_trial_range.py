"""Trials that are looked for by one of their fields."""

from dataclasses import dataclass

from tunesmith.study._space import ParameterValue


@dataclass(frozen=True, slots=True)
class TrialRange:
    """Trials by one of their fields: those with a value, in bounds or of a list.

    Attributes:
        field: `number`, `value`, `created`, `started`, `finished` (of the last attempt), `duration` (the same),
            `attempts`, `params.NAME` or `metrics.NAME` (the latest value) for bounds; a parameter for `values`.
        least: At least this; None: whatever is lower, too. Times are seconds since 1970.
        most: At most this; None: whatever is higher, too.
        values: One of these; empty: any.
        missing: Also trials without the field, which are left out otherwise; without bounds and values only those.
    """

    field: str
    least: float | None = None
    most: float | None = None
    values: tuple[ParameterValue, ...] = ()
    missing: bool = False
