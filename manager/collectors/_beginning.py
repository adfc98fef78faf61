"""Tells a file that was written anew from one that is only being written again."""

import os

KEPT = 4096
"""Bytes of a file's beginning by which it is known."""


class Beginning:
    """The first bytes of a followed file, as far as it was read.

    A file that shrank is either another one (a log that was begun anew) or the same in the making (a table that is
    saved as a whole after each epoch). In the first case offsets mean nothing any more, in the second they are as good
    as ever. It is the same while it begins as before.
    """

    def __init__(self, known: bytes = b"") -> None:
        """`known`: how the file began when it was followed before."""
        self._known = known

    @classmethod
    def of(cls, path: str | os.PathLike[str], offset: int) -> "Beginning":
        """For a file that was read up to `offset`, by somebody who is gone."""
        try:
            with open(path, "rb") as file:
                unchanged = os.fstat(file.fileno()).st_size >= offset
                return cls(file.read(min(offset, KEPT)) if unchanged else b"")
        except OSError:
            return cls()

    def continues(self, start: int, data: bytes, *, shrank: bool) -> bool:
        """Whether it is the same file that holds `data` at `start`; from then on it is known by that."""
        known = self._known[start : start + len(data)]
        same = data[: len(known)] == known and (not shrank or bool(self._known))
        if not same or start + len(data) > len(self._known) >= start:
            self._known = self._known[:start] + data[: max(KEPT - start, 0)]
        return same
