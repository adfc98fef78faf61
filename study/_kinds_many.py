"""Kinds of several values: lists and mappings of one kind, and a value that may stand in two ways."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tunesmith.study._cursor import BAD, Bad, Cursor, found
from tunesmith.study._kind import Kind, Schema
from tunesmith.study._kinds_scalar import Text
from tunesmith.study._node import ListNode, MapNode, ScalarNode
from tunesmith.study._values import identity

T = TypeVar("T")

_ANY_KEY = Text()


@dataclass(frozen=True)
class ListOf(Kind[tuple[T, ...]]):
    """A list of values of one kind. `unique`: no scalar twice. `single`: a value that is no list means a list of it."""

    item: Kind[T]
    least: int = 0
    most: int = 0
    unique: bool = False
    single: bool = False
    too_many: str = ""

    def parse(self, at: Cursor) -> tuple[T, ...] | Bad:
        """The values; BAD when one of them is."""
        if self.single and isinstance(at.node, ScalarNode):
            value = self.item.read(at)
            return BAD if isinstance(value, Bad) else (value,)
        if not isinstance(at.node, ListNode):
            return at.refuse_kind("a list")
        if (message := self._size_problem(len(at.node.items))) is not None:
            return at.refuse(message)
        values = [self.item.read(item) for item in at.items()]
        good = tuple(value for value in values if not isinstance(value, Bad))
        repeated = self.unique and self._repeated(at, values)
        return BAD if repeated or len(good) < len(values) else good

    def _size_problem(self, size: int) -> str | None:
        if size < self.least:
            return (
                "must not be empty" if self.least == 1 else f"must have at least {self.least} entries, but got {size}"
            )
        if self.most and size > self.most:
            return self.too_many or f"must have at most {self.most:,} entries, but got {size:,}"
        return None

    def _repeated(self, at: Cursor, values: list[Any]) -> bool:
        seen: dict[Any, int] = {}
        before = len(at.log)
        for index, (item, value) in enumerate(zip(at.items(), values, strict=True)):
            if not isinstance(value, Bad) and (first := seen.setdefault(identity(value), index)) != index:
                item.refuse(f"must not be listed twice, but got {found(item.node)} at [{first}] too")
        return len(at.log) > before

    def schema(self) -> Schema:
        """An array."""
        schema: Schema = {"type": "array", "items": self.item.schema()}
        if self.least:
            schema["minItems"] = self.least
        if self.most:
            schema["maxItems"] = self.most
        if self.unique:
            schema["uniqueItems"] = True
        return {"anyOf": [self.item.schema(), schema]} if self.single else schema

    def write(self, value: tuple[T, ...]) -> list[Any]:
        """A list."""
        return [self.item.write(item) for item in value]


@dataclass(frozen=True)
class MapOf(Kind[dict[str, T]]):
    """A mapping with keys of the writer's choice. `known`: keys whose values are of a kind of their own."""

    item: Kind[T]
    key: Text = _ANY_KEY
    most: int = 0
    known: Mapping[str, Kind[T]] = field(default_factory=dict)
    known_docs: Mapping[str, str] = field(default_factory=dict)

    def parse(self, at: Cursor) -> dict[str, T] | Bad:
        """The entries; BAD when a key or a value is."""
        if not isinstance(at.node, MapNode):
            return at.refuse_kind("a mapping")
        if self.most and len(at.node.entries) > self.most:
            return at.refuse(f"must have at most {self.most:,} entries, but got {len(at.node.entries):,}")
        before, values = len(at.log), {}
        for key, entry in at.entries().items():
            mark = at.key_mark(key)
            self.key.read(Cursor(ScalarNode(key, key, mark or at.node.mark), entry.where, at.log))
            if not isinstance(value := self.known.get(key, self.item).read(entry), Bad):
                values[key] = value
        return values if len(values) == len(at.node.entries) and len(at.log) == before else BAD

    def schema(self) -> Schema:
        """An object."""
        schema: Schema = {"type": "object", "additionalProperties": self.item.schema()}
        if self.known:
            schema["properties"] = {
                key: {**kind.schema(), "description": self.known_docs.get(key, "")} for key, kind in self.known.items()
            }
        names = {word: rule for word, rule in self.key.schema().items() if word != "type"}
        if names:
            schema["propertyNames"] = names
        if self.most:
            schema["maxProperties"] = self.most
        return schema

    def write(self, value: Mapping[str, T]) -> dict[str, Any]:
        """A mapping in the order it has."""
        return {key: self.known.get(key, self.item).write(entry) for key, entry in value.items()}


@dataclass(frozen=True)
class ShortOr(Kind[T]):
    """A value that stands in full, or as one string when the rest is as usual."""

    short: Text
    full: Kind[T]
    expand: Callable[[str], T]
    shorten: Callable[[T], str | None]
    wanted: str

    def parse(self, at: Cursor) -> T | Bad:
        """The value in either form."""
        if isinstance(at.node, MapNode):
            return self.full.read(at)
        if not isinstance(at.node, ScalarNode):
            return at.refuse_kind(self.wanted)
        text = self.short.read(at)
        return text if isinstance(text, Bad) else self.expand(text)

    def schema(self) -> Schema:
        """Either form."""
        return {"anyOf": [self.short.schema(), self.full.schema()]}

    def write(self, value: T) -> Any:
        """The short form when it says everything."""
        text = self.shorten(value)
        return self.full.write(value) if text is None else text
