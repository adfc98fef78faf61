"""Values as Katib writes them: everything is a string there, of a parameter whose bounds are strings, too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.study import (
    CategoricalDomain,
    DiscreteDomain,
    Distribution,
    Domain,
    DoubleDomain,
    IntDomain,
    Parameter,
    ParameterValue,
)

DISTRIBUTIONS: Final[Mapping[int, Distribution]] = {
    katib.DISTRIBUTION_UNSPECIFIED: Distribution.UNIFORM,
    katib.UNIFORM: Distribution.UNIFORM,
    katib.LOG_UNIFORM: Distribution.LOG_UNIFORM,
    katib.NORMAL: Distribution.NORMAL,
    katib.LOG_NORMAL: Distribution.LOG_NORMAL,
}
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)


def text_of(value: ParameterValue) -> str:
    """A value as Katib's own services write it: 1e-05, 3, 0.1."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class NotThere(ValueError):
    """A parameter that cannot be read; the message says why, without the parameter's name."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One parameter: what Katib calls it, what it is here, and how its values are written.

    `listed` has the values of a list, each as it was written there: "3.0" stays "3.0".
    """

    name: str
    parameter: Parameter
    listed: tuple[tuple[ParameterValue, str], ...] = ()

    def write(self, value: ParameterValue) -> str:
        """Write a value of the parameter."""
        for one, text in self.listed:
            if one == value and isinstance(one, bool) is isinstance(value, bool):
                return text
        return text_of(value)

    def read(self, text: str) -> ParameterValue:
        """Read a value; a text that is none is left as it is, so that the parameter's domain refuses it."""
        match self.parameter.domain:
            case IntDomain():
                return _whole(text)
            case DoubleDomain():
                return float(text) if _NUMBER.fullmatch(text) else text
            case domain:
                return self._listed(domain, text)

    def _listed(self, domain: DiscreteDomain | CategoricalDomain, text: str) -> ParameterValue:
        for value, listed in self.listed:
            if listed == text:
                return value
        if isinstance(domain, DiscreteDomain) and _NUMBER.fullmatch(text):
            return domain.canonical(_shortest(text))
        return text


def codec_of(spec: katib.ParameterSpec, name: str) -> Codec:
    """Read a parameter, which is called `name` here. Raises NotThere."""
    space = spec.feasible_space
    if spec.parameter_type in (katib.DISCRETE, katib.CATEGORICAL):
        texts = tuple(dict.fromkeys(space.list))
        if spec.parameter_type == katib.DISCRETE and all(map(_NUMBER.fullmatch, texts)):
            numbers = {_shortest(text): text for text in reversed(texts)}
            return Codec(spec.name, Parameter(name, DiscreteDomain(tuple(numbers))), tuple(numbers.items()))
        return Codec(spec.name, Parameter(name, CategoricalDomain(texts)), tuple(zip(texts, texts, strict=True)))
    return Codec(spec.name, Parameter(name, _numeric(spec)))


def _numeric(spec: katib.ParameterSpec) -> Domain:
    space = spec.feasible_space
    distribution = DISTRIBUTIONS.get(space.distribution, Distribution.UNIFORM)
    if spec.parameter_type == katib.DOUBLE:
        step = _number("step", space.step) if space.step else None
        return DoubleDomain(_number("min", space.min), _number("max", space.max), distribution, step)
    if spec.parameter_type == katib.INT:
        return IntDomain(_int("min", space.min), _int("max", space.max), distribution, _int_step(space.step))
    raise NotThere(f"the type must be double, int, discrete or categorical, but got {spec.parameter_type}")


def _int_step(text: str) -> int:
    """The step of an int; one of less than 1 changes nothing, and Katib's services take it."""
    step = _number("step", text or "1")
    return 1 if 0 < step < 1 else _int("step", text or "1")


def _number(what: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise NotThere(f"{what} must be a number, but got {text[:40]!r}")
    return float(text)


def _int(what: str, text: str) -> int:
    whole = _whole(text)
    if not isinstance(whole, int):
        raise NotThere(f"{what} must be a whole number, but got {text[:40]!r}")
    return whole


def _whole(text: str) -> int | str:
    """The whole number that a text is, also as 3.0; else the text."""
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        return text
    if text.strip().lstrip("+-").isdecimal():
        return int(text)
    number = float(text)
    return int(number) if number.is_integer() else text


def _shortest(text: str) -> float | int:
    whole = _whole(text)
    return whole if isinstance(whole, int) and "." not in text else float(text)
