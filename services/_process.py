"""Which process a recorded number means: number, start time and boot together name one process and no other."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of this machine, told from every other that has or had its number."""

    pid: int
    start_time: float
    """Seconds; comparable only with that of the same machine and boot."""
    boot_id: str

    def alive(self) -> bool:
        """Whether it runs now; a zombie does not."""
        return process(self.pid) == self


def process(pid: int | None = None) -> Process | None:
    """The process that has this number now (None: ourselves); None when there is none."""
    pid = os.getpid() if pid is None else pid
    start_time = _start_time_linux(pid) if sys.platform == "linux" else _start_time(pid)
    return None if start_time is None else Process(pid, start_time, _boot_id())


def _start_time_linux(pid: int) -> float | None:
    # Not psutil's, which is relative to a boot time that moves whenever the clock is set.
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold spaces and brackets
    return None if fields[0] in b"ZX" else int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _start_time(pid: int) -> float | None:
    import psutil

    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.NoSuchProcess:
        return None


@cache
def _boot_id() -> str:
    if sys.platform == "linux":
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
    ).stdout.strip()
