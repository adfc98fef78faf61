"""Placeholders of a document: each must be known, and is told with its own line and column."""

from collections.abc import Iterator

from tunesmith.study._check_spec import Known
from tunesmith.study._cursor import Cursor, shorten
from tunesmith.study._node import Mark, ScalarNode
from tunesmith.study._placeholders import NAMES, PARAMS, Placeholder, placeholders


def check_placeholders(at: Cursor, known: Known) -> None:
    """Tell of every placeholder in the trial and the collector that nothing would be filled in for."""
    names = None if known.names is None else {*NAMES, *(f"{PARAMS}{name}" for name in known.names)}
    for text_at, node in _texts(at):
        for index, found in enumerate(placeholders(str(node.value))):
            if message := _problem(text_at, found, names):
                text_at.refuse(message, _mark(node, index))
    _check_program(at, known)


def _texts(at: Cursor) -> Iterator[tuple[Cursor, ScalarNode]]:
    """The strings in which placeholders are replaced."""
    command, env = at.find("trial", "command"), at.find("trial", "env")
    parts = [
        *(command.items() if command else ()),
        *(env.entries().values() if env else ()),
        at.find("trial", "workingDir"),
        at.find("collector", "path"),
    ]
    for part in parts:
        if part and isinstance(part.node, ScalarNode) and isinstance(part.node.value, str):
            yield part, part.node


def _problem(at: Cursor, found: Placeholder, names: set[str] | None) -> str | None:
    if found.name is None:
        return "`${` must be followed by a name and `}`; write `$${` for the text `${` itself"
    if found.name in (names or NAMES) or (names is None and found.name.startswith(PARAMS)):
        return None
    text = shorten(found.text)
    return (
        f"unknown placeholder `{text}`{at.hint(found.name, names or NAMES, f'; write `${text}` for the text itself')}"
    )


def _mark(node: ScalarNode, index: int) -> Mark:
    """Where a string's placeholder stands: the same one of the source, unless escapes hide it there."""
    there, here = list(placeholders(node.source)), list(placeholders(str(node.value)))
    if [found.text for found in there] != [found.text for found in here]:
        return node.mark
    return node.mark.after(node.source[: there[index].start])


def _check_program(at: Cursor, known: Known) -> None:
    """The program cannot be left out, as an argument is that names an inactive parameter."""
    program = at.find("trial", "command", 0)
    conditional = {f"{PARAMS}{parameter.name}" for parameter in known.parameters if parameter.when}
    if program is None or not isinstance(program.node, ScalarNode):
        return
    for found in placeholders(str(program.node.value)):
        if found.name in conditional:
            program.refuse(f"the program must be there in every trial, but `{found.text}` is inactive in some")
