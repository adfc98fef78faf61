"""The API and its description, held against one another by a program that nobody here wrote."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from tests.house import House, until
from tests.needs import missing
from tests.running import job
from tests.ui.conftest import Make, Served


async def test_the_description_is_whole(dashboard: Make) -> None:
    found = (await dashboard().get("/api/v1/openapi.json")).json()
    for path, methods in found["paths"].items():
        assert path.startswith("/api/v1/"), path
        for method, told in methods.items():
            assert told["summary"], (method, path)
            assert told["description"].endswith("."), (method, path)


async def test_what_is_not_done_at_a_path_is_said_with_what_is(dashboard: Make) -> None:
    answer = await dashboard().put("/api/v1/studies")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_an_id_names_one_change_of_one_thing(dashboard: Make, manager: Served) -> None:
    manager.create("named")
    manager.ended("named")
    client, headers = dashboard(), {"x-request-id": "the-same"}
    path = "/api/v1/studies/default/named"
    edited = await client.patch(path, json={"labels": {"a": "b"}}, headers=headers)
    again = await client.patch(path, json={"labels": {"a": "b"}}, headers=headers)
    assert edited.json()["generation"] == again.json()["generation"] == 2
    assert (await client.post(f"{path}/trials/99/stop", headers=headers)).status_code == 404


@pytest.mark.timeout(300)
def test_nothing_is_found_by_schemathesis(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Texts are left out of one check: no description of JSON can say which of them are StudyJobs."""
    if find_spec("schemathesis") is None:
        missing("schemathesis")
    house = House(tmp_path_factory.mktemp("schema"))
    process = house.module("tunesmith.ui", "serve", "--listen", "127.0.0.1:0", "--no-login")
    try:
        address = until(lambda: _address(house))
        house.write("s.json", json.dumps(job("seen")))
        house("run", "s.json")
        done = subprocess.run(_command(address), capture_output=True, text=True, cwd=house.folder, timeout=280)
        assert done.returncode == 0, done.stdout[-8000:]
    finally:
        house.close()
        process.communicate()


def _command(address: str) -> list[str]:
    options = {
        "--phases": "coverage,fuzzing",
        "--max-examples": "4",
        "--exclude-path-regex": "stream",  # they do not end
        "--exclude-checks": "positive_data_acceptance",
        "--seed": "1",
        "--request-timeout": "30",
    }
    run = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json"]
    return [*run, *(word for pair in options.items() for word in pair)]


def _address(house: House) -> str | None:
    """Where the house's dashboard listens."""
    for process in house.processes("tunesmith.ui"):
        for connection in process.net_connections(kind="tcp"):
            if connection.status == "LISTEN":
                return f"http://127.0.0.1:{connection.laddr.port}"
    return None
