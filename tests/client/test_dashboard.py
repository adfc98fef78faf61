"""`--dashboard`: where it is is said before anything else, and whoever asked for one does not go on without it."""

import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.certificates import certificate
from tests.client.conftest import Command
from tests.client.test_display import on_a_terminal
from tests.house import House
from tests.running import job

SLOW = "import time; time.sleep(0.3); print('loss=1', flush=True)"


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    """The current folder, with a quick study."""
    made = House(folder)
    made.write("s.json", json.dumps(job("s", SLOW, limits={"trials": 4, "parallel": 1})))
    yield made
    made.close()


def test_its_address_stays_on_a_terminal(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE", house.env["HOUSE"])
    code, text = on_a_terminal("run", "s.json", "--dashboard")
    assert (code, text.count("/login?key=")) == (0, 1)
    assert text.index("/login?key=") < text.index("\x1b[2K"), "the display, painted anew, wipes it away"


def test_without_its_packages_nothing_is_run(house: House) -> None:
    house.write("without/fastapi.py", "raise ModuleNotFoundError('No module named fastapi', name='fastapi')")
    house.env["PYTHONPATH"] = str(house.folder / "without")
    done = house("run", "s.json", "--dashboard", check=2)
    assert "the dashboard needs fastapi: pip install 'tunesmith[ui]'" in done.stderr
    assert "error: the dashboard could not be started: it ended with status 2" in done.stderr
    assert house.json("get", "studies") == []


def test_nothing_is_served_where_its_port_is_taken(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = house("serve", "--listen", "127.0.0.1:0", "--dashboard", address, check=2)
    assert f"another process listens at {address}" in done.stderr
    assert not (house.folder / ".tunesmith" / "manager.json").exists()


def test_a_folder_of_another_name_is_refused(house: House) -> None:
    done = house("serve", "--folder", "state", "--dashboard", check=2)
    assert "--dashboard needs a folder that is called .tunesmith, but got" in done.stderr
    assert not (house.folder / "state").exists()


def said_by(house: House, *words: str) -> str:
    """What `serve` says until it serves."""
    with house.start("serve", "--listen", "127.0.0.1:0", *words) as server:
        assert server.stdout is not None
        lines = list[str]()
        for line in server.stdout:
            lines.append(line)
            if line.startswith("serving at"):
                break
        server.terminate()
        server.communicate(timeout=60)
    return "".join(lines)


def test_serve_brings_it_unless_told_otherwise(house: House) -> None:
    assert "ashboard" not in said_by(house)  # as the tests' environment tells it
    del house.env["TUNESMITH_NO_DASHBOARD"]
    with socket.create_server(("127.0.0.1", 8080)) if free(8080) else nullcontext():
        said = said_by(house)
    assert "Without a dashboard: the dashboard could not be started" in said
    assert "--dashboard ADDRESS names another place\n" in said
    assert "ashboard" not in said_by(house, "--no-dashboard")
    done = house("serve", "--no-dashboard", "--dashboard", check=2)
    assert "--dashboard and --no-dashboard exclude one another" in done.stderr


def free(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0


def test_serve_says_how_to_get_it(house: House) -> None:
    house.write("sitecustomize.py", "import sys\nsys.modules['fastapi'] = None")
    house.env["PYTHONPATH"] = str(house.folder)
    del house.env["TUNESMITH_NO_DASHBOARD"]
    assert said_by(house).startswith("Without a dashboard: pip install 'tunesmith[ui]' brings it, and --no-dashboard")


def test_detached_nothing_is_begun(command: Command, folder: Path) -> None:
    done = command("run", "study.yaml", "--detach", "--dashboard")
    assert (done.code, "does not go with --detach" in done.err) == (2, True)
    assert not (folder / ".tunesmith").exists()


def test_it_trusts_whom_the_command_trusts(house: House, tmp_path: Path) -> None:
    made = certificate(tmp_path / "tls")
    with house.start(
        *(
            "serve",
            "--no-dashboard",
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            str(made.cert),
            "--tls-key",
            str(made.key),
        )
    ) as server:
        assert server.stdout is not None
        line = next(line for line in server.stdout if line.startswith("serving at"))
        house.env["TUNESMITH_TOKEN"] = (house.folder / ".tunesmith" / "token").read_text().strip()
        house.write("long.json", json.dumps(job("long", "import time; time.sleep(60)")))
        words = ["run", "long.json", "--server", line.split()[-1], "--ca", str(made.cert), "--dashboard"]
        with house.start(*words) as run:
            assert run.stdout is not None
            base = next(found[1] for line in run.stdout if (found := re.search(r"dashboard is at (\S+)", line)))
            assert urllib.request.urlopen(f"{base}readyz", timeout=30).status == 200
            run.kill()
            run.communicate()
        server.terminate()
        server.communicate(timeout=60)
