"""A user's regular expressions in lines of text.

A pattern has the groups `name` and `value`, and may have `step`; without such names its first group is the name and
its second the value. Python's expressions can take time exponential in the length of what they look at, and while one
is at it the whole process waits, threads or not: so only the first 4 KiB of a line are shown to them. That bounds what
grows with a power of the length; a pattern such as `(a+)+=` is still slow on a line made for it.
"""

import re

from tunesmith.manager.collectors._parser import Found, as_number, as_step, encoded, is_name

_LONGEST = 4096  # bytes of a line
_GROUPS = ("name", "value")


class PatternParser:
    """Finds what the patterns do; a value that is no number is none."""

    def __init__(self, patterns: tuple[str, ...], wanted: frozenset[str] | None) -> None:
        """`wanted`: names to find; None: every one. Raises ValueError when a pattern is none."""
        self._patterns = [_compile(pattern) for pattern in patterns]
        self._wanted = wanted
        self.needles = None if wanted is None else encoded(wanted)

    def parse(self, line: bytes) -> list[Found]:
        """The metrics in the first 4 KiB of a line."""
        text = line[:_LONGEST].decode(errors="replace")
        found: dict[str, Found] = {}
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                if (metric := self._metric(match)) is not None:
                    found[metric[0]] = metric
        return list(found.values())

    def _metric(self, match: re.Match[str]) -> Found | None:
        named = match.groupdict()
        name, value = (named["name"], named["value"]) if "name" in named else match.group(1, 2)
        number = as_number(value)
        if number is None or not is_name(name) or (self._wanted is not None and name not in self._wanted):
            return None
        return name, number, as_step(named.get("step"))


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError) as error:
        raise ValueError(f"a pattern must be a regular expression, but got {pattern!r}: {error}") from None
    named = set(compiled.groupindex)
    if not named.issuperset(_GROUPS) and (named & set(_GROUPS) or compiled.groups < len(_GROUPS)):
        raise ValueError(f"a pattern must have the groups `name` and `value`, but got {pattern!r}")
    return compiled
