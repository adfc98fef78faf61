"""The text of a CEL expression: its pieces, the names it uses, and the parts that are evaluated on their own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)
    |(?P<string>[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<double>\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<hex>0x[0-9a-fA-F]+[uU]?)
    |(?P<int>\d+[uU]?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\|\||&&|[<>=!]=|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression, and where it begins and ends."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The pieces of an expression that CEL accepts, without blanks and comments."""
    found = (Token(match.lastgroup or "", match[0], *match.span()) for match in _TOKEN.finditer(text))
    return [token for token in found if token.kind != "blank"]


def parameter_names(pieces: Sequence[Token]) -> tuple[list[str], list[Token]]:
    """The names in `params.NAME` and `params["NAME"]`, and the uses of `params` that are neither."""
    names, strange = [], []
    for index, token in enumerate(pieces):
        if token.text != "params" or (index and pieces[index - 1].text == "."):
            continue
        name = _named(pieces[index + 1 : index + 4])
        if name is None:
            strange.append(token)
        elif name not in names:
            names.append(name)
    return names, strange


def _named(after: Sequence[Token]) -> str | None:
    """The name in what follows `params`; None: not an access to one parameter."""
    match [(token.kind, token.text) for token in after]:
        case [(_, "."), ("name", _), (_, "(")]:
            return None  # a method or macro of the map itself
        case [(_, "."), ("name", name), *_]:
            return name
        case [(_, "["), ("string", text), (_, "]")] if text[0] in "'\"":
            return text.strip("'\"")
    return None


def bound_names(pieces: Sequence[Token]) -> set[str]:
    """Names that macros bind: the x of `all(x, ...)`."""
    macros = {"all", "exists", "exists_one", "filter", "map"}
    found = zip(pieces, pieces[1:], pieces[2:], strict=False)
    return {
        name.text for macro, sign, name in found if macro.text in macros and sign.text == "(" and name.kind == "name"
    }


def atoms(text: str) -> Iterator[str]:
    """The parts between `&&`, `||`, `!`, `?`, `:` and parentheses: CEL may never evaluate one when another decides."""
    waiting = [tokens(text)]
    while waiting:
        pieces = waiting.pop()
        parts = _split(pieces)
        if len(parts) > 1:
            waiting += parts
        elif pieces and pieces[0].text == "!":
            waiting.append(pieces[1:])
        elif len(pieces) > 1 and pieces[0].text == "(" and _closing(pieces) == len(pieces) - 1:
            waiting.append(pieces[1:-1])
        elif pieces:
            yield text[pieces[0].start : pieces[-1].end]


def _depths(pieces: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """How deep in brackets each piece is; a bracket itself counts as outside."""
    depth = 0
    for piece in pieces:
        depth -= piece.text in ")]}"
        yield depth, piece
        depth += piece.text in "([{"


def _split(pieces: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for depth, piece in _depths(pieces):
        if depth == 0 and piece.text in ("||", "&&", "?", ":"):
            parts.append([])
        else:
            parts[-1].append(piece)
    return parts


def _closing(pieces: Sequence[Token]) -> int:
    """Index of the bracket that closes the one that `pieces` begins with."""
    return next(index for index, (depth, _) in enumerate(_depths(pieces)) if index and depth == 0)
