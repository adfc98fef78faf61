"""How much memory a trial's processes use. It is watched, not caged: RLIMIT_AS would count what is only reserved."""

import contextlib
import os
from dataclasses import dataclass

import psutil

from tunesmith.manager.launchers._runner import _processes

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class Row:
    """One process of the machine. `resident` in bytes; what it shares with others is in it."""

    pid: int
    parent: int
    session: int
    resident: int


def read_table() -> list[Row]:
    """Every process of the machine, in some ms: for a thread."""
    if not _processes.LINUX:
        return _read_table_elsewhere()
    page = os.sysconf("SC_PAGE_SIZE")
    rows = []
    for pid in _processes.all_pids():
        if fields := _processes.stat(pid):
            rows.append(Row(pid, int(fields[1]), int(fields[3]), int(fields[21]) * page))
    return rows


def members(leader: int, table: list[Row]) -> list[Row]:
    """The processes of a trial: its session, and descendants that left it."""
    chosen = {row.pid for row in table if leader in (row.pid, row.session)}
    while more := {row.pid for row in table if row.parent in chosen} - chosen:
        chosen |= more
    return [row for row in table if row.pid in chosen]


def resident(leader: int, table: list[Row]) -> int:
    """Bytes that a trial's processes have in memory; too much where they share."""
    return sum(row.resident for row in members(leader, table))


def proportional(leader: int, table: list[Row]) -> int:
    """The same, with what several processes share counted once. Slow: only asked before a trial is killed for it."""
    return sum(_proportional(row) for row in members(leader, table))


def in_words(number: int) -> str:
    """A number of bytes for people."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g} {_UNITS[unit]}"


def _proportional(row: Row) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{row.pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return row.resident


def _read_table_elsewhere() -> list[Row]:
    rows = []
    for process in psutil.process_iter(["ppid", "memory_info"]):
        with contextlib.suppress(OSError):
            memory = process.info["memory_info"]
            rows.append(
                Row(process.pid, process.info["ppid"] or 0, os.getsid(process.pid), memory.rss if memory else 0)
            )
    return rows
