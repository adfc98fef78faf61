"""What the system says of processes that need not be one's own children. Linux; elsewhere it knows nothing."""

import contextlib
import ctypes
import os
import sys

TRIAL_DIR = "TUNESMITH_TRIAL_DIR"
LINUX = sys.platform.startswith("linux")

_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Make orphaned descendants of this process its children, whatever sessions they fled to. False: not offered."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_name(name: bytes) -> None:
    """What `ps` and `top` call this process: 15 bytes at most."""
    _prctl(_PR_SET_NAME, name)


def _prctl(option: int, argument: int | bytes) -> bool:
    if not LINUX:
        return False
    with contextlib.suppress(OSError, AttributeError):
        return ctypes.CDLL(None).prctl(option, argument, 0, 0, 0) == 0  # type: ignore[no-any-return]
    return False


def boot_id() -> str:
    """A name of this run of the machine; empty when unknown."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def stat(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from the third (the state) on; the second may hold spaces and brackets."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with its pid and the boot id, it is that process only."""
    fields = stat(pid)
    return int(fields[19]) if fields else None


def undertaker(pid: int) -> int:
    """The parent of a process that has ended, which has not taken notice yet; 0: it is alive, or buried."""
    fields = stat(pid)
    return int(fields[1]) if fields and fields[0] == b"Z" else 0


def session(pid: int) -> int:
    """The session of the process; 0 when it is gone."""
    fields = stat(pid)
    return int(fields[3]) if fields else 0


def trial_folder(pid: int) -> str:
    """The attempt's folder that the environment of the process names; empty when it names none, or must not be read."""
    prefix = f"{TRIAL_DIR}=".encode()
    for entry in _read(f"/proc/{pid}/environ").split(b"\0"):
        if entry.startswith(prefix):
            return os.fsdecode(entry[len(prefix) :])
    return ""


def children() -> set[int]:
    """The children of this single-threaded process, zombies included."""
    own = os.getpid()
    try:
        with open(f"/proc/self/task/{own}/children", "rb") as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return {pid for pid in all_pids() if stat(pid)[1:2] == [str(own).encode()]}


def all_pids() -> list[int]:
    """Every process of the machine."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def find(folder: str) -> list[int]:
    """Processes whose environment names the attempt's folder, oldest pid first; zombies are not among them."""
    return sorted(pid for pid in all_pids() if trial_folder(pid) == folder)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory: in our control group, or on the machine."""
    group = _read("/proc/self/cgroup").decode(errors="replace").rpartition("0::")[2].partition("\n")[0]
    events = _read(f"/sys/fs/cgroup{group}/memory.events") if group else b""
    for line in (events or _read("/proc/vmstat")).splitlines():
        if line.startswith(b"oom_kill "):
            return int(line.split()[1])
    return 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall() or b""
    except OSError:
        return b""
