"""The command as client of a manager that speaks TLS, over a real socket."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.certificates import Certificate, certificate
from tests.client.conftest import Command
from tests.client.fake_manager import fake_manager

from tunesmith.client._client import Client
from tunesmith.services.channel import ClientTls


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "other")


def get(server: str, *words: str, **files: Path) -> "subprocess.CompletedProcess[str]":
    """`get studies` as a process of its own, whose standard error nobody else writes to."""
    environment = {**os.environ, **{f"TUNESMITH_{name.upper()}": str(file) for name, file in files.items()}}
    command = [sys.executable, "-m", "tunesmith.client", "get", "studies", "--server", server, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)


def test_by_options_and_by_environment(
    folder: Path, command: Command, ours: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--ca", str(ours.cert), "--cert", str(ours.cert), "--key", str(ours.key)]
    with fake_manager(address="127.0.0.1:0", tls=ours.server(client_ca=ours.cert)) as running:
        assert command("get", "studies", "--server", running.address, *words).code == 0
        assert command("--server", running.address, *words, "get", "studies").code == 0
        with Client(running.address, tls=ours.client(ours.cert)) as client:
            assert client.studies() == []
        assert get(running.address, ca=ours.cert, cert=ours.cert, key=ours.key).returncode == 0
        assert get(running.address, "--ca", str(ours.cert), cert=ours.cert, key=ours.key).returncode == 0


def test_a_failure_is_one_sentence(folder: Path, ours: Certificate, other: Certificate) -> None:
    with fake_manager(address="127.0.0.1:0", tls=ours.server()) as running:
        port = running.address.removeprefix("https://")
        for done, said in (
            (get(running.address), f"the certificate of {port} is not trusted (self-signed certificate): set TUNESM"),
            (get(running.address, ca=other.cert), f"is not trusted by {other.cert}"),
            (get(port), f"{port} speaks TLS: write https://{port}"),
        ):
            assert (done.returncode, done.stdout) == (3, "")
            assert done.stderr.startswith("error: ")
            assert said in done.stderr
            assert len(done.stderr.splitlines()) == 1
    with fake_manager(address="127.0.0.1:0", tls=ours.server(client_ca=ours.cert)) as running:
        done = get(running.address, ca=ours.cert)
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
        assert "it wants a client certificate" in done.stderr


def test_files_that_cannot_be(folder: Path, command: Command, ours: Certificate) -> None:
    cert = str(ours.cert)
    for words, said in (
        (["--server", "https://127.0.0.1:1", "--cert", cert], "belong together"),
        (["--server", "https://127.0.0.1:1", "--ca", "nowhere.pem"], "No such file"),
        (["--server", "127.0.0.1:1", "--ca", cert], "are for a server at https://host:port, but got 127.0.0.1:1"),
        (["--ca", cert], "are for a server at https://host:port, but got no server"),
    ):
        done = command("get", "studies", *words)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_a_watch_does_not_wait_for_a_certificate_to_mend(folder: Path, ours: Certificate) -> None:
    from tunesmith.services.errors import CheckTls

    with (
        fake_manager(address="127.0.0.1:0", tls=ours.server()) as running,
        Client(running.address, tls=ClientTls()) as client,
        pytest.raises(CheckTls),
    ):
        list(client.watch("digits"))
