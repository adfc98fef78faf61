"""Servers that tests start, and that end with the tests, however those end."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The shell ends the server when the tests are gone: its standard input closes then.
_KEEPER = 'sign=$1; shift; "$@" </dev/null & server=$!; cat >/dev/null; kill -$sign $server; wait $server'


class Kept:
    """A server with its output in a file."""

    def __init__(self, command: Sequence[str | Path], log: Path, *, sign: str = "KILL", **options: Any) -> None:
        """Start it; `sign`: name of the signal that ends it; options are those of Popen."""
        self.log_file = log
        with log.open("wb") as output:
            self._keeper = subprocess.Popen(
                ["sh", "-c", _KEEPER, "sh", sign, *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                **options,
            )

    @property
    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self._keeper.poll() is not None

    def log(self) -> str:
        """What it printed last."""
        return self.log_file.read_text(errors="replace")[-20000:]

    def close(self) -> None:
        """End it."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(30)
