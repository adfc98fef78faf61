"""The copy of a parent's checkpoint."""

import asyncio
import errno
import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tunesmith.manager._inherit import inherit
from tunesmith.services.errors import FreeSpace


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    folder = tmp_path / "parent" / "checkpoint"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"\0" * 1000)
    (folder / "deep" / "er" / "state.json").write_text("{}")
    (folder / "latest").symlink_to("model.bin")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def child(tmp_path: Path) -> Path:
    return tmp_path / "child" / "checkpoint"


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


async def test_it_is_whole_and_a_copy(parent: Path, child: Path) -> None:
    await inherit(parent, child)
    assert names(child) == ["deep/er/state.json", "latest", "model.bin"]
    assert os.readlink(child / "latest") == "model.bin"
    (child / "model.bin").write_bytes(b"mine")
    assert (parent / "model.bin").stat().st_size == 1000
    assert [path.name for path in child.parent.iterdir()] == ["checkpoint"]


async def test_what_the_child_has_is_left_alone(parent: Path, child: Path) -> None:
    os.makedirs(child)
    (child / "mine").touch()
    await inherit(parent, child)
    assert names(child) == ["mine"]


async def test_a_parent_without_a_checkpoint_gives_none(tmp_path: Path, child: Path) -> None:
    await inherit(tmp_path / "nobody" / "checkpoint", child)
    assert not child.parent.exists()


async def test_what_a_manager_that_died_left_is_no_checkpoint(parent: Path, child: Path) -> None:
    half = child.parent / "checkpoint.1-abc"
    half.mkdir(parents=True)
    (half / "model.bin").write_bytes(b"half")
    await inherit(parent, child)
    assert (child / "model.bin").stat().st_size == 1000
    assert [path.name for path in child.parent.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("failing", ["copy2", "rename"])
async def test_a_full_disk_is_told_and_leaves_nothing(
    parent: Path, child: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((shutil, "copy2") if failing == "copy2" else (os, "rename")), full)
    with pytest.raises(FreeSpace, match=r"cannot be copied: .*No space left"):
        await inherit(parent, child)
    assert list(child.parent.iterdir()) == []
    monkeypatch.undo()
    await inherit(parent, child)
    assert len(names(child)) == 3


async def test_what_cannot_be_read_is_no_checkpoint(
    parent: Path, child: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(shutil, "copy2", denied)
    with caplog.at_level(logging.WARNING):
        await inherit(parent, child)
    assert list(child.parent.iterdir()) == []
    assert "starts without the checkpoint of its parent" in caplog.text


async def test_nobody_waits_for_a_copy_that_is_not_wanted_any_more(
    parent: Path, child: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real, copied = shutil.copy2, []

    def slow(source: str, target: str) -> None:
        begun.set()
        go_on.wait(10)
        copied.append(real(source, target))

    monkeypatch.setattr(shutil, "copy2", slow)
    task = asyncio.create_task(inherit(parent, child))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()  # waits for the thread
    assert list(child.parent.iterdir()) == []
    assert len(copied) == 1
