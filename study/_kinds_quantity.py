"""Quantities with units: how long, how much memory, how many processors."""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from tunesmith.study._cursor import Bad, Cursor, found
from tunesmith.study._kind import Kind, Schema
from tunesmith.study._kinds_scalar import INT64, Number, Whole, is_number_node
from tunesmith.study._node import ScalarNode

_DECIMAL = r"[0-9]{1,19}(?:\.[0-9]{1,9})?"
_NANO = 10**9
_LONGEST = 315_576_000_000  # seconds; what a google.protobuf.Duration holds
_TIME_UNITS = {name: Decimal(size) for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1), ("ms", "0.001"))}
_TIME = "(?=.)" + "".join(f"(?:({_DECIMAL}){unit})?" for unit in _TIME_UNITS)
_BYTE_UNITS = {
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)},
    **{letter: 1000**power for power, letter in enumerate("kMGTPE", 1)},
    "": 1,
}
_BYTES = f"({_DECIMAL})({'|'.join(_BYTE_UNITS)})"
_CPUS = f"({_DECIMAL})(m?)"


def nanoseconds(seconds: float) -> int:
    """The nearest whole number of nanoseconds."""
    numerator, denominator = float(seconds).as_integer_ratio()
    return (2 * numerator * _NANO + denominator) // (2 * denominator)


def _match(pattern: str, at: Cursor) -> re.Match[str] | None:
    value = at.node.value if isinstance(at.node, ScalarNode) else None
    return re.fullmatch(pattern, value) if isinstance(value, str) else None


@dataclass(frozen=True)
class Span(Kind[float]):
    """A duration above 0, in seconds of whole nanoseconds: "1h30m", "90s", "500ms", or a number of seconds."""

    zero: bool = False

    def parse(self, at: Cursor) -> float | Bad:
        """The seconds."""
        if is_number_node(at.node):
            number = Number().parse(at)
            return number if isinstance(number, Bad) else self._bounded(at, nanoseconds(number))
        if (match := _match(_TIME, at)) is None:
            return at.refuse_kind("a duration such as 2h, 1h30m, 90s or 500ms, or a number of seconds")
        parts = zip(match.groups(default="0"), _TIME_UNITS.values(), strict=True)
        return self._bounded(at, int(sum((Decimal(number) * unit * _NANO for number, unit in parts), Decimal())))

    def _bounded(self, at: Cursor, nanos: int) -> float | Bad:
        if nanos < 0 or (nanos == 0 and not self.zero):
            return at.refuse(f"`{at.name} {'>=' if self.zero else '>'} 0` must hold, but got {found(at.node)}")
        if nanos > _LONGEST * _NANO:
            return at.refuse(f"`{at.name} <= {_LONGEST}` seconds must hold, but got {found(at.node)}")
        return nanos / _NANO

    def schema(self) -> Schema:
        """A number or a string of this form."""
        bound = "minimum" if self.zero else "exclusiveMinimum"
        return {"anyOf": [{"type": "number", bound: 0}, {"type": "string", "pattern": f"^{_TIME}$"}]}

    def write(self, value: float) -> str | float:
        """With units where that is exact and short, else as a number."""
        nanos = nanoseconds(value)
        if not nanos or nanos % 10**6 or (nanos > _NANO and nanos % _NANO):
            return value
        if nanos < _NANO:
            return f"{nanos // 10**6}ms"
        minutes, seconds = divmod(nanos // _NANO, 60)
        hours, minutes = divmod(minutes, 60)
        return "".join(f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number)


@dataclass(frozen=True)
class Memory(Kind[int]):
    """Bytes: "1Gi", "512Mi", "1.5G", or a number. A fraction of a byte is rounded up."""

    def parse(self, at: Cursor) -> int | Bad:
        """The bytes."""
        if is_number_node(at.node):
            return Whole(least=1).parse(at)
        if (match := _match(_BYTES, at)) is None:
            return at.refuse_kind("an amount of memory such as 1Gi, 512Mi or 2G, or a number of bytes")
        amount = int((Decimal(match[1]) * _BYTE_UNITS[match[2]]).to_integral_value(ROUND_CEILING))
        if not 0 < amount <= INT64:
            return at.refuse(f"`0 < {at.name} <= {INT64}` bytes must hold, but got {found(at.node)}")
        return amount

    def schema(self) -> Schema:
        """A number or a string of this form."""
        return {"anyOf": [Whole(least=1).schema(), {"type": "string", "pattern": f"^{_BYTES}$"}]}

    def write(self, value: int) -> str | int:
        """With the largest unit that divides it."""
        for unit, size in reversed(list(_BYTE_UNITS.items())[:6]):
            if value % size == 0:
                return f"{value // size}{unit}"
        return value


@dataclass(frozen=True)
class Processors(Kind[float]):
    """Processors: 2, 0.5, or "500m" for thousandths."""

    def parse(self, at: Cursor) -> float | Bad:
        """The number of processors."""
        if is_number_node(at.node):
            return Number(above=0).parse(at)
        if (match := _match(_CPUS, at)) is None:
            return at.refuse_kind("a number of processors such as 2, 0.5 or 500m")
        number = float(Decimal(match[1]) / (1000 if match[2] else 1))
        return number if number > 0 else at.refuse(f"`{at.name} > 0` must hold, but got {found(at.node)}")

    def schema(self) -> Schema:
        """A number or a string of this form."""
        return {"anyOf": [Number(above=0).schema(), {"type": "string", "pattern": f"^{_CPUS}$"}]}
