"""What must hold between the bounds, the distribution and the step of a numeric parameter."""

from tunesmith.study._domain import Mistakes
from tunesmith.study._scale import Distribution
from tunesmith.study._values import LARGEST, show

_MAX_STEPS = {  # exponents of 2; with more steps, cells become too narrow for the doubles of the unit interval
    Distribution.UNIFORM: 50,
    Distribution.LOG_UNIFORM: 40,
    Distribution.NORMAL: 32,
    Distribution.LOG_NORMAL: 32,
}
_RESOLUTION = 2.0**-44  # a step smaller than this share of the largest value drowns in the rounding of doubles
_SMALLEST = 1e-300  # nearer to zero, doubles have fewer digits


def numeric_mistakes(low: float, high: float, distribution: Distribution, step: float | None) -> Mistakes:
    """Tell what is wrong between finite numbers; `step` None: a continuum."""
    found = _bound_mistakes(low, high, distribution)
    return found if found or step is None else _step_mistakes(low, high, distribution, step)


def _bound_mistakes(low: float, high: float, distribution: Distribution) -> Mistakes:
    got = f"but got (min={show(low)}, max={show(high)})"
    if low > high:
        return [("min", f"`min <= max` must hold, {got}")]
    if distribution.log and low <= 0:
        return [("min", f"`min > 0` must hold for {distribution}, {got}")]
    if high - low > LARGEST:
        return [("max", f"`max - min` must be a finite number, {got}")]
    return []


def _step_mistakes(low: float, high: float, distribution: Distribution, step: float) -> Mistakes:
    got = f"but got (min={show(low)}, max={show(high)}, step={show(step)})"
    if step <= 0:
        return [("step", f"`step > 0` must hold, {got}")]
    if (high - low) / step >= 2.0 ** _MAX_STEPS[distribution]:
        return [("step", f"`(max - min) / step < 2^{_MAX_STEPS[distribution]}` must hold for {distribution}, {got}")]
    exact = distribution is Distribution.UNIFORM and isinstance(step, int)
    if not exact and step < max(abs(low) * _RESOLUTION, abs(high) * _RESOLUTION, _SMALLEST):
        return [("step", f"`step` must be large enough for doubles to tell the values apart, {got}")]
    return []
