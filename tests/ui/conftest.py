"""A manager in a process of its own with a few studies, and dashboards in this process that talk to it."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.house import House
from tests.running import Running

from tunesmith.services.channel import open_sync_channel
from tunesmith.ui._app import create_app
from tunesmith.ui._settings import Settings
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

HOST = "http://127.0.0.1:8080"


Make = Callable[..., httpx.AsyncClient]
"""Makes a client of a new dashboard."""


@dataclass
class Served(Running):
    """A manager that answers on TCP too, at `tcp`, where it asks for the folder's token."""

    tcp: str = ""

    @property
    def token(self) -> str:
        return (self.house.folder / ".tunesmith" / "token").read_text().strip()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A manager with two studies that have ended."""
    house = House(tmp_path_factory.mktemp("ui"))
    process = house.module("tunesmith.manager", "serve", "--warm", "--listen", "127.0.0.1:0")
    try:
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith("serving at "))
        address, tcp = said.removeprefix("serving at ").strip().split(", ")
        with open_sync_channel(address) as channel:
            served = Served(house, address, ManagerServiceStub(channel), tcp)
            served.create("first")
            served.ended("first")
            served.create("second", script="print('loss=2')\nprint('depth=3')")
            served.ended("second")
            yield served
    finally:
        house.close()
        process.communicate()


@pytest.fixture
async def dashboard(manager: Served) -> AsyncIterator[Make]:
    """Makes clients of dashboards: `dashboard()` sends the folder's token, `dashboard(token=None)` sends none."""
    async with AsyncExitStack() as stack:

        def make(token: str | None = manager.token, **changes: Any) -> httpx.AsyncClient:
            app = create_app(Settings(**{"folder": manager.house.folder, "server": manager.address, **changes}))
            stack.push_async_callback(app.state.desk.close)
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, headers=headers)
            stack.push_async_exit(client)
            return client

        yield make


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller's environment says of managers is not for tests."""
    for name in [name for name in os.environ if name.startswith("TUNESMITH_")]:
        monkeypatch.delenv(name)
