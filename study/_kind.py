"""A kind of value in a document: one declaration from which it is read, written, and described to editors.

What a document may hold is declared once, in tables of fields of kinds (`_table_*`). The reader, the writer and the
JSON Schema walk these tables; nothing is said twice.
"""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from tunesmith.study._cursor import BAD, Bad, Cursor
from tunesmith.study._node import BrokenNode

T = TypeVar("T")
Schema = dict[str, Any]


class Kind(ABC, Generic[T]):
    """How values of type T stand in a document. Immutable."""

    def read(self, at: Cursor) -> T | Bad:
        """The value at `at`; BAD when it or a part of it has a mistake, and all of them are on the cursor's log."""
        return BAD if isinstance(at.node, BrokenNode) else self.parse(at)

    @abstractmethod
    def parse(self, at: Cursor) -> T | Bad:
        """As `read`, of a part that has no mistake yet."""

    @abstractmethod
    def schema(self) -> Schema:
        """JSON Schema (draft 2020-12) that accepts what `read` accepts, as far as a schema can say it."""

    def write(self, value: T) -> Any:
        """The value as plain data that `read` reads back."""
        return value
