"""A folder with a Tunesmith of its own, for tests that use the command as its users do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]


class House:
    """Runs `tunesmith` in a folder, and knows every process that came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("TUNESMITH_")}
        # Marks every process of this folder, however far it went from its parents.
        self.env["HOUSE"] = str(folder)
        self.env["TUNESMITH_NO_DASHBOARD"] = "1"  # whose port is the same for all that run side by side

    def __call__(self, *args: str, timeout: float = 100, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `check` is the exit status that it must have, None for any."""
        done = subprocess.run(
            [sys.executable, "-m", "tunesmith.client", *args],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if check is not None:
            assert done.returncode == check, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.log()}"
        return done

    def json(self, *args: str) -> Any:
        return json.loads(self(*args, "-o", "json").stdout)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return self.module("tunesmith.client", *args)

    def module(self, name: str, *args: str) -> subprocess.Popen[str]:
        """Start one of our programs and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", name, *args],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def processes(self, *words: str) -> list[psutil.Process]:
        """Processes of this folder whose command line holds all of these words."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("HOUSE") == str(self.folder)
                if (
                    ours
                    and process.status() != psutil.STATUS_ZOMBIE
                    and all(w in " ".join(process.cmdline()) for w in words)
                ):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def kill(self, *words: str) -> int:
        """`kill -9` to all processes whose command line holds these words; how many there were."""
        found = self.processes(*words)
        for process in found:
            with suppress(psutil.NoSuchProcess):  # it was just leaving
                process.kill()
        return len(found)

    def log(self) -> str:
        path = self.folder / ".tunesmith" / "manager.log"
        return path.read_text(errors="replace")[-60000:] if path.exists() else ""

    def close(self) -> None:
        """End whatever is left."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = self.processes()
            for process in left:
                try:
                    process.send_signal(number)
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(left, timeout=5)


def until(what: Callable[[], Any], timeout: float = 60, every: float = 0.05) -> Any:
    """Wait until `what` gives something true, and give that."""
    end = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"not within {timeout} s"
        time.sleep(every)
