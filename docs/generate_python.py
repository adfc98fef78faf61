"""Writes into python.md what the Python interface says of itself, read from the docstrings in the sources.

Run `python docs/generate_python.py` after an edit of a public signature or docstring there. As with
generate_algorithms.py, what stands between two markers belongs to this script, and the rest of the page is written by
hand. Nothing is imported of what is described: signatures are shown as they are written.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from generate_algorithms import fill, table, wrapped

PAGE = Path(__file__).parent / "python.md"
SOURCE = Path(__file__).parents[1] / "src" / "tunesmith"
CLIENT = SOURCE / "client" / "_client.py"
VALUES = ("_values.py", "_trial_values.py", "_work.py", "_algorithm_values.py")
_GROUP = re.compile(r"^    # -+ (\w+)", re.M)
_JOINT = "\0"
"""A space at which no line is broken."""
_ENTRY = re.compile(r"^([\w*]+): ")


def generate(page: str) -> str:
    """Return the page with every block made anew."""
    client, worker = _class(CLIENT, "Client"), _class(SOURCE / "client" / "_work.py", "WorkerCalls")
    texts = {
        "trial": "\n\n".join(_functions(_tree(SOURCE / "client" / "_trial.py").body, "tunesmith.")),
        "client": _docs(client),
        **{group: "\n\n".join(_functions(calls, "client.")) for group, calls in _groups(client).items()},
        "workers": "\n\n".join(_functions(worker.body, "client.")),
        "values": "\n\n".join(_value(one) for name in VALUES for one in _dataclasses(SOURCE / "client" / name)),
        "errors": table(("error", "what to do"), _errors()),
    }
    return fill(page, texts, "generate_python.py")


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def _class(file: Path, name: str) -> ast.ClassDef:
    return next(one for one in _tree(file).body if isinstance(one, ast.ClassDef) and one.name == name)


def _groups(client: ast.ClassDef) -> dict[str, list[ast.stmt]]:
    """The client's calls, by the comments that divide them; what stands before the first of these is left out."""
    text = CLIENT.read_text()
    starts = [(text.count("\n", 0, found.start()) + 1, found[1]) for found in _GROUP.finditer(text)]
    groups: dict[str, list[ast.stmt]] = {name: [] for _, name in starts}
    for call in client.body:
        if before := [name for line, name in starts if line < call.lineno]:
            groups[before[-1]].append(call)
    return groups


def _functions(body: list[ast.stmt], owner: str) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
            yield f"**`{owner}{one.name}({_arguments(one)})`**{_returns(one)}\n\n{_docs(one)}"


def _arguments(call: ast.FunctionDef) -> str:
    """Write the arguments as in the source, without `self`."""
    given = call.args
    several = [one for one in given.args if one.arg != "self"]
    defaults = [*[None] * (len(several) - len(given.defaults)), *given.defaults]
    words = [_argument(*pair) for pair in zip(several, defaults, strict=True)]
    if given.vararg:
        words.append("*" + _argument(given.vararg))
    elif given.kwonlyargs:
        words.append("*")
    words += [_argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    if given.kwarg:
        words.append("**" + _argument(given.kwarg))
    return ", ".join(words)


def _argument(one: ast.arg, default: ast.expr | None = None) -> str:
    kind = f": {_type(one.annotation)}" if one.annotation else ""
    return f"{one.arg}{kind}" + (f" = {ast.unparse(default)}" if default else "")


def _type(annotation: ast.expr) -> str:
    """Write a type, without the quotes of one that is known late."""
    return ast.unparse(annotation).strip("'")


def _returns(call: ast.FunctionDef) -> str:
    kind = _type(call.returns) if call.returns else "None"
    if _is_marked(call, "contextmanager"):
        kind = f"with ... as {kind.removeprefix('Iterator[').removesuffix(']')}"
    return "" if kind == "None" else f" → `{kind}`"


def _is_marked(one: ast.ClassDef | ast.FunctionDef, name: str) -> bool:
    """Whether it has a decorator of this name, with arguments or without."""
    return any(ast.unparse(mark).partition("(")[0] == name for mark in one.decorator_list)


def _docs(one: ast.ClassDef | ast.FunctionDef) -> str:
    """Write a docstring, with its lists of arguments and the like as lists, and without its examples."""
    return "\n\n".join(_part(part) for part in _parts(ast.get_docstring(one) or ""))


def _parts(docstring: str) -> Iterator[str]:
    example = False
    for part in docstring.split("\n\n"):
        example = part.startswith("Example:") or (example and part.startswith("    "))
        if not example:
            yield part


def _part(part: str) -> str:
    head, _, rest = part.partition("\n")
    entries = [" ".join(entry.split()) for entry in re.split(r"\n    (?=\S)", "\n" + rest) if entry.strip()]
    if head == "Returns:":
        return wrapped("Returns: " + " ".join(entries))
    if head not in ("Args:", "Attributes:", "Raises:"):
        return wrapped(part)
    listed = "\n".join(wrapped(_ENTRY.sub(r"- `\1`: ", entry), "  ") for entry in entries)
    return f"Raises:\n\n{listed}" if head == "Raises:" else listed


def _dataclasses(file: Path) -> Iterator[ast.ClassDef]:
    for one in _tree(file).body:
        if isinstance(one, ast.ClassDef) and _is_marked(one, "dataclass"):
            yield one


def _value(one: ast.ClassDef) -> str:
    """Write a value's fields and properties."""
    rows = [
        f"`{ast.unparse(row.target)}: {_type(row.annotation)}`" for row in one.body if isinstance(row, ast.AnnAssign)
    ]
    fields = wrapped(", ".join(row.replace(" ", _JOINT) for row in rows)).replace(_JOINT, " ")
    more = [
        wrapped(f"- `{call.name}`{_returns(call)}: {ast.get_docstring(call)}", "  ")
        for call in one.body
        if isinstance(call, ast.FunctionDef) and _is_marked(call, "property")
    ]
    return "\n\n".join([f"### {one.name}", _docs(one), fields, *(["\n".join(more)] if more else [])])


def _errors() -> Iterator[tuple[str, str]]:
    known = {"TunesmithError"}
    for one in _tree(SOURCE / "services" / "errors.py").body:
        if isinstance(one, ast.ClassDef) and (one.name in known or known & {ast.unparse(base) for base in one.bases}):
            known.add(one.name)
            yield f"`{one.name}`", " ".join((ast.get_docstring(one) or "").split("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text()))
