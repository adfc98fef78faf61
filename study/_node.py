"""A document as a tree whose parts know where they stood, so that every mistake can be told with line and column."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text, both from 1; 0: none, as in a value that came from a command line or a message."""

    line: int = 0
    column: int = 0

    def after(self, text: str) -> "Mark":
        """The place just behind `text`, when `text` begins here."""
        if not self.line:
            return self
        last = text.rfind("\n")
        return Mark(self.line + text.count("\n"), len(text) - last if last >= 0 else self.column + len(text))


NOWHERE = Mark()


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value. `text`: as it is written, without quotes; `source`: with them, and empty when there is no text."""

    value: Scalar
    text: str
    mark: Mark = NOWHERE
    source: str = ""


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple["Node", ...]
    mark: Mark = NOWHERE


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping. `keys`: where each key stands."""

    entries: Mapping[str, "Node"]
    mark: Mark = NOWHERE
    keys: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokenNode:
    """Something whose mistake was told already; whoever reads it stays silent."""

    mark: Mark = NOWHERE


Node = ScalarNode | ListNode | MapNode | BrokenNode


def from_plain(value: object) -> Node:
    """The tree of plain values that never were text. Its depth is its maker's affair."""
    if isinstance(value, Mapping):
        return MapNode({str(key): from_plain(entry) for key, entry in value.items()})
    if isinstance(value, (list, tuple)):
        return ListNode(tuple(map(from_plain, value)))
    if value is None or isinstance(value, (str, int, float)):
        return ScalarNode(value, str(value))
    raise TypeError(f"a document holds no {type(value).__name__}")


def height(node: Node) -> int:
    """How many collections stand in one another at most."""
    match node:
        case ListNode(items=items):
            return 1 + max(map(height, items), default=0)
        case MapNode(entries=entries):
            return 1 + max(map(height, entries.values()), default=0)
        case _:
            return 0
