"""Every test here uses the command in a folder of its own, and leaves no process behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.close()
