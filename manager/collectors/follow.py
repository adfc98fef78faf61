"""Follow a file that grows: the new lines after an offset, each with the offset after it.

The offset after a line names it for good: it is the sequence under which the line's metrics are stored, and it does not
depend on when the file was read. A carriage return ends a line too, as progress bars print it. A line longer than
64 KiB is cut into pieces of that length.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tunesmith.manager.collectors._beginning import KEPT

LONGEST = 1 << 16
"""Bytes of a line, or of a piece of one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read: lines that are not empty, each with the offset after it; and the offset to go on from.

    `start` is where it was read from, 0 for a file that shrank, and `head` what lies there, as it is: all that was
    used, as far as it belongs to the file's beginning.
    """

    lines: list[tuple[int, bytes]]
    offset: int
    start: int = 0
    shrank: bool = False
    head: bytes = b""


def read_new(
    path: str | os.PathLike[str],
    offset: int,
    limit: int = 1 << 20,
    *,
    last: bool,
    needles: Sequence[bytes] | None = None,
) -> Chunk:
    """Read on from `offset`, `limit` bytes at most. Blocks; for a thread.

    Args:
        path: A file that is only appended to. None is there: nothing is new.
        offset: Where the last chunk said to go on.
        limit: Bytes to read; at least twice the longest line.
        last: Nobody writes to it any more, so that what follows the last line end is a line as well. Go on until the
            offset does not move.
        needles: Leave out lines that hold none of these; for a parser's `needles`, and fast.

    Raises:
        OSError: The file is there and cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            shrank = size < offset
            start = 0 if shrank else offset
            data = os.pread(file.fileno(), max(limit, 2 * LONGEST), start)
    except FileNotFoundError:
        return Chunk([], offset, offset)
    raw, data = data[: max(KEPT - start, 0)], data.replace(b"\r", b"\n")
    used = len(data) if last and start + len(data) >= size else _complete(data)
    spans = _lines(data, used) if needles is None else _lines_with(data, used, needles)
    lines = [(start + end, line) for end, line in _pieces(data, spans)]
    return Chunk(lines, start + used, start, shrank, raw[:used])


def _complete(data: bytes) -> int:
    """How much of the data is complete lines, or pieces of one that is too long."""
    ended = data.rfind(b"\n") + 1
    return ended + (len(data) - ended) // LONGEST * LONGEST


def _lines(data: bytes, used: int) -> Iterator[tuple[int, int]]:
    """Where lines begin and end, without their line ends."""
    begin = 0
    for line in data[:used].split(b"\n"):
        yield begin, begin + len(line)
        begin += len(line) + 1


def _lines_with(data: bytes, used: int, needles: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """The same, of lines that hold a needle. Each needle is looked for once in every byte."""
    places = [(data.find(needle, 0, used), needle) for needle in needles]
    while places := [(place, needle) for place, needle in places if place >= 0]:
        place = min(places)[0]
        begin = data.rfind(b"\n", 0, place) + 1
        end = data.find(b"\n", place, used)
        end = used if end < 0 else end
        yield begin, end
        places = [(p if p >= end else data.find(n, end, used), n) for p, n in places]


def _pieces(data: bytes, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, cut where they are too long, with the offset after each.

    That of a line is after its end; that of a full piece is not, for when it was cut, nobody could know what follows.
    """
    for begin, end in spans:
        while end - begin >= LONGEST:
            begin += LONGEST
            yield begin, data[begin - LONGEST : begin]
        if end > begin:
            yield min(end + 1, len(data)), data[begin:end]
