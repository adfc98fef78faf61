"""A service as a process, which tests kill."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import grpc

from tunesmith.services.channel import open_sync_channel


class ServiceProcess:
    """`python -m tunesmith.<room> serve` at a Unix socket of its own."""

    module: ClassVar[str]

    def __init__(self, args: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ts-")  # not tmp_path: a socket's path is short
        self._args = args
        self.address = f"unix:{Path(self._folder.name) / 'd' / 's'}"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        self.channel: grpc.Channel = open_sync_channel(self.address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()
        self.kill()
        self.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", self.module, "serve", "--listen", self.address, *self._args]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline())["listen"] == [self.address]

    def close(self) -> None:
        """Take its folder away."""
        self._folder.cleanup()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal, and return the exit status."""
        assert self._process is not None
        assert self._process.stdout is not None
        os.kill(self._process.pid, number)
        status = self._process.wait(timeout=20)
        self._process.stdout.close()
        return status

    def restart(self) -> None:
        """Kill it and start it."""
        self.kill()
        self.start()
