"""The attempts that a study's loop watches: where they run, what was read of them, and what they still have to say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.manager.collectors import Beginning, LineParser, make_collector, read_new
from tunesmith.manager.launchers import Exit
from tunesmith.manager.storage import ObservationRow
from tunesmith.study import CollectorSpec

REPORTS = "reports"
"""Source of what a trial reported itself."""
OUTPUT = "output.log"
"""File of the attempt's folder that holds what it printed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read of one source in one go: rows, and the offset after them."""

    source: str
    rows: list[ObservationRow]
    offset: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, and what the machine was like then."""

    exit: Exit
    disk_full: bool
    """The disk that holds its folder was full, so that a failure says nothing about the trial."""

    @property
    def never_started(self) -> bool:
        """Our stop reached it while it waited for its slots."""
        return self.exit.status is None and self.exit.signal is None and self.exit.failure is None


@dataclass(slots=True)
class Source:
    """A file that an attempt writes, followed from an offset.

    One that was written anew is another source from then on, as the same offsets are other lines: `generation` counts.
    """

    name: str
    path: Path
    parser: LineParser
    offset: int = 0
    generation: int = 0
    beginning: Beginning = field(default_factory=Beginning)

    def resume(self, offsets: Mapping[str, int]) -> None:
        """Go on where these offsets say, which are those committed before, by source."""
        while self._name(self.generation + 1) in offsets:
            self.generation += 1
        self.offset = offsets.get(self._name(self.generation), 0)
        if self.offset:
            self.beginning = Beginning.of(self.path, self.offset)

    @property
    def unread(self) -> int:
        """Bytes after the offset; 0 while there is no file. One that shrank has not been read at all."""
        try:
            size = self.path.stat().st_size
        except OSError:  # not written yet, or gone with its folder
            return 0
        return size - self.offset if size >= self.offset else max(size, 1)

    def read(self, now: float, *, last: bool) -> Piece | None:
        """The next piece, and move on; None: nothing is new. `last`: nobody writes any more."""
        chunk = read_new(self.path, self.offset, last=last, needles=self.parser.needles)
        if chunk.offset == self.offset and not chunk.shrank:
            return None
        if not self.beginning.continues(chunk.start, chunk.head, shrank=chunk.shrank):
            self.generation += 1
        self.offset, source = chunk.offset, self._name(self.generation)
        rows = [
            ObservationRow(metric, value, step, now, source, end)
            for end, line in chunk.lines
            for metric, value, step in self.parser.parse(line)
        ]
        return Piece(source, rows, chunk.offset)

    def _name(self, generation: int) -> str:
        return f"{self.name}#{generation}" if generation else self.name


@dataclass(slots=True)
class Watched:
    """One attempt that was launched, or adopted, and has no ending in the store yet."""

    trial: int
    """Row of the trial in the store."""
    number: int
    name: str
    attempt: int
    folder: Path
    sources: list[Source] = field(default_factory=list)
    recorded: bool = False
    """The store knows that it was launched."""
    notice: float = math.inf
    """Seconds before TERM that the launcher was told by this process when to stop it; infinite: it was not."""
    draining: bool = False
    """It ended, and a task reads what it left behind."""
    ending: Ending | None = None
    """How it ended, once everything that it wrote was read."""
    pieces: list[Piece] = field(default_factory=list)
    """Read, and not in the store yet."""

    @property
    def key(self) -> tuple[str, int]:
        """How the launcher knows it."""
        return self.name, self.attempt

    @property
    def was_stopped(self) -> bool:
        """Whether our stop reached it before it ended."""
        return (self.folder / "stop").exists()

    @property
    def unread(self) -> int:
        """Bytes that it wrote and nobody has read yet."""
        return sum(source.unread for source in self.sources)


def sources_of(
    spec: CollectorSpec, path: str, wanted: frozenset[str] | None, folder: Path, offsets: dict[str, int]
) -> list[Source]:
    """The files of an attempt to follow: what its document names, and its own reports.

    `path` is the collector's, with its placeholders filled in. `offsets` are those committed before, by source.
    """
    name = f"file:{path}" if path else "stdout"
    named = Source(name, folder / (path or OUTPUT), make_collector(spec, wanted))
    own = Source(REPORTS, folder / "reports.jsonl", make_collector(CollectorSpec(kind=REPORTS), wanted))
    for source in (named, own):
        source.resume(offsets)
    return [named, own]
