"""Exit records on their way to disk. One that a full disk refuses is kept, and tried again."""

import errno
import math
import time
from collections.abc import Callable
from typing import Any

from tunesmith.manager.launchers._runner._files import EXIT, write_record

_FULL = (errno.ENOSPC, errno.EDQUOT)
_RETRY = 1.0  # seconds


class Records:
    """The exit records of one runner."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._waiting: dict[str, dict[str, Any]] = {}
        self._due = math.inf

    def put(self, folder: str, record: dict[str, Any]) -> None:
        """Write the exit record of an attempt, now or as soon as there is room."""
        try:
            write_record(folder, EXIT, record)
        except OSError as error:
            self._log(f"{folder}/{EXIT}: {error.strerror}")
            if error.errno in _FULL:  # any other: the folder was deleted, and nobody will look for it
                self._waiting[folder] = record
                self._due = time.monotonic() + _RETRY

    def get(self, folder: str) -> dict[str, Any] | None:
        """The record of an attempt that has no file yet."""
        return self._waiting.get(folder)

    @property
    def due(self) -> float:
        """When `retry` is to be called, on the monotonic clock."""
        return self._due

    def retry(self, now: float) -> None:
        """Try again, when it is time to."""
        if now >= self._due:
            waiting, self._waiting, self._due = self._waiting, {}, math.inf
            for folder, record in waiting.items():
                self.put(folder, record)
