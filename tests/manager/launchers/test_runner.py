"""Parts of the runner that are hard to reach from outside."""

import errno
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tunesmith.manager.launchers._link import RUNNER
from tunesmith.manager.launchers._runner import _connection, _processes, _trials
from tunesmith.manager.launchers._runner._connection import Connection
from tunesmith.manager.launchers._runner._files import read_record, write_record
from tunesmith.manager.launchers._runner._records import Records
from tunesmith.manager.launchers._runner._spawn import Order


def order(folder: Path, *command: str) -> Order:
    return Order(str(folder), list(command), {b"PATH": os.environb[b"PATH"]}, "/")


class Runner:
    """Trials in this process."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.trials = _trials.Trials(self.told.__setitem__, print)

    def end(self, folder: Path) -> dict[str, Any]:
        for _ in range(500):
            self.trials.reap()
            if str(folder) in self.told:
                return self.told[str(folder)]
            time.sleep(0.01)
        raise TimeoutError


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(_processes, "become_subreaper", lambda: True)
    monkeypatch.setattr(_trials, "kill_strays", lambda _pids, _folders: set())  # this process has other children
    return Runner()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_a_machine_without_means_leaves_no_claim(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_spawn", fail)
        with pytest.raises(OSError, match=os.strerror(number)):
            runner.trials.launch(order(tmp_path, "true"), {})
    assert not (tmp_path / "claim").exists()
    assert runner.trials.idle
    assert runner.trials.launch(order(tmp_path, "true"), {})["state"] == "started"
    assert runner.end(tmp_path)["status"] == 0


def test_what_the_kernel_says_of_memory_makes_the_class(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = [_processes.oom_kills()]
    monkeypatch.setattr(_processes, "oom_kills", lambda: kills[-1])
    for name, killed, failure in (("a", False, ""), ("b", True, "outOfMemory"), ("c", False, "")):
        if killed:
            kills.append(kills[-1] + 1)
        runner.trials.launch(order(tmp_path / name, "sh", "-c", "kill -9 $$"), {})
        assert runner.end(tmp_path / name)["failure"] == failure


def test_the_kernels_count_is_read() -> None:
    assert _processes.oom_kills() >= 0


def test_a_manager_that_does_not_listen_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_connection, "_TOO_FAR_BEHIND", 1 << 20)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours)
        for _ in range(200):
            connection.write({"exit": "x" * 10_000})
        assert connection.closed
        assert connection.behind


def test_half_a_line_was_never_said() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        connection = Connection(ours)
        theirs.sendall(b'{"a": 1}\n{"b"')
        assert connection.read() == [b'{"a": 1}']
        theirs.sendall(b": 2}\n{")
        assert connection.read() == [b'{"b": 2}']
        theirs.close()
        assert connection.read() == []
        assert connection.closed


def test_records_of_a_deleted_folder_are_not_kept(tmp_path: Path) -> None:
    records = Records(print)
    records.put(str(tmp_path / "gone"), {"status": 0})
    assert records.due == float("inf")


def test_a_record_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(str(tmp_path), "exit.json", {"status": 1})
    monkeypatch.setattr(os, "write", lambda _descriptor, data: len(data) - 1)
    with pytest.raises(OSError, match="No space"):
        write_record(str(tmp_path), "exit.json", {"status": 2})
    assert os.listdir(tmp_path) == ["exit.json"]
    assert read_record(tmp_path, "exit.json") == {"status": 1}


def test_it_imports_the_standard_library_only(tmp_path: Path) -> None:
    """All at once, too: what it runs on may be upgraded under its feet."""
    script = (
        f"import runpy, sys; sys.argv = ['runner', '{tmp_path}/none', '1']\n"
        f"try: runpy.run_path({str(RUNNER)!r}, run_name='__main__')\nexcept FileNotFoundError: pass\n"
        "print(*(name for name, at in sys.modules.items() if 'tunesmith' in name or 'site-packages' in repr(at)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    own = [f"tunesmith.manager.launchers._runner.{path.stem}" for path in RUNNER.glob("_[a-z]*.py")]
    parents = ["tunesmith", "tunesmith.manager", "tunesmith.manager.launchers", "tunesmith.manager.launchers._runner"]
    assert sorted(done.stdout.split()) == sorted([*parents, *own])
