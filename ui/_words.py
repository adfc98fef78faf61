"""Words and values as pages show them."""

import math
import re

from markupsafe import Markup, escape

from tunesmith.client import _format

_CODE = re.compile(r"`([^`]+)`")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_REASONS = {
    "goalReached": "goal reached",
    "trialsUsedUp": "all trials done",
    "exhausted": "every assignment tried",
    "tooManyFailures": "too many failures",
    "durationSpent": "time used up",
    "userError": "user error",
    "notANumber": "not a number",
}


def words(text: str) -> str:
    """`EarlyStopped` as `early stopped`; a reason as people say it."""
    return _REASONS.get(text) or _CAMEL.sub(" ", text).lower()


def prose(text: str) -> Markup:
    """Text of others, in which what stands between backticks is code."""
    parts = _CODE.split(text)
    marked = (Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts))
    return Markup("").join(marked)


def value(given: object) -> str:
    """A parameter's value or a metric's, to six digits."""
    if given is None:
        return "–"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return _format.number(given) if math.isfinite(given) else str(given)
    return str(given)
