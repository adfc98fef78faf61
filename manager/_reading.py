"""Reads what a study's attempts write, and stores it: pieces of those that run, and the rest of those that ended."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from tunesmith.manager._attempts import Piece, Source, Watched
from tunesmith.manager._context import Context
from tunesmith.manager.storage import Fence, Tx

TICK = 0.25
"""Seconds between two looks at what running trials wrote: a file that grows tells nobody."""
INLINE = 64 * 1024
"""Bytes that are read and parsed at once; more is left to a thread."""


@dataclass(slots=True)
class Reader:
    """Follows the files of one study's attempts."""

    uid: str
    fence: Fence
    context: Context
    _looked: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def due(self) -> float:
        """Seconds until the next look at running attempts."""
        return self._looked + TICK - asyncio.get_running_loop().time()

    async def read_running(self, attempts: Iterable[Watched]) -> bool:
        """Store what running trials wrote since the last look: one piece of each file, so that none starves.

        Whether they had reported something.
        """
        self._looked = asyncio.get_running_loop().time()
        running = [a for a in attempts if a.recorded and not a.draining and a.key not in self.context.endings]
        return await self._store_new(running, last=False)

    def take_exits(self, attempts: Iterable[Watched]) -> list[Watched]:
        """Read what ended attempts still had to say; those that have too much to say for now are given back."""
        long = []
        for attempt in attempts:
            ending = self.context.endings.get(attempt.key)
            if ending is None or attempt.draining or attempt.ending is not None:
                continue
            if attempt.unread > INLINE:
                attempt.draining = True
                long.append(attempt)
            else:
                self._read_rest(attempt)
                attempt.ending = ending
        return long

    async def drain(self, attempt: Watched) -> None:
        """Store what a talkative trial left behind, piece by piece, until little is left."""
        while attempt.unread > INLINE:
            await self._store_new([attempt], last=True)

    def _read_rest(self, attempt: Watched) -> None:
        for source in attempt.sources:
            while (piece := source.read(self.context.clock(), last=True)) is not None:
                attempt.pieces.append(piece)

    async def _store_new(self, attempts: Iterable[Watched], *, last: bool) -> bool:
        """One piece of each file, in one transaction. Whether observations were in it."""
        sources = [(attempt, source) for attempt in attempts for source in attempt.sources if source.unread]
        before = [source.offset for _, source in sources]
        try:
            pieces = [(attempt, await self._read(source, last=last)) for attempt, source in sources]
            new = [(attempt, piece) for attempt, piece in pieces if piece is not None]
            if new:
                await self.context.database.write(partial(_store_pieces, new), self.fence)
        except BaseException:
            for (_, source), offset in zip(sources, before, strict=True):
                source.offset = offset  # not stored, so not read
            raise
        reported = any(piece.rows for _, piece in new)
        if reported:
            self.context.changed(self.uid)
        return reported

    async def _read(self, source: Source, *, last: bool) -> Piece | None:
        if source.unread <= INLINE:
            return source.read(self.context.clock(), last=last)
        return await asyncio.to_thread(source.read, self.context.clock(), last=last)


def store_piece(attempt: Watched, piece: Piece, tx: Tx) -> None:
    """Store what was read of one source, and up to where."""
    tx.add_observations(attempt.trial, attempt.attempt, piece.rows, (piece.source, piece.offset))


def _store_pieces(pieces: list[tuple[Watched, Piece]], tx: Tx) -> None:
    for attempt, piece in pieces:
        store_piece(attempt, piece, tx)
