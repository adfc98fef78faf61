"""Where a search space lies for CMA-ES: which parameters are dimensions of the Gaussian, and which are categories."""

import base64
import math
import struct
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunesmith.study import Assignment, CategoricalDomain, Domain, ParameterValue, SearchSpace
from tunesmith.suggestion._categories import UNKNOWN

Floats = NDArray[np.float64]

MOST_CELLS = 4096
"""A parameter of more values than this is a continuum for the distribution; its samples are rounded all the same."""

_Indices = dict[tuple[bool, ParameterValue], int]

FARTHEST = 100.0
"""No sample lies so far from the unit cube, whatever a label says."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A point as the distribution knows it: place in the Gaussian (d) and categories (k).

    NaN and UNKNOWN stand for parameters that were not active and of which nothing else is known.
    """

    place: tuple[float, ...]
    categories: tuple[int, ...]


@dataclass(frozen=True)
class Cube:
    """A search space. Ordered parameters of three values or more are dimensions; those of two values, categories."""

    space: SearchSpace

    @cached_property
    def _counts(self) -> list[int]:
        return [parameter.domain.count() or MOST_CELLS + 1 for parameter in self.space.parameters]

    @cached_property
    def dimensions(self) -> list[int]:
        """Places of the Gaussian's parameters, in the order of the space."""
        return [i for i, count in enumerate(self._counts) if count > 1 and not self._listed(i)]

    @cached_property
    def listed(self) -> list[int]:
        """Places of the categorical parameters."""
        return [i for i, count in enumerate(self._counts) if count > 1 and self._listed(i)]

    def _listed(self, i: int) -> bool:
        return self._counts[i] == 2 or isinstance(self.space.parameters[i].domain, CategoricalDomain)

    @property
    def categories(self) -> list[int]:
        """How many values each categorical parameter has."""
        return [self._counts[i] for i in self.listed]

    @cached_property
    def borders(self) -> dict[int, list[float]]:
        """Where the cells of a dimension's values meet, by dimension, for those of few values."""
        return {
            dimension: _borders(self.space.parameters[i].domain)
            for dimension, i in enumerate(self.dimensions)
            if self._counts[i] <= MOST_CELLS
        }

    @cached_property
    def continuous(self) -> list[int]:
        """The other dimensions: a sample must lie in [0, 1] there."""
        return [dimension for dimension in range(len(self.dimensions)) if dimension not in self.borders]

    @cached_property
    def _named(self) -> list[tuple[str, Domain]]:
        """Names and domains of the Gaussian's parameters."""
        return [(self.space.parameters[i].name, self.space.parameters[i].domain) for i in self.dimensions]

    @cached_property
    def _middles(self) -> list[list[float]]:
        """Unit coordinates of each categorical parameter's values."""
        return [_middles(self.space.parameters[i].domain) for i in self.listed]

    @cached_property
    def _indices(self) -> list[dict[float, int]]:
        """The index of each categorical parameter's values, by their unit coordinates."""
        return [{middle: index for index, middle in enumerate(middles)} for middles in self._middles]

    @cached_property
    def _cells(self) -> list["_Indices | None"]:
        """The index of each value of a dimension; None for those of many values."""
        return [_indices(domain) if k in self.borders else None for k, (_, domain) in enumerate(self._named)]

    @cached_property
    def start(self) -> Floats:
        """The defaults of the parameters, (d,), or the middle."""
        parameters = [self.space.parameters[i] for i in self.dimensions]
        return np.array([0.5 if one.default is None else one.domain.encode(one.default) for one in parameters])

    def unit(self, sample: Sample) -> list[float]:
        """Coordinates of a whole sample in the space's own unit cube."""
        unit = [0.5] * len(self._counts)
        for i, place in zip(self.dimensions, sample.place, strict=True):
            unit[i] = place
        for i, middles, category in zip(self.listed, self._middles, sample.categories, strict=True):
            unit[i] = middles[category]
        return unit

    def read(self, assignment: Assignment, label: str) -> Sample | None:
        """The sample that became this assignment; None when it is no point of the space.

        `label` names its exact place, and is believed where that stands for the same values.
        """
        try:
            active = self.space.active(assignment)
            if len(active) != len(assignment) or not all(map(assignment.__contains__, active)):
                return None
            unit = self.space.encode(assignment, inactive=math.nan)
            place = from_label(label, len(self.dimensions))
            if place is None or not self._agrees(assignment, place):
                place = tuple([unit[i] for i in self.dimensions])
            listed = zip(self.listed, self._indices, strict=True)
            return Sample(place, tuple([indices.get(unit[i], UNKNOWN) for i, indices in listed]))
        except (ValueError, TypeError, LookupError, ArithmeticError):
            return None

    def _agrees(self, assignment: Assignment, drawn: tuple[float, ...]) -> bool:
        """Whether a place stands for the assignment's values."""
        for k, (name, domain) in enumerate(self._named):
            if (value := assignment.get(name)) is None:
                continue
            if (cells := self._cells[k]) is None:
                if domain.decode(drawn[k]) != value:
                    return False
            elif cells.get((isinstance(value, bool), value)) != bisect(self.borders[k], drawn[k]):
                return False
        return True


def to_label(place: Sequence[float]) -> str:
    """A place as text: its doubles in base 64."""
    return base64.b64encode(struct.pack(f"<{len(place)}d", *place)).decode()


def from_label(text: str, size: int) -> tuple[float, ...] | None:
    """The place (size) that a label names; None for anything else. Labels are untrusted."""
    if len(text) != 4 * ((8 * size + 2) // 3):
        return None
    try:
        place = struct.unpack(f"<{size}d", base64.b64decode(text, validate=True))
    except (struct.error, ValueError):
        return None
    return place if all(-FARTHEST < one < FARTHEST for one in place) else None


def _indices(domain: Domain) -> "_Indices":
    """The index of each value; True is not 1."""
    return {(isinstance(value, bool), value): k for k, value in enumerate(domain.choices())}


def _middles(domain: Domain) -> list[float]:
    return [domain.encode(value) for value in domain.choices()]


def _borders(domain: Domain) -> list[float]:
    """Where neighbouring cells meet."""
    return [domain.borders(middle)[1] for middle in _middles(domain)[:-1]]
