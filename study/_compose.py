"""The tree of one YAML document from a parser's events, counted while it grows."""

from collections.abc import Iterator
from typing import Any

from tunesmith.study._cursor import Cursor
from tunesmith.study._mistakes import Mistake
from tunesmith.study._node import NOWHERE, BrokenNode, ListNode, MapNode, Mark, Node, ScalarNode, height
from tunesmith.study._scalars import join_surrogates, resolve
from tunesmith.study._where import Where

MAX_DEPTH = 50
MAX_NODES = 50_000

_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}


class Stop(Exception):
    """A mistake after which nothing more can be read."""

    def __init__(self, message: str, mark: Mark = NOWHERE) -> None:
        """The mistake, and where it is when that is known."""
        super().__init__(message)
        self.message, self.mark = message, mark


def place(mark: Any) -> Mark:
    """A parser's mark as ours."""
    return NOWHERE if mark is None else Mark(mark.line + 1, mark.column + 1)


def _is(event: Any, name: str) -> bool:
    return type(event).__name__ == f"{name}Event"


class Composer:
    """Makes the tree; used once. Mistakes that leave the rest readable go on the log, the others are raised as Stop."""

    def __init__(self, text: str, events: Iterator[Any], log: list[Mistake]) -> None:
        """`events` of `text`, with marks into it."""
        self._text, self._events, self._log = text, events, log
        self._count = 0
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # with the number of its nodes; None while it is open

    def document(self) -> Node:
        """The root; there must be exactly one document."""
        next(self._events)  # the stream begins
        if _is(next(self._events), "StreamEnd"):
            raise Stop("must be a StudyJob, but the document is empty")
        root = self._node(next(self._events), (), 1)
        next(self._events)  # the document ends
        if not _is(event := next(self._events), "StreamEnd"):
            raise Stop("must be one document, but a second one begins here", place(event.start_mark))
        return root

    def _node(self, event: Any, where: Where, depth: int) -> Node:
        mark = place(event.start_mark)
        if _is(event, "Alias"):
            return self._alias(event.anchor, depth, mark)
        before = self._count
        self._grow(1, depth - _is(event, "Scalar"), mark)
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._tagged(event, where, depth, mark)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def _alias(self, name: str, depth: int, mark: Mark) -> Node:
        if (anchor := self._anchors.get(name)) is None:
            what = "stands inside what it names" if name in self._anchors else "names nothing before it"
            raise Stop(f"an alias must name an anchor before it, but *{name} {what}", mark)
        node, size = anchor
        self._grow(size, 0, mark)  # first: it bounds the walk that `height` takes
        self._grow(0, depth - 1 + height(node), mark)
        return node

    def _grow(self, nodes: int, depth: int, mark: Mark) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise Stop(f"a document must have at most {MAX_NODES:,} values, each alias counted as what it names", mark)
        if depth > MAX_DEPTH:
            raise Stop(f"lists and mappings must be nested at most {MAX_DEPTH} deep", mark)

    def _tagged(self, event: Any, where: Where, depth: int, mark: Mark) -> Node:
        tag = str(event.tag or "").replace(_CORE, "!!")
        if _is(event, "Scalar"):
            if tag in ("", "!", "!!str") or tag.removeprefix("!!") in _TYPES:
                return self._scalar(event, tag.removeprefix("!!"), where, mark)
        elif _is(event, "SequenceStart"):
            node: Node = ListNode(tuple(self._items(where, depth)), mark)
            if tag in ("", "!", "!!seq"):
                return node
        else:
            node = self._mapping(where, depth, mark)
            if tag in ("", "!", "!!map"):
                return node
        return self._refuse(f"must be a plain value, but got the tag {tag}", where, mark)

    def _scalar(self, event: Any, tag: str, where: Where, mark: Mark) -> Node:
        text = join_surrogates(event.value)
        try:
            value = resolve(text) if event.implicit[0] or tag in _TYPES else text
            if tag == "float" and type(value) is int:
                value = resolve(f"{text}.")
        except ValueError as error:
            return self._refuse(str(error), where, mark)
        if tag in _TYPES and type(value) is not _TYPES[tag]:
            return self._refuse(f"must be what its tag !!{tag} says, but got {text!r}", where, mark)
        return ScalarNode(value, text, mark, self._text[event.start_mark.index : event.end_mark.index])

    def _items(self, where: Where, depth: int) -> Iterator[Node]:
        index = 0
        while not _is(event := next(self._events), "SequenceEnd"):
            yield self._node(event, (*where, index), depth + 1)
            index += 1

    def _mapping(self, where: Where, depth: int, mark: Mark) -> MapNode:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not _is(event := next(self._events), "MappingEnd"):
            key, key_mark = self._key(event, where, depth), place(event.start_mark)
            value = self._node(next(self._events), (*where, "?" if key is None else key), depth + 1)
            if key in entries:
                there = f"line {keys[key].line}, column {keys[key].column}"
                self._refuse(f"must stand once in its mapping, but stands at {there} too", (*where, key), key_mark)
            elif key is not None:
                entries[key], keys[key] = value, key_mark
        return MapNode(entries, mark, keys)

    def _key(self, event: Any, where: Where, depth: int) -> str | None:
        """The key; None after its mistake was told."""
        match self._node(event, where, depth + 1):
            case ScalarNode("<<", source="<<", mark=mark):
                self._refuse("must not be used: YAML 1.2 has no merge keys", (*where, "<<"), mark)
            case ScalarNode(str() as key):
                return key
            case ScalarNode(text=text, mark=mark):
                self._refuse(f"a key must be a string, but got {text or 'nothing'}; put it in quotes", where, mark)
            case ListNode(mark=mark) | MapNode(mark=mark):
                self._refuse("a key must be a string, but got a list or a mapping", where, mark)
        return None

    def _refuse(self, message: str, where: Where, mark: Mark) -> BrokenNode:
        node = BrokenNode(mark)
        Cursor(node, where, self._log).refuse(message)
        return node
