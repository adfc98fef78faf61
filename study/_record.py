"""Kinds of mappings with declared fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

from tunesmith.study._cursor import BAD, Bad, Cursor, found
from tunesmith.study._kind import Kind, Schema
from tunesmith.study._kinds_scalar import Const
from tunesmith.study._node import BrokenNode, MapNode, ScalarNode
from tunesmith.study._where import where_text

T = TypeVar("T")
Values = dict[str, Any]


class Required(Enum):
    """Stands for the default of a field that has none."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED


@dataclass(frozen=True)
class Field:
    """One field of a mapping. `default` is what an absent field means; a value equal to it is not written."""

    name: str
    kind: Kind[Any]
    doc: str
    default: Any = REQUIRED
    attribute: str = ""
    """Its name in the program, when that is another."""

    @property
    def attr(self) -> str:
        """Its name in the program."""
        return self.attribute or self.name

    def schema(self) -> Schema:
        """Its kind, described."""
        schema = {**self.kind.schema(), "description": self.doc}
        if self.default is not REQUIRED and self.default is not None and (written := self.kind.write(self.default)):
            schema["default"] = written
        return schema


def attributes(record: "Record[Any]", value: Any) -> Values:
    """The fields' values of a dataclass whose attributes are the fields."""
    return {item.attr: getattr(value, item.attr) for item in record.fields}


@dataclass(frozen=True)
class Record(Kind[T]):
    """A mapping with declared fields, which makes a T.

    `make` gets the value of every field by its attribute's name, and `split` undoes it. `rule` sees the values of the
    fields that could be read, absent ones with their default; it tells what is wrong between fields, and makes of the
    values what `make` takes. `later`: fields that will be, and are refused by name until then.
    """

    make: Callable[..., T]
    fields: tuple[Field, ...]
    split: Callable[["Record[T]", T], Values] = attributes
    rule: Callable[[Cursor, Values], object] | None = None
    later: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More of the schema."""

    def parse(self, at: Cursor) -> T | Bad:
        """The value; all fields are read before a mistake ends it."""
        if not isinstance(at.node, MapNode):
            return at.refuse_kind("a mapping")
        before = len(at.log)
        self._refuse_strangers(at)
        read = {item.attr: self._field(at, item) for item in self.fields}
        values = {name: value for name, value in read.items() if not isinstance(value, Bad)}
        whole = len(values) == len(read)  # the log alone does not tell: a broken node's mistake is on it already
        if self.rule:
            self.rule(at, values)
        return self.make(**values) if whole and len(at.log) == before else BAD

    def _field(self, at: Cursor, item: Field) -> Any:
        if (entry := at.find(item.name)) is not None:
            return item.kind.read(entry)
        if item.default is REQUIRED:
            only = f": {item.kind.value}" if isinstance(item.kind, Const) else ""
            return at.reach((item.name,)).refuse(f"must be given{only}")
        return dict(item.default) if isinstance(item.default, dict) else item.default  # a study's own, not shared

    def _refuse_strangers(self, at: Cursor) -> None:
        names = [item.name for item in self.fields]
        for key, entry in at.entries().items():
            if key in self.later:
                entry.refuse(f"`{where_text(entry.where)}` is not supported yet", at.key_mark(key))
            elif key not in names:
                hint = at.hint(key, names, f"; known are {', '.join(names)}")
                entry.refuse(f"unknown field{hint}", at.key_mark(key))

    def schema(self) -> Schema:
        """An object that allows its fields only."""
        schema: Schema = {"type": "object", "properties": {item.name: item.schema() for item in self.fields}}
        if required := [item.name for item in self.fields if item.default is REQUIRED]:
            schema["required"] = required
        return {**schema, "additionalProperties": False, **self.extra}

    def write(self, value: T) -> dict[str, Any]:
        """A mapping in the order of the fields, without those that have their default."""
        values = self.split(self, value)
        return {
            item.name: item.kind.write(values[item.attr])
            for item in self.fields
            if item.default is REQUIRED or values[item.attr] != item.default
        }


@dataclass(frozen=True)
class Variants(Kind[T]):
    """Mappings of several forms, told apart by the string in one field. `pick`: the form of a value, for writing."""

    tag: str
    variants: Mapping[str, Record[T]]
    pick: Callable[[T], str]

    def parse(self, at: Cursor) -> T | Bad:
        """The value, by the form that it names."""
        if not isinstance(at.node, MapNode):
            return at.refuse_kind("a mapping")
        if (tag := at.find(self.tag)) is None:
            return at.reach((self.tag,)).refuse(f"must be given: one of {', '.join(self.variants)}")
        if isinstance(tag.node, BrokenNode):
            return BAD
        value = tag.node.value if isinstance(tag.node, ScalarNode) else None
        if isinstance(value, str) and value in self.variants:
            return self.variants[value].read(at)
        names = ", ".join(self.variants)
        return tag.refuse(f"must be one of {names}, but got {found(tag.node)}{tag.hint(value, self.variants)}")

    def schema(self) -> Schema:
        """One of the forms."""
        return {"oneOf": [record.schema() for record in self.variants.values()]}

    def write(self, value: T) -> dict[str, Any]:
        """The mapping of the value's form."""
        return self.variants[self.pick(value)].write(value)
