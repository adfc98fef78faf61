"""`serve` and its like become the service they name, with the options they were given."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.client.conftest import Command

Became = list[tuple[str, list[str], dict[str, str]]]


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> Became:
    seen: Became = []

    def execv(program: str, words: list[str]) -> None:
        seen.append((program, words, dict(os.environ)))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    return seen


CASES = [
    ("serve", "manager serve --listen 127.0.0.1:6790 --folder .tunesmith"),
    (
        "serve --listen a:1 --listen unix:/b --no-token --folder x --insecure-bind",
        "manager serve --listen a:1 --listen unix:/b --folder x --no-token --insecure-bind",
    ),
    ("manager serve --idle 2.5", "manager serve --idle 2.5 --folder .tunesmith"),
    (
        "suggestion serve --algorithm sobol --algorithm grid",
        "suggestion serve --algorithm sobol --algorithm grid --listen 127.0.0.1:6789",
    ),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_options_are_passed_on(command: Command, became: Became, given: str, expected: str) -> None:
    with pytest.raises(SystemExit):
        command(*given.split())
    ((program, words, _),) = became
    assert (program, words) == (sys.executable, [sys.executable, "-P", "-m", *f"tunesmith.{expected}".split()])


def test_a_databases_password_is_no_argument(command: Command, became: Became, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_DATABASE", "")  # put back afterwards
    with pytest.raises(SystemExit):
        command("serve", "--database", "postgresql://tuner:secret@db/x")
    ((_, words, environment),) = became
    assert environment["TUNESMITH_DATABASE"] == "postgresql://tuner:secret@db/x"
    assert not any("secret" in word for word in words)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    return tmp_path


def test_the_suggestion_service_over_tls(command: Command, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["suggestion", "serve", "--listen", "localhost:0", "--algorithm", "sobol"]
    files = ["--tls-cert", str(certificate / "cert.pem"), "--tls-key", str(certificate / "key.pem")]
    with subprocess.Popen(
        [sys.executable, "-m", "tunesmith.client", *words, *files], stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            (address,) = json.loads(service.stdout.readline())["listen"]
            monkeypatch.setenv("TUNESMITH_CA", str(certificate / "cert.pem"))
            server = address if address.startswith("https://") else f"https://{address}"
            server = server.replace("127.0.0.1", "localhost")
            found = json.loads(command("algorithms", "--server", server, "-o", "json").out)
            assert [algorithm["name"] for algorithm in found] == ["sobol"]
        finally:
            service.terminate()
    assert service.returncode == 0
