"""The local manager is found, started once, and its death is told."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from tunesmith.client import _command, _local
from tunesmith.client._errors import Exit, ManagerDied, NoStudiesHere, error_lines, exit_code
from tunesmith.services import errors, local

STUB = Path(__file__).with_name("stub_manager.py")


@pytest.fixture
def how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """How a started manager behaves."""
    behaviour = {"how": "well"}
    monkeypatch.setattr(_local, "_command", lambda folder: [sys.executable, str(STUB), str(folder), behaviour["how"]])
    yield behaviour
    kill_started()
    _local._STARTED.clear()
    for pid in starts(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def starts(base: Path) -> list[int]:
    path = base / ".tunesmith" / "starts"
    return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


def kill_started() -> None:
    for child, _ in _local._STARTED.values():
        child.kill()
        child.wait()


def test_one_is_started_and_found_again(tmp_path: Path, how: dict[str, str]) -> None:
    address = _local.reach(tmp_path)
    assert address.startswith("unix:")
    assert _local.reach(tmp_path) == address
    assert len(starts(tmp_path)) == 1
    assert (tmp_path / ".tunesmith" / "manager.log").stat().st_mode & 0o777 == 0o600


def test_it_is_out_of_reach_of_the_terminal(tmp_path: Path, how: dict[str, str]) -> None:
    _local.reach(tmp_path)
    (pid,) = starts(tmp_path)
    assert os.getsid(pid) == pid != os.getsid(0)


def test_begun_is_waited_for_and_not_started_twice(
    tmp_path: Path, how: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    how["how"] = "slow"
    monkeypatch.setattr(_local, "_command", lambda folder: [sys.executable, str(STUB), str(folder), "slow"])
    _local.begin(tmp_path)
    _local.reach(tmp_path)
    assert len(starts(tmp_path)) == 1


def test_a_killed_one_is_started_again(tmp_path: Path, how: dict[str, str]) -> None:
    address = _local.reach(tmp_path)
    kill_started()
    assert _local.reach(tmp_path) == address
    assert len(starts(tmp_path)) == 2


def test_several_at_once_share_one(tmp_path: Path, how: dict[str, str]) -> None:
    how["how"] = "slow"
    code = f"""
import sys
from pathlib import Path
from tunesmith.client import _local
_local._command = lambda folder: [sys.executable, {str(STUB)!r}, str(folder), "slow"]
print(_local.reach(Path({str(tmp_path)!r})))
"""
    import subprocess

    def one(_: int) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1
    place = local.read_place(tmp_path / ".tunesmith")
    assert place is not None
    assert place.pid in starts(tmp_path)


def test_death_is_told_with_the_last_words(tmp_path: Path, how: dict[str, str]) -> None:
    how["how"] = "dies"
    with pytest.raises(ManagerDied, match="it ended with status 1") as caught:
        _local.reach(tmp_path)
    lines = error_lines(caught.value)
    assert "  Traceback: the database says\\x1b[31m no" in lines
    assert exit_code(caught.value) is Exit.UNREACHABLE


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("killed", ["its last words:", "  opening the database"]),
        ("mute", ["It wrote nothing into FOLDER/manager.log."]),
    ],
)
def test_killed_while_it_starts_is_told(
    tmp_path: Path, how: dict[str, str], monkeypatch: pytest.MonkeyPatch, behaviour: str, told: list[str]
) -> None:
    how["how"] = behaviour
    (tmp_path / ".tunesmith").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("TUNESMITH_SERVER", "TUNESMITH_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    with CliRunner().isolation() as (out, err, _):
        assert _command.run(["get", "studies"]) == 3
        assert out.getvalue() == b""
        lines = err.getvalue().decode().replace(str(tmp_path / ".tunesmith"), "FOLDER").splitlines()
    assert lines == ["error: the manager could not be started: signal 9 ended it", *told]


def test_silence_is_told(tmp_path: Path, how: dict[str, str]) -> None:
    how["how"] = "hangs"
    with pytest.raises(ManagerDied, match=r"did not answer within 0.6 seconds"):
        _local.reach(tmp_path, ready=0.6)


def test_no_folder_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(NoStudiesHere, match="no studies here"):
        _local.reach(tmp_path, create=False)
    assert not (tmp_path / ".tunesmith").exists()


def test_the_database_is_remembered_and_told_in_the_environment(tmp_path: Path, how: dict[str, str]) -> None:
    url = "postgresql://tuner:secret@db/x"
    _local.reach(tmp_path, database=url)
    memory = tmp_path / ".tunesmith" / "database"
    assert memory.read_text().strip() == url
    assert memory.stat().st_mode & 0o777 == 0o600
    assert _local.reach(tmp_path, database=url) == _local.reach(tmp_path)
    with pytest.raises(errors.NotNow, match="another database"):
        _local.reach(tmp_path, database="postgresql://elsewhere/x")
    kill_started()
    _local.reach(tmp_path)
    assert [line.split()[1] for line in (tmp_path / ".tunesmith" / "starts").read_text().splitlines()] == [url, url]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".tunesmith").write_text("")
    with pytest.raises(errors.TunesmithError):
        _local.reach(tmp_path)


def test_a_full_disk_is_exit_code_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(base: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local, "state_folder", full)
    with pytest.raises(errors.FreeSpace) as caught:
        _local.reach(tmp_path)
    assert exit_code(caught.value) is Exit.PLATFORM_FAILED
