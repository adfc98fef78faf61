"""A manager in a process of its own, and a stub that talks to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house import House, until
from tests.running import Running

from tunesmith.services.channel import open_sync_channel
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("manager")
    house = House(folder)
    process = house.module("tunesmith.manager", "serve", "--warm")
    place = folder / ".tunesmith" / "manager.json"
    try:
        until(place.exists)
        address = json.loads(place.read_text())["address"]
        with open_sync_channel(address) as channel:
            yield Running(house, address, ManagerServiceStub(channel))
    finally:
        house.close()
        process.communicate()
