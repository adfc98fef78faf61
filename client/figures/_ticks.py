"""Round numbers on an axis."""

from math import ceil, floor, log10

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def ticks(low: float, high: float, *, log: bool = False, most: int = 6) -> list[float]:
    """Places from `low` to `high` that have short names, `most` of them at most.

    Args:
        low: The first place; of a logarithmic axis the logarithm to base 10.
        high: The last place.
        log: Whether places are logarithms.
        most: How many at most.
    """
    if not log:
        return _even(low, high, most)
    if high - low >= most:
        return _even(low, high, most, least=1.0)
    for within in ((1, 2, 5), (1, 3), (1,)):
        found = [decade + log10(part) for decade in range(floor(low), ceil(high) + 1) for part in within]
        found = [place for place in found if low - 1e-9 <= place <= high + 1e-9]
        if len(found) <= most:
            break
    return found if len(found) > 1 else [low, high]


def tick_text(value: float) -> str:
    """A round number, as `0.25` or `1e-5`."""
    mantissa, exponent, power = f"{value:.4g}".partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa


def _even(low: float, high: float, most: int, least: float = 0.0) -> list[float]:
    if not low < high:
        return [low]
    rough = max((high - low) / most, least)
    power = 10.0 ** floor(log10(rough))
    step = next(part * power for part in _STEPS if part * power >= rough * (1 - 1e-9))
    step = float(ceil(step)) if least else step
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]
