"""Placeholders of a document: each must be known, and is told with its own line and column."""

from collections.abc import Iterator

from tunesmith.study._check_spec import Known
from tunesmith.study._cursor import Cursor, shorten
from tunesmith.study._node import Mark, ScalarNode
from tunesmith.study._placeholders import NAMES, PARAMS, Placeholder, placeholders


def check_placeholders(at: Cursor, known: Known) -> None:
    """Tell of every placeholder in the trial and the collector that nothing would be filled in for."""
    for text_at, node in _texts(at):
        for placeholder, mark in _marked(node):
            if message := _problem(text_at, placeholder, known):
                text_at.refuse(message, mark)
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


def _problem(at: Cursor, found: Placeholder, known: Known) -> str | None:
    if found.name is None:
        return "`${` must be followed by a name and `}`; write `$${` for the text `${` itself"
    parameter = found.name.removeprefix(PARAMS) if found.name.startswith(PARAMS) else None
    if found.name in NAMES or (parameter is not None and (known.names is None or parameter in known.names)):
        return None
    text = shorten(found.text)
    if parameter is None:
        near = at.hint(found.name, NAMES, f"; write `${text}` for the text itself")
    else:
        near = at.hint(parameter, known.names or (), known.listing)
    return f"unknown placeholder `{text}`{near}"


def _marked(node: ScalarNode) -> Iterator[tuple[Placeholder, Mark]]:
    """A string's placeholders, each with its place: its own in the source, unless escapes hide it there."""
    here, there = list(placeholders(str(node.value))), list(placeholders(node.source))
    hidden = [found.text for found in there] != [found.text for found in here]
    mark, before = node.mark, 0
    for index, found in enumerate(here):
        if not hidden:
            mark = mark.after(node.source[before : there[index].start])
            before = there[index].start
        yield found, mark


def _check_program(at: Cursor, known: Known) -> None:
    """The program cannot be left out, as an argument is that names an inactive parameter."""
    program = at.find("trial", "command", 0)
    conditional = {f"{PARAMS}{parameter.name}" for parameter in known.parameters if parameter.when}
    if program is None or not isinstance(program.node, ScalarNode):
        return
    for found in placeholders(str(program.node.value)):
        if found.name in conditional:
            program.refuse(f"the program must be there in every trial, but `{found.text}` is inactive in some")
