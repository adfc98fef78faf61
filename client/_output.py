"""Tables for people, JSON and YAML for programs."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from tunesmith.client._terminal import plain_stream, safe_json

GAP = "  "
_NARROWEST = 12
"""Columns below which no column of a table is folded."""
UNBROKEN = ("Command", "Logs")
"""Names of texts that are copied from a terminal, and so never broken into lines."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `right`: numbers. `folds`: may be broken into lines where a terminal is too narrow."""

    header: str
    right: bool = False
    folds: bool = False


def emit(data: Any, kind: str) -> None:
    """Print a document as `json` or `yaml`."""
    print(as_json(data) if kind == "json" else as_yaml(data).rstrip("\n"))


def as_json(data: Any) -> str:
    """JSON text that is safe to show."""
    return safe_json(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def as_yaml(data: Any) -> str:
    """YAML text that is safe to show: what a terminal would act on is escaped."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 4096
    plain = json.dumps(data, ensure_ascii=False)
    yaml.allow_unicode = safe_json(plain) == plain
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: one line a row, folded only where a terminal is too narrow for it. Cells must be safe to show."""
    print(*table_lines(columns, list(rows), room()), sep="\n")


def room() -> int | None:
    """Columns that a table may have; None: as many as it likes, where nothing is a terminal."""
    return None if plain_stream() else width()


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size((80, 24)).columns


def table_lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], most: int | None) -> list[str]:
    """The lines of a table, at most `most` wide where its columns can fold; None: nothing folds and nothing is bold."""
    return [line for lines in table_rows(columns, rows, most) for line in lines]


def table_rows(columns: Sequence[Column], rows: Sequence[Sequence[str]], most: int | None) -> list[list[str]]:
    """As `table_lines`, with the lines of the header and of each row apart."""
    from rich.cells import cell_len

    wide = [
        max(cell_len(text) for text in (column.header, *(row[index] for row in rows)))
        for index, column in enumerate(columns)
    ]
    if most is not None:
        wide = _fitted(columns, wide, most)

    def lines(cells: Sequence[str]) -> Iterator[str]:
        folded = [
            _folded(text, size) if cell_len(text) > size else [text] for text, size in zip(cells, wide, strict=True)
        ]
        for parts in zip_longest(*folded, fillvalue=""):
            padded = (
                " " * (size - cell_len(text)) + text if column.right else text + " " * (size - cell_len(text))
                for column, text, size in zip(columns, parts, wide, strict=True)
            )
            yield GAP.join(padded).rstrip()

    header = next(lines([column.header for column in columns]))
    return [[header if most is None else bold(header)], *(list(lines(row)) for row in rows)]


def _fitted(columns: Sequence[Column], wide: Sequence[int], room: int) -> list[int]:
    """Widths of the columns: those that may fold share what is too much, the widest first."""
    sizes = list(wide)
    folding = [index for index, column in enumerate(columns) if column.folds]
    over = sum(sizes) + len(GAP) * (len(sizes) - 1) - room
    while over > 0 and folding:
        widest = max(folding, key=sizes.__getitem__)
        if sizes[widest] <= _NARROWEST:
            break
        sizes[widest] -= 1
        over -= 1
    return [max(size, len(column.header)) for size, column in zip(sizes, columns, strict=True)]


def _folded(text: str, size: int) -> list[str]:
    """A cell's lines. Characters that are not ASCII may take two columns each."""
    return textwrap.wrap(text, size if text.isascii() else max(size // 2, 1)) or [""]


def coloured() -> bool:
    """Whether standard output may be coloured."""
    return not plain_stream() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """`text` in bold where standard output may be coloured."""
    return f"\x1b[1m{text}\x1b[0m" if coloured() else text


def note(text: str) -> None:
    """Print a remark for people on standard error, out of the way of what programs read."""
    print(text, file=sys.stderr, flush=True)


def pairs(rows: Mapping[str, str]) -> None:
    """Print names and texts in two columns; a long text continues below itself on a terminal."""
    size = max(map(len, rows), default=0) + len(GAP)
    room = None if plain_stream() else max(width() - size, 20)
    for name, text in rows.items():
        parts = [text] if room is None or name in UNBROKEN else textwrap.wrap(text, room) or [""]
        print(name.ljust(size) + parts[0].rstrip())
        for part in parts[1:]:
            print(" " * size + part)


def paragraph(text: str, indent: str = "") -> list[str]:
    """A paragraph's lines: as wide as the terminal is, 100 columns at most; one line where nothing is a terminal."""
    if plain_stream():
        return [indent + text]
    return textwrap.wrap(text, min(width(), 100), initial_indent=indent, subsequent_indent=indent) or [""]
