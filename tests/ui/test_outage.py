"""The manager goes and comes back while pages are open; viewers leave."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.house import House
from tests.running import job

from tunesmith.client import _local
from tunesmith.ui._app import create_app
from tunesmith.ui._desk import Desk
from tunesmith.ui._serve import Serving, listener_of, server_of
from tunesmith.ui._settings import Settings

SLOW = "import time; print('loss=1', flush=True); time.sleep(60)"
STREAM = "/api/v1/studies/default/slow/stream"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.write("slow.json", json.dumps(job("slow", SLOW)))
    made("submit", "slow.json")
    yield made
    made.close()
    for child, _ in _local._STARTED.values():
        child.wait()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """A dashboard at a port of this process, and a client of it."""
    app = create_app(Settings(folder, login=False))
    serving = Serving("127.0.0.1:0")
    listener = listener_of(serving.address)
    server = server_of(app, serving)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=base, timeout=60) as client:
            yield client, app.state.desk
    finally:
        server.should_exit = True
        await task


async def kinds(answer: httpx.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            yield line.removeprefix("event: ")


async def heard(events: AsyncIterator[str], *wanted: str) -> None:
    """Read on until each of these has come, in this order; the stream must not end."""
    for kind in wanted:
        async with asyncio.timeout(40):
            async for one in events:
                assert one not in ("end", "problem"), one
                if one == kind:
                    break
            else:
                pytest.fail(f"the stream ended before {kind}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_pages_that_are_open_outlive_their_manager(house: House, number: int) -> None:
    """Both kinds of streams go on with the next manager, while other calls meet the one that is gone."""
    async with (
        served(house.folder) as (client, _),
        client.stream("GET", STREAM) as one,
        client.stream("GET", "/api/v1/stream") as many,
    ):
        study, every = kinds(one), kinds(many)
        await heard(study, "study")
        await heard(every, "changed")
        [process] = house.processes("tunesmith.manager", "serve")
        process.send_signal(number)
        answers = await asyncio.gather(*(client.get("/api/v1/studies") for _ in range(8)))
        assert {answer.status_code for answer in answers} <= {200, 503}
        await heard(study, "lost", "study")
        again = await client.get("/api/v1/studies/default/slow")
        assert (again.status_code, again.json()["state"]) == (200, "Running")
        await client.post("/api/v1/studies/default/slow/pause")
        await heard(study, "study")
        await heard(every, "changed")


async def test_nothing_is_asked_for_viewers_who_left(house: House) -> None:
    async with served(house.folder) as (client, desk):
        for path in (STREAM, "/api/v1/stream"):
            async with client.stream("GET", path) as answer:
                await heard(kinds(answer), "study" if path == STREAM else "changed")
        shared: list[Any] = [*desk.live._studies.values(), *desk.live._lists.values()]
        assert len(shared) == 2
        async with asyncio.timeout(10):
            await asyncio.gather(*(one._task for one in shared), return_exceptions=True)
