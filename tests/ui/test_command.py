"""The dashboard as its users start it: alone, beside `serve`, beside `run`."""

import json
import re
import signal
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from tests.house import House, until
from tests.running import job


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def entry(process: "subprocess.Popen[str]") -> str:
    """The address that signs in once, as it is printed."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+/login\?key=\S+", line):
            return found[0]
    raise AssertionError("it said no address")


def signed_in(address: str) -> urllib.request.OpenerDirector:
    """A browser of whoever comes by that address."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    browser.open(address, timeout=30).read()
    return browser


def studies(address: str) -> Any:
    """The studies, for whoever comes by that address."""
    browser = signed_in(address)
    with browser.open(address.partition("/login")[0] + "/api/v1/studies", timeout=30) as answer:
        return json.load(answer)["items"]


def test_it_serves_alone_and_starts_the_manager_that_it_needs(house: House) -> None:
    with house.start("ui", "serve", "--listen", "127.0.0.1:0") as process:
        address = entry(process)
        assert studies(address) == []
        with pytest.raises(urllib.error.HTTPError):
            studies(address)
        assert stat.S_IMODE((house.folder / ".tunesmith" / "token").stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/studies/default/s/stream"])
def test_it_leaves_though_somebody_looks_on(house: House, path: str) -> None:
    """At once and without a word; the stream is cut off, with no event by which a page would think it is over."""
    house.write("s.json", json.dumps(job("s", "import time; print('loss=1', flush=True); time.sleep(60)")))
    house("submit", "s.json")
    with house.start("ui", "serve", "--listen", "127.0.0.1:0") as process:
        address = entry(process)
        with signed_in(address).open(address.partition("/login")[0] + path, timeout=30) as events:
            assert events.readline() == b": hello\n"
            process.send_signal(signal.SIGTERM)
            told = events.read()
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert output == ""
        assert b"event: end" not in told


def test_it_comes_and_goes_with_serve(house: House) -> None:
    words = ["serve", "--listen", "127.0.0.1:0", "--dashboard", "127.0.0.1:0"]
    with house.start(*words) as process:
        address = entry(process)
        until(lambda: (house.folder / ".tunesmith" / "manager.json").exists())
        house.write("s.json", json.dumps(job("s")))
        house("submit", "s.json")
        assert [one["name"] for one in studies(address)] == ["s"]
        process.kill()
        process.communicate()
    until(lambda: not house.processes("tunesmith.ui"))


def test_it_comes_and_goes_with_run(house: House) -> None:
    slow = job("s", "import time; print('loss=1', flush=True); time.sleep(60)")
    house.write("s.json", json.dumps(slow))
    with house.start("run", "s.json", "--dashboard") as process:
        address = entry(process)
        assert [one["name"] for one in until(lambda: studies_by(house, address))] == ["s"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    until(lambda: not house.processes("tunesmith.ui"))


def studies_by(house: House, address: str) -> Any:
    """The studies, with the folder's token."""
    token = (house.folder / ".tunesmith" / "token").read_text().strip()
    url = address.partition("/login")[0] + "/api/v1/studies"
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["items"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "0.0.0.0:0"], "beyond loopback a dashboard needs TLS"),
        (["--listen", "0.0.0.0:0", "--insecure-bind", "--no-login"], "--no-login is for loopback only"),
        (["--listen", "unix:/tmp/x/s.sock"], "a dashboard listens at host:port"),
    ],
)
def test_addresses_that_are_refused(house: House, words: list[str], said: str) -> None:
    assert said in house("ui", "serve", *words, check=2).stderr


def test_a_port_that_is_taken(house: House) -> None:
    with house.start("ui", "serve", "--listen", "127.0.0.1:0") as process:
        port = entry(process).split(":")[2].partition("/")[0]
        said = house("ui", "serve", "--listen", f"127.0.0.1:{port}", check=2).stderr
        assert said == f"Error: another process listens at 127.0.0.1:{port}\n"
        process.terminate()
        process.communicate()


def test_run_goes_not_on_without_whoever_shows_it(house: House) -> None:
    house.write("s.json", json.dumps(job("s")))
    assert "does not go with --detach" in house("run", "s.json", "--detach", "--dashboard", check=2).stderr
