"""The axis of a metric's values."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tunesmith.client.figures import _style

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECADES: Final = 2.5


def logarithmic(values: "NDArray[np.float64]") -> bool:
    """Whether values are best seen on a logarithmic axis: all are positive, and most of them span decades."""
    found = values[~np.isnan(values)]
    if len(found) < 3 or found.min() <= 0:
        return False
    low, high = np.quantile(found, [0.02, 0.98])
    return bool(np.log10(high) - np.log10(low) >= _DECADES)


def value_axis(label: str, values: "NDArray[np.float64]", **parts: Any) -> dict[str, Any]:
    """The axis of values, logarithmic where they span decades."""
    kind = {"type": "log", "exponentformat": "e"} if logarithmic(values) else {"type": "linear"}
    return _style.axis(label, zeroline=False, **kind) | parts


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit in which a time is told: how many seconds it has, and its name."""
    for length, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * length:
            return length, name
    return 1.0, "seconds"
