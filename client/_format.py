"""Numbers, times and assignments as people read them."""

import math
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta

from tunesmith.client._terminal import safe


def number(value: float | None) -> str:
    """A value to six significant digits; `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e9):
        return str(int(value))
    return f"{value:.6g}"


def parameter(value: float | int | str | bool) -> str:
    """A parameter's value, short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, int | float) else safe(shlex.quote(value) if value else "''")


def assignment(values: Mapping[str, float | int | str | bool]) -> str:
    """`C=1.5 kernel=rbf`."""
    return " ".join(f"{safe(name)}={parameter(value)}" for name, value in values.items())


def labels(values: Mapping[str, str]) -> str:
    """`team=vision, kind=test`."""
    return ", ".join(f"{safe(key)}={safe(value)}" for key, value in sorted(values.items()))


def duration(seconds: float | None) -> str:
    """`0.4s`, `12s`, `3m 05s`, `1h 02m`, `2d 03h`; `-` for none."""
    if seconds is None:
        return "-"
    if 0 < seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = max(0, round(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not minutes:
        return f"{whole}s"
    if not hours:
        return f"{minutes}m {whole % 60:02d}s"
    return f"{hours}h {minutes % 60:02d}m" if not days else f"{days}d {hours % 24:02d}h"


def local_time(moment: datetime | None) -> str:
    """A moment in the viewer's zone; `-` for none."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def local_time_zone(moment: datetime | None) -> str:
    """A moment in the viewer's zone, with the zone's name."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def between(start: datetime | None, end: datetime | None) -> str:
    """How long it took; `-` while there is no end."""
    return "-" if start is None or end is None else duration((end - start) / timedelta(seconds=1))


def iso(moment: datetime | None) -> str | None:
    """A moment for programs: UTC, RFC 3339."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finite(value: float | None) -> float | None:
    """A JSON number: finite, or null."""
    return value if value is not None and math.isfinite(value) else None


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return (
        f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s" if noun[-1] != "y" else f"{count:,} {noun[:-1]}ies"
    )


def exact(value: float | int | str | bool) -> str:
    """A parameter's value with every digit, as the trial got it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else safe(value)
