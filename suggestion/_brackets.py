"""The exact schedule of Hyperband, in whole numbers and fractions: no logarithm, no rounding error. Pure.

L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, JMLR 18 (2018), Algorithm 1 and Table 1.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

from tunesmith.study import Assignment, Domain, ParameterValue

ITERATION: Final = "hyperband.iteration"
BRACKET: Final = "hyperband.bracket"
RUNG: Final = "hyperband.rung"
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rung:
    """So many configurations, each evaluated with the resource at `level` of the schedule."""

    size: int
    level: int


@dataclass(frozen=True, slots=True)
class Bracket:
    """One run of successive halving: `rungs[i]` keeps the best 1/eta of `rungs[i - 1]`. `s`: promotions of its best."""

    s: int
    rungs: tuple[Rung, ...]


def bracket(s: int, s_max: int, eta: int) -> Bracket:
    """Bracket `s` of `s_max + 1`.

    It begins with n = floor((s_max + 1) / (s + 1)) eta^s configurations, which gives Table 1, and rungs that all divide
    by eta exactly. (Algorithm 1 rounds (s_max + 1) eta^s / (s + 1) up instead, and then cuts every rung.)
    """
    first = (s_max + 1) // (s + 1) * eta**s
    return Bracket(s, tuple(Rung(first // eta**i, s_max - s + i) for i in range(s + 1)))


@dataclass(frozen=True)
class Plan:
    """The schedule of a study. `levels`: values of the parameter `resource`, ascending."""

    resource: str
    eta: int
    levels: tuple[float, ...]

    @cached_property
    def brackets(self) -> tuple[Bracket, ...]:
        """One iteration, in its order."""
        top = len(self.levels) - 1
        return tuple(bracket(s, top, self.eta) for s in range(top, -1, -1))

    def bracket(self, index: int) -> Bracket:
        """The bracket at `index` over all iterations."""
        return self.brackets[index % len(self.brackets)]

    def level(self, place: "Place") -> float:
        """The resource at a place."""
        return self.levels[self.bracket(place.bracket).rungs[place.rung].level]

    def at(self, assignment: Assignment, level: float) -> dict[str, ParameterValue]:
        """The same configuration with another resource."""
        return {**assignment, self.resource: level}

    def labels(self, place: "Place") -> dict[str, str]:
        """What a trial there carries."""
        iteration, _ = divmod(place.bracket, len(self.brackets))
        s = self.bracket(place.bracket).s
        return {ITERATION: str(iteration), BRACKET: str(s), RUNG: str(place.rung)}

    def place(self, labels: Mapping[str, str]) -> "Place | None":
        """The place that labels name; None when there is no such place."""
        texts = [labels.get(name, "") for name in (ITERATION, BRACKET, RUNG)]
        if not all(map(_NUMBER.fullmatch, texts)):
            return None
        iteration, s, rung = map(int, texts)
        if rung > s or s >= len(self.brackets):
            return None
        return Place(iteration * len(self.brackets) + len(self.brackets) - 1 - s, rung)


@dataclass(frozen=True, slots=True)
class Place:
    """A rung of a bracket; both are counted from 0."""

    bracket: int
    rung: int


def levels(domain: Domain, eta: int, most: float | None = None) -> tuple[float, ...]:
    """The resources r, ..., R / eta^2, R / eta, R of a parameter's domain, ascending.

    R is the largest value that is at most `most`, and s_max the largest s with min eta^s <= R. Where the domain has
    steps or lists its values, each is the nearest value there is, and those that fall together are one level.
    """
    values = _values(domain)
    least = _exact(values[0])
    highest = values[-1] if most is None else _at_most(domain, values, most)
    found, share = [highest], _exact(highest) / eta
    while share >= least:
        found.append(_nearest(domain, values, share))
        share /= eta
    return tuple(sorted(set(found)))


def _values(domain: Domain) -> Sequence[float]:
    """All values of a numeric domain in order; of a continuum its bounds."""
    return domain.choices(2)  # type: ignore[return-value]  # no category: `check` refuses it


def _exact(value: float) -> Fraction:
    """The number that is written: 0.1 is a tenth, although the nearest double is a little more."""
    return Fraction(repr(value))


def _at_most(domain: Domain, values: Sequence[float], most: float) -> float:
    if domain.count() is None:
        return float(most)
    return values[max(bisect_right(values, most) - 1, 0)]


def _nearest(domain: Domain, values: Sequence[float], share: Fraction) -> float:
    """The value next to `share`, which lies between the first and the last; the lower one of two at equal distance."""
    if domain.count() is None:
        return min(max(float(share), values[0]), values[-1])
    after = bisect_right(values, share)
    return min(values[max(after - 1, 0) : after + 1], key=lambda value: abs(_exact(value) - share))
