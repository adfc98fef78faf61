"""Where in a document a path leads, for mistakes that a server found: it has the values, not the text."""

from dataclasses import replace

from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._node import ListNode, MapNode, Mark, Node
from tunesmith.study._where import parse_where
from tunesmith.study._yaml import read_yaml


def place(mistake: Mistake, text: bytes) -> Mistake:
    """The mistake with the line and column of what its path names, or of the nearest thing around it."""
    try:
        where = parse_where(mistake.path)
        mark = _mark(read_yaml(text, []), where)
    except (ValueError, DocumentError):
        return mistake
    return replace(mistake, line=mark.line, column=mark.column)


def _mark(root: Node, where: tuple[str | int, ...]) -> Mark:
    node = root
    for step in where:
        below: Node | None = None
        if isinstance(node, MapNode) and isinstance(step, str):
            below = node.entries.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            break
        node = below
    return node.mark
