import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from tunesmith.services import errors, local
from tunesmith.services._platform import check_platform
from tunesmith.services.local import FileLock

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Folders


def test_the_state_folder_is_private_and_out_of_gits_sight(tmp_path: Path) -> None:
    folder = local.state_folder(tmp_path)
    assert folder == tmp_path / ".tunesmith"
    assert mode(folder) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    (folder / ".gitignore").write_text("mine\n")
    folder.chmod(0o755)
    assert local.state_folder(tmp_path) == folder
    assert mode(folder) == 0o700
    assert (folder / ".gitignore").read_text() == "mine\n"


def test_the_state_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big-disk").mkdir(mode=0o700)
    (tmp_path / ".tunesmith").symlink_to("big-disk")
    assert local.state_folder(tmp_path) == tmp_path / "big-disk"


def test_a_file_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / ".tunesmith").write_text("")
    with pytest.raises(errors.Forbidden, match="must be a folder"):
        local.state_folder(tmp_path)


@ROOT
def test_the_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(local.state_folder(tmp_path), NOBODY, NOBODY)
    with pytest.raises(errors.Forbidden, match="owned by user 65534"):
        local.state_folder(tmp_path)


def test_the_socket_folder_is_private_and_the_folders_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    one, other = local.socket_folder(tmp_path / "one"), local.socket_folder(tmp_path / "other")
    assert one != other
    assert one == local.socket_folder(tmp_path / "other" / ".." / "one")
    assert mode(one) == 0o700
    assert one.name.startswith(f"tunesmith-{os.getuid()}-")


def test_the_socket_folder_is_never_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = local.socket_folder(tmp_path)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.Forbidden, match="symbolic link"):
        local.socket_folder(tmp_path)


@ROOT
def test_the_socket_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    os.chown(local.socket_folder(tmp_path), NOBODY, NOBODY)
    with pytest.raises(errors.Forbidden, match="owned by user 65534"):
        local.socket_folder(tmp_path)


@ROOT
def test_a_runtime_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    os.chown(tmp_path, NOBODY, NOBODY)
    folder = local.socket_folder(tmp_path)
    assert folder.parent != tmp_path
    folder.rmdir()


def test_a_long_runtime_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / ("x" * 60)
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    folder = local.socket_folder(tmp_path)
    assert folder.parent == Path("/tmp")
    folder.rmdir()


# Files


def test_a_private_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    local.write_private(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "token"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.FreeSpace, match="is full"):
        local.write_private(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]
    assert path.read_text() == "old"


# Processes and places


def test_a_process_is_known_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = local.process(child.pid)
        assert found is not None
        assert found.alive()
        assert not replace(found, start_time=found.start_time - 1).alive()
        assert not replace(found, boot_id="another").alive()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not found.alive()  # a zombie now
    finally:
        child.communicate()
    assert local.process(child.pid) is None


def test_a_place_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert local.read_place(tmp_path) is None
    place = local.this_place("unix:/run/s")
    local.write_place(tmp_path, place)
    assert local.read_place(tmp_path) == place
    assert place.process == local.process()
    local.remove_place(tmp_path)
    assert local.read_place(tmp_path) is None
    local.remove_place(tmp_path)


def test_the_place_of_a_process_that_is_gone_is_stale(tmp_path: Path) -> None:
    place = local.this_place("unix:/run/s")
    local.write_place(tmp_path, replace(place, start_time=place.start_time - 1))
    assert local.read_place(tmp_path) is None


def test_a_place_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    parent = local.process(os.getppid())
    assert parent is not None
    place = replace(local.this_place("unix:/run/s"), pid=parent.pid, start_time=parent.start_time)
    local.write_place(tmp_path, place)
    local.remove_place(tmp_path)
    assert local.read_place(tmp_path) == place


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}', '{"a": 1}', "3"])
def test_a_damaged_place_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manager.json").write_text(text)
    assert local.read_place(tmp_path) is None


@ROOT
def test_a_place_that_another_user_wrote_is_refused(tmp_path: Path) -> None:
    local.write_place(tmp_path, local.this_place("unix:/run/s"))
    os.chown(tmp_path / "manager.json", NOBODY, NOBODY)
    with pytest.raises(errors.Forbidden, match="owned by"):
        local.read_place(tmp_path)


# Lock


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    one.release()
    assert other.acquire()
    other.release()
    assert mode(tmp_path / "lock") == 0o600


def test_a_lock_knows_when_its_file_was_removed(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert not lock.in_place()
    assert lock.acquire()
    assert lock.in_place()
    (tmp_path / "lock").unlink()
    assert not lock.in_place()
    other = FileLock(tmp_path / "lock")
    assert other.acquire()
    assert (lock.in_place(), other.in_place()) == (False, True)
    lock.release()
    other.release()
    assert not other.in_place()


def test_a_lock_ends_with_its_process_and_is_not_inherited(tmp_path: Path) -> None:
    code = f"""
        import subprocess, sys
        from pathlib import Path
        from tunesmith.services.local import FileLock
        assert FileLock(Path({str(tmp_path / "lock")!r})).acquire() is True or sys.exit(1)
        kept = FileLock(Path({str(tmp_path / "lock2")!r}))
        assert kept.acquire()
        grandchild = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
        print(grandchild.pid, flush=True)
        input()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    lock = FileLock(tmp_path / "lock2")
    try:
        assert not lock.acquire()
        child.kill()
        child.communicate()
        assert lock.acquire()
    finally:
        lock.release()
        child.kill()
        os.kill(grandchild, signal.SIGKILL)


# Platform


def test_windows_is_told_of_wsl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_platform()
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(errors.NotOffered, match="WSL"):
        check_platform()
    with pytest.raises(errors.NotOffered, match="WSL"):
        local.state_folder(tmp_path)
