"""Socket folders go with their last user, whoever is killed or comes meanwhile."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.services import local, sockets
from tunesmith.services.sockets import USE, Sockets

HOLD = """
import sys; from pathlib import Path; from tunesmith.services.sockets import Sockets
held = Sockets.of(Path(sys.argv[1])); (held.path / "manager.sock").touch(); print(held.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where all socket folders of these tests lie; its path is short."""
    with tempfile.TemporaryDirectory(prefix="ts-") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        monkeypatch.setattr(local, "_bases", lambda: [Path(name)])
        monkeypatch.setattr(local, "_LAST_BASE", Path(name))
        yield Path(name)


def held(folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == os.fsencode(local.socket_folder(folder))
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_the_last_user_removes_it(tmp_path: Path, runtime: Path) -> None:
    one, other = Sockets.of(tmp_path), Sockets.of(tmp_path)
    assert one.path == other.path == local.socket_folder(tmp_path)
    (one.path / "manager.sock").touch()
    assert not one.leave()
    assert (other.path / "manager.sock").exists()
    assert other.leave()
    assert list(runtime.iterdir()) == []
    assert not other.leave()


def test_another_process_is_a_user_until_it_is_killed(tmp_path: Path, runtime: Path) -> None:
    process = held(tmp_path)
    mine = Sockets.of(tmp_path)
    assert not mine.leave()
    mine = Sockets.of(tmp_path)
    end(process)
    assert mine.leave()
    assert list(runtime.iterdir()) == []


def test_one_that_somebody_else_removed_is_not_removed_again(tmp_path: Path) -> None:
    mine = Sockets.of(tmp_path)
    (mine.path / USE).unlink()
    other = Sockets.of(tmp_path)
    assert not mine.leave()
    assert (other.path / USE).exists()
    assert other.leave()


def test_nobody_has_a_folder_that_another_removes(tmp_path: Path) -> None:
    """Whoever has it can make a socket in it, however many come and go."""
    faults: list[BaseException] = []

    def come_and_go(name: str) -> None:
        try:
            for _ in range(150):
                mine = Sockets.of(tmp_path)
                (mine.path / name).touch()
                assert (mine.path / name).exists()
                mine.leave()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=come_and_go, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_what_killed_processes_left_is_removed(tmp_path: Path, runtime: Path) -> None:
    dead, alive = held(tmp_path / "dead"), held(tmp_path / "alive")
    end(dead)
    (runtime / f"tunesmith-{os.getuid()}-0123").mkdir()  # nobody ever said that it is used
    (runtime / f"tunesmith-{os.getuid()}-link").symlink_to(local.socket_folder(tmp_path / "dead"))
    (runtime / "tunesmith-elsewhere").mkdir()
    assert sockets.remove_unused() == 1
    left = {path.name for path in runtime.iterdir()}
    assert left == {
        local.socket_folder(tmp_path / "alive").name,
        f"tunesmith-{os.getuid()}-0123",
        f"tunesmith-{os.getuid()}-link",
        "tunesmith-elsewhere",
    }
    end(alive)
    assert sockets.remove_unused() == 1
