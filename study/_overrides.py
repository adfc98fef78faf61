"""`--set path=value`: parts of a document that the command line replaces."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from tunesmith.study._cursor import found
from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._node import NOWHERE, ListNode, MapNode, Node, ScalarNode
from tunesmith.study._where import Where, parse_where
from tunesmith.study._yaml import read_yaml


def apply_overrides(root: Node, overrides: Sequence[tuple[str, str]], name: str | None, log: list[Mistake]) -> Node:
    """The tree with the overrides put in; mistakes go on the log."""
    if name is not None:
        root = _try(root, "metadata.name", lambda: ScalarNode(name, name), log)
    for path, text in overrides:
        root = _try(root, path, partial(_value, text), log)
    return root


def _try(root: Node, path: str, value: Callable[[], Node | None], log: list[Mistake]) -> Node:
    try:
        return _put(root, parse_where(path), value()) or root
    except ValueError as error:
        log.append(Mistake(path, str(error)))
        return root


def _value(text: str) -> Node | None:
    """The value that YAML text stands for; None for `null` and nothing at all, which remove."""
    log: list[Mistake] = []
    try:
        node = _unmarked(read_yaml(text or "null", log))
    except DocumentError:
        raise ValueError(f"{log[-1].message} in {text!r}") from None
    if log:
        raise ValueError(f"{log[0].message} in {text!r}")
    return _some(node)


def _unmarked(node: Node) -> Node:
    """The same without places: they are not the document's."""
    match node:
        case ListNode(items=items):
            return ListNode(tuple(map(_unmarked, items)))
        case MapNode(entries=entries):
            return MapNode({key: _unmarked(entry) for key, entry in entries.items()})
        case _:
            return replace(node, mark=NOWHERE)


def _some(node: Node | None) -> Node | None:
    """The node, unless it is null."""
    return None if isinstance(node, ScalarNode) and node.value is None else node


def _put(node: Node | None, where: Where, value: Node | None) -> Node | None:
    """`node` with `value` at a path below it, or without what is there; None when nothing is left of it."""
    if not where:
        return value
    if isinstance(where[0], int):
        return _put_item(node, where[0], where[1:], value)
    node = _some(node) or MapNode({})
    if not isinstance(node, MapNode):
        raise ValueError(f"`{where[0]}` must be in a mapping, but there is {found(node)}")
    entries = dict(node.entries)
    entry = _put(entries.pop(where[0], None), where[1:], value)
    if entry is not None:
        entries[where[0]] = entry
    return replace(node, entries=entries)


def _put_item(node: Node | None, index: int, rest: Where, value: Node | None) -> Node:
    """The same for an entry of a list; the index after the last one adds an entry."""
    node = _some(node) or ListNode(())
    if not isinstance(node, ListNode):
        raise ValueError(f"[{index}] must be in a list, but there is {found(node)}")
    if index > len(node.items):
        raise ValueError(f"`index <= {len(node.items)}` must hold for this list, but got [{index}]")
    item = _put(node.items[index] if index < len(node.items) else None, rest, value)
    put = () if item is None else (item,)
    return replace(node, items=(*node.items[:index], *put, *node.items[index + 1 :]))
