"""The runner removes the folder of its socket when it is the last that uses it."""

import fcntl
from pathlib import Path

import pytest
from tests.local_place import Place, eventually

from tunesmith.manager.launchers import LauncherContext
from tunesmith.manager.launchers._runner._files import USE
from tunesmith.manager.launchers.local import LocalLauncher
from tunesmith.services import sockets


def test_one_name_for_the_lock() -> None:
    assert USE == sockets.USE


@pytest.mark.parametrize("killed", [False, True])
async def test_the_last_runner_removes_it(place: Place, killed: bool) -> None:
    (place.runtime / USE).touch()
    (place.runtime / "manager.sock").touch()  # of a manager that was killed
    await place.run("t", "true")
    if killed:
        for guard in place.guards():
            guard.kill()
    assert (place.runtime / "manager.sock").exists()
    await place.launcher.close()
    assert eventually(lambda: not place.runtime.exists())


async def test_a_runner_leaves_it_to_others_that_use_it(place: Place) -> None:
    with (place.runtime / USE).open("w") as use:
        fcntl.flock(use, fcntl.LOCK_SH)
        await place.run("t", "true")
        await place.launcher.close()
        assert eventually(lambda: not place.runners())
        assert (place.runtime / USE).exists()


async def test_a_runner_leaves_one_that_is_anothers_by_now(place: Place) -> None:
    (place.runtime / USE).touch()
    await place.run("t", "true")
    (place.runtime / USE).unlink()
    (place.runtime / USE).touch()
    await place.launcher.close()
    assert eventually(lambda: not place.runners())
    assert (place.runtime / USE).exists()


async def test_where_nobody_says_that_it_is_used_it_stays(place: Place) -> None:
    await place.run("t", "true")
    await place.launcher.close()
    assert eventually(lambda: not place.runners())
    assert place.runtime.exists()


async def test_the_log_may_lie_elsewhere(place: Place, tmp_path: Path) -> None:
    launcher = LocalLauncher(LauncherContext(place.runtime, logs=tmp_path), idle=0.2)
    await launcher.start()
    assert " serves " in (tmp_path / "runner.log").read_text()
    assert not (place.runtime / "runner.log").exists()
    await launcher.close()
