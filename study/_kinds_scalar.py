"""Kinds of single values: strings, numbers, choices."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from tunesmith.study._cursor import Bad, Cursor, found
from tunesmith.study._kind import Kind, Schema
from tunesmith.study._node import ScalarNode
from tunesmith.study._values import ParameterValue

E = TypeVar("E", bound=StrEnum)

INT32 = 2**31 - 1
INT64 = 2**63 - 1


def is_number_node(node: object) -> bool:
    """Whether a number stands here; a boolean is none, though Python says so."""
    return isinstance(node, ScalarNode) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)


@dataclass(frozen=True)
class Text(Kind[str]):
    """A string, not empty. `pattern` is the whole string's regular expression, and `rule` tells it in words.

    `check`: returns the rule that a string breaks, when another module has the rule; `shape` tells editors of it.
    `numbers`: a number is taken as it is written, where there is no doubt what is meant: the words of a command.
    """

    pattern: str = ""
    rule: str = ""
    longest: int = 0
    empty: bool = False
    numbers: bool = False
    check: Callable[[str], str | None] | None = None
    shape: str = ""

    def parse(self, at: Cursor) -> str | Bad:
        """The string, when it obeys all rules."""
        node = at.node
        if not isinstance(node, ScalarNode) or not (isinstance(node.value, str) or self._taken(node)):
            hint = "; put it in quotes" if isinstance(node, ScalarNode) and node.value is not None else ""
            return at.refuse(f"must be a string, but got {found(node)}{hint}")
        text = node.text if self._taken(node) else str(node.value)
        message = self._problem(text)
        return at.refuse(f"{message}, but got {found(node)}") if message else self._checked(at, text)

    def _taken(self, node: ScalarNode) -> bool:
        return self.numbers and is_number_node(node)

    def _problem(self, text: str) -> str | None:
        if not text and not self.empty:
            return "must not be empty"
        if self.longest and len(text) > self.longest:
            return f"must have at most {self.longest} characters"
        return f"must {self.rule}" if self.pattern and not re.fullmatch(self.pattern, text) else None

    def _checked(self, at: Cursor, text: str) -> str | Bad:
        message = self.check and self.check(text)
        return at.refuse(message) if message else text

    def schema(self) -> Schema:
        """A string with its pattern and length."""
        schema: Schema = {"type": ["string", "number"] if self.numbers else "string"}
        if not self.empty:
            schema["minLength"] = 1
        if self.longest:
            schema["maxLength"] = self.longest
        if pattern := self.pattern or self.shape:
            schema["pattern"] = f"^(?:{pattern})$"
        return schema


@dataclass(frozen=True)
class Const(Kind[str]):
    """One string and no other."""

    value: str

    def parse(self, at: Cursor) -> str | Bad:
        """The string."""
        if isinstance(at.node, ScalarNode) and at.node.value == self.value:
            return self.value
        return at.refuse_kind(self.value)

    def schema(self) -> Schema:
        """The constant."""
        return {"const": self.value}


@dataclass(frozen=True)
class Choice(Kind[E]):
    """A member of an enumeration, by its value. `later`: values that will be, and are refused by name until then."""

    members: type[E]
    later: tuple[str, ...] = ()

    def parse(self, at: Cursor) -> E | Bad:
        """The member."""
        value = at.node.value if isinstance(at.node, ScalarNode) else None
        names = [str(member) for member in self.members]
        if isinstance(value, str) and value in names:
            return self.members(value)
        if value in self.later:
            return at.refuse(f"`{value}` is not supported yet")
        return at.refuse(f"must be one of {', '.join(names)}, but got {found(at.node)}{at.hint(value, names)}")

    def schema(self) -> Schema:
        """The values."""
        return {"enum": [str(member) for member in self.members]}

    def write(self, value: E) -> str:
        """The member's value."""
        return str(value)


@dataclass(frozen=True)
class Flag(Kind[bool]):
    """True or false."""

    def parse(self, at: Cursor) -> bool | Bad:
        """The boolean."""
        if isinstance(at.node, ScalarNode) and isinstance(at.node.value, bool):
            return at.node.value
        return at.refuse_kind("true or false")

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Number(Kind[float]):
    """A finite number; whole ones become doubles. `above`: the number must be greater than it."""

    above: float | None = None

    def parse(self, at: Cursor) -> float | Bad:
        """The number as a double."""
        value = at.node.value if isinstance(at.node, ScalarNode) and is_number_node(at.node) else None
        if not isinstance(value, (int, float)):
            return at.refuse_kind("a number")
        number = float(value) if abs(value) < 1e308 or isinstance(value, float) else math.inf
        if not math.isfinite(number):
            return at.refuse_kind("a finite number")
        if self.above is not None and not number > self.above:
            return at.refuse(f"`{at.name} > {self.above:g}` must hold, but got {found(at.node)}")
        return number

    def schema(self) -> Schema:
        """A number with its bound."""
        return {"type": "number"} if self.above is None else {"type": "number", "exclusiveMinimum": self.above}


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number in [least, most]; 3.0 and 1e3 are whole too, as they are in JSON Schema."""

    least: int = -INT64 - 1
    most: int = INT64

    def parse(self, at: Cursor) -> int | Bad:
        """The number as an int."""
        value = at.node.value if isinstance(at.node, ScalarNode) and is_number_node(at.node) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int):
            return at.refuse_kind("a whole number")
        if value < self.least:
            return at.refuse(f"`{at.name} >= {self.least}` must hold, but got {found(at.node)}")
        if value > self.most:
            return at.refuse(f"`{at.name} <= {self.most}` must hold, but got {found(at.node)}")
        return value

    def schema(self) -> Schema:
        """An integer with its bounds."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Value(Kind[ParameterValue]):
    """A parameter's or a setting's value: a finite number, and unless `numbers` only, a string or a boolean."""

    numbers: bool = False

    def parse(self, at: Cursor) -> ParameterValue | Bad:
        """The value as it is: 3 and 3.0 stay what they are."""
        value = at.node.value if isinstance(at.node, ScalarNode) else None
        if value is None or (self.numbers and not is_number_node(at.node)):
            return at.refuse_kind("a number" if self.numbers else "a string, a number or a boolean")
        if isinstance(value, float) and not math.isfinite(value):
            return at.refuse_kind("a finite number")
        if isinstance(value, int) and not -INT64 - 1 <= value <= INT64:
            return at.refuse_kind("a whole number of 64 bits, or written as a double")
        return value

    def schema(self) -> Schema:
        """The types."""
        return {"type": "number"} if self.numbers else {"type": ["string", "number", "boolean"]}
