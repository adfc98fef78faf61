"""A local launcher for each test, and nothing left behind after it."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from tests.local_place import Place, eventually, processes_of


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Path]:
    """A folder; whatever still runs in it after the test is a fault, and is killed."""
    yield tmp_path
    clean = eventually(lambda: not processes_of(tmp_path))
    left = processes_of(tmp_path)
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
    assert clean, left


@pytest_asyncio.fixture
async def place(house: Path) -> AsyncIterator[Place]:
    place = Place(house)
    yield place
    await place.launcher.close()
    for runner in place.runners():
        with suppress(psutil.NoSuchProcess):
            runner.terminate()  # it leaves once its trials have ended
