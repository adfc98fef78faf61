"""A full disk: nothing is half launched, and no exit is lost."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.local_place import Place, eventually

from tunesmith.manager.launchers import Launch
from tunesmith.services.errors import FreeSpace


@pytest.fixture
def small(house: Path) -> Iterator[Path]:
    """A disk of 64 KiB and 64 files."""
    disk = house / "disk"
    disk.mkdir()
    options = "size=64k,nr_inodes=64"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)], capture_output=True)
    if mounted.returncode:
        reason = f"a disk of 64 KiB needs the right to mount one: {mounted.stderr.decode().strip()}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte; the file returned frees them."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(1000):
            file.write(b"x" * 512)
        pytest.fail("the disk has no end")
    return filler


def fill_with_files(disk: Path) -> None:
    with contextlib.suppress(OSError):
        for number in range(1000):
            (disk / f"file{number}").touch()
        pytest.fail("the disk has no end")


def empty(disk: Path) -> None:
    for file in disk.glob("fil*"):
        file.unlink()


async def test_nothing_is_launched_and_nothing_claimed(small: Path, place: Place) -> None:
    filler = fill(small)
    launch = Launch("t", 1, small / "t" / "1", ("true",))
    with pytest.raises(FreeSpace, match=r"the disk of .* is full"):
        await place.launcher.launch(launch)
    assert not (small / "t" / "1" / "claim").exists()
    assert not await place.launcher.adopt("t", 1, launch.folder)
    assert await place.no_exit(0.1)
    filler.unlink()
    await place.launcher.launch(launch)
    assert (await place.next_exit()).status == 0


async def test_an_exit_is_told_at_once_and_written_when_there_is_room(small: Path, place: Place) -> None:
    folder = small / "t" / "1"
    script = "echo; while ! test -e go; do sleep 0.02; done; exit 3"
    await place.launcher.launch(Launch("t", 1, folder, ("sh", "-c", script)))
    assert eventually(lambda: (folder / "output.log").stat().st_size > 0)
    (folder / "go").touch()
    filler = fill(small)
    assert (await place.next_exit()).status == 3
    await place.replace()
    assert await place.launcher.adopt("t", 1, folder)
    assert (await place.next_exit()).status == 3
    assert not (folder / "exit.json").exists()
    filler.unlink()
    assert eventually((folder / "exit.json").exists)
    assert json.loads((folder / "exit.json").read_text())["status"] == 3


async def test_a_runner_cannot_start_on_a_full_disk(small: Path, place: Place) -> None:
    (small / "run").mkdir()
    place.runtime = small / "run"
    fill(small)
    fill_with_files(small)
    await place.replace()
    with pytest.raises(FreeSpace, match="cannot be started"):
        await place.launcher.start()
    empty(small)
    await place.launcher.start()
