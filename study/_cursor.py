"""What a document is read with: a part of it, its path, and the list on which its mistakes are put."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tunesmith.study._mistakes import Mistake
from tunesmith.study._node import BrokenNode, ListNode, MapNode, Mark, Node, ScalarNode
from tunesmith.study._scalars import forbidden
from tunesmith.study._values import show
from tunesmith.study._where import Where, where_text

_LONGEST_SHOWN = 60
_LONGEST_MESSAGE = 500
_MOST_HINTS = 100


class Bad(Enum):
    """What is read from a part that has a mistake, which is on the list by then."""

    BAD = "bad"


BAD: Final = Bad.BAD


@dataclass(frozen=True, slots=True)
class Cursor:
    """A part of a document. `log` is shared by all cursors of one reading."""

    node: Node
    where: Where
    log: list[Mistake]

    @property
    def name(self) -> str:
        """How a rule calls the value: its key, or `value` for an entry of a list."""
        return self.where[-1] if self.where and isinstance(self.where[-1], str) else "value"

    def refuse(self, message: str, mark: Mark | None = None) -> Bad:
        """Put a mistake of this part on the list; `mark` when it is known more exactly where."""
        place = mark or self.node.mark
        self.log.append(Mistake(where_text(self.where), shorten(message, _LONGEST_MESSAGE), place.line, place.column))
        return BAD

    def hint(self, text: object, names: Iterable[str], otherwise: str = "") -> str:
        """`; did you mean ...?` when one of `names` is like `text`, else `otherwise`.

        Only while there are few mistakes: the search is slow, and documents come from anybody.
        """
        if not isinstance(text, str) or len(text) > _LONGEST_SHOWN or len(self.log) > _MOST_HINTS:
            return otherwise
        near = _nearest(text.lower(), {name.lower(): name for name in names})
        return f"; did you mean {near}?" if near else otherwise

    def refuse_kind(self, wanted: str) -> Bad:
        """Tell that `wanted` must stand here, and what does."""
        return self.refuse(f"must be {wanted}, but got {found(self.node)}")

    def items(self) -> "list[Cursor]":
        """The parts of a list; none when it is something else."""
        items = self.node.items if isinstance(self.node, ListNode) else ()
        return [Cursor(node, (*self.where, index), self.log) for index, node in enumerate(items)]

    def entries(self) -> "dict[str, Cursor]":
        """The parts of a mapping; none when it is something else."""
        entries = self.node.entries if isinstance(self.node, MapNode) else {}
        return {key: Cursor(node, (*self.where, key), self.log) for key, node in entries.items()}

    def key_mark(self, key: str) -> Mark | None:
        """Where a key of this mapping stands."""
        return self.node.keys.get(key) if isinstance(self.node, MapNode) else None

    def find(self, *where: str | int) -> "Cursor | None":
        """The part at a path below this one; None when there is none."""
        at: Cursor | None = self
        for step in where:
            at = at and at._step(step)
        return at

    def reach(self, where: Where) -> "Cursor":
        """A cursor with exactly this path, on the deepest part of it that the document has."""
        node = self.node
        for end in range(1, len(where) + 1):
            at = self.find(*where[:end])
            node = at.node if at else node
        return Cursor(node, (*self.where, *where), self.log)

    def _step(self, step: str | int) -> "Cursor | None":
        match self.node, step:
            case MapNode(entries=entries), str() if step in entries:
                return Cursor(entries[step], (*self.where, step), self.log)
            case ListNode(items=items), int() if 0 <= step < len(items):
                return Cursor(items[step], (*self.where, step), self.log)
        return None

    def walk(self) -> "Iterator[Cursor]":
        """This part and all below it."""
        yield self
        if not isinstance(self.node, ScalarNode):
            for at in (*self.items(), *self.entries().values()):
                yield from at.walk()


def _nearest(text: str, names: Mapping[str, str]) -> str | None:
    """The name whose key is a misspelt, shortened or lengthened `text`."""
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.7)
    near += [key for key in names if min(len(key), len(text)) > 2 and (text.startswith(key) or key.startswith(text))]
    return names[near[0]] if near else None


def found(node: Node) -> str:
    """What stands somewhere, for a message."""
    match node:
        case ScalarNode(value=None):
            return "null"
        case ScalarNode(value=str() as value):
            return shorten(repr(value))
        case ScalarNode(value=bool() as value):
            return show(value)
        case ScalarNode(text=text):
            return shorten(text)
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping"
        case BrokenNode():
            return "something else"


def shorten(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """The text, or its beginning when it is long: a document must not make a message of any length."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def sweep(root: Cursor) -> None:
    """Tell of every string that no document may hold, wherever it stands."""
    for at in root.walk():
        texts = [at.node.value] if isinstance(at.node, ScalarNode) else list(at.entries())
        for text in texts:
            if isinstance(text, str) and (rule := forbidden(text)):
                at.refuse(rule)
