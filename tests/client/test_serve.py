"""`serve` and its like become the service they name, with the options they were given."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.certificates import certificate
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
    ("serve --no-dashboard", "manager serve --listen 127.0.0.1:6790 --folder .tunesmith"),
    (
        "serve --no-dashboard --listen a:1 --listen unix:/b --no-token --folder x --insecure-bind",
        "manager serve --listen a:1 --listen unix:/b --folder x --no-token --insecure-bind",
    ),
    ("manager serve --idle 2.5", "manager serve --idle 2.5 --folder .tunesmith"),
    (
        "suggestion serve --algorithm sobol --algorithm grid --follow-endpoints",
        "suggestion serve --algorithm sobol --algorithm grid --follow-endpoints",
    ),
    ("ui serve --listen 127.0.0.1:0 --no-login", "ui serve --listen 127.0.0.1:0 --no-login"),
    ("--server a:1 ui serve --listen b:2", "ui serve --server a:1 --listen b:2"),
    ("earlystop serve --rule median --namespace katib", "earlystop serve --rule median --namespace katib"),
    ("earlystop serve --help", "earlystop serve --help"),
    (
        "manager serve --earlystop unix:/e --suggestion unix:/s --suggestion unix:/t --upgrade",
        "manager serve --folder .tunesmith --upgrade --suggestion unix:/s --suggestion unix:/t --earlystop unix:/e",
    ),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_options_are_passed_on(command: Command, became: Became, given: str, expected: str) -> None:
    with pytest.raises(SystemExit):
        command(*given.split())
    ((program, words, _),) = became
    assert (program, words) == (sys.executable, [sys.executable, "-P", "-m", *f"tunesmith.{expected}".split()])


@pytest.mark.parametrize("room", ["manager", "suggestion", "earlystop", "ui"])
def test_a_service_names_itself_as_the_command_that_becomes_it(room: str) -> None:
    words = [sys.executable, "-m", f"tunesmith.{room}", "serve"]
    shown = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"Usage: tunesmith {room} serve [OPTIONS]")
    assert f" tunesmith {room} serve\n" in shown.partition("Examples:")[2]
    refused = subprocess.run([*words, "--nonsense"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert f"Try 'tunesmith {room} serve --help'" in refused.stderr


def test_a_databases_password_is_no_argument(command: Command, became: Became, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_DATABASE", "")  # put back afterwards
    with pytest.raises(SystemExit):
        command("serve", "--no-dashboard", "--database", "postgresql://tuner:secret@db/x")
    ((_, words, environment),) = became
    assert environment["TUNESMITH_DATABASE"] == "postgresql://tuner:secret@db/x"
    assert not any("secret" in word for word in words)


def test_the_suggestion_service_over_tls(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(tmp_path / "tls")
    words = ["suggestion", "serve", "--listen", "127.0.0.1:0", "--algorithm", "sobol"]
    files = ["--tls-cert", str(made.cert), "--tls-key", str(made.key)]
    with subprocess.Popen(
        [sys.executable, "-m", "tunesmith.client", *words, *files], stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            (address,) = json.loads(service.stdout.readline())["listen"]
            endpoint = ["validate", "study.yaml", "--set", f"spec.algorithm.endpoint={address}"]
            untrusted = command(*endpoint)
            assert (untrusted.code, "set TUNESMITH_CA" in untrusted.err) == (3, True)
            monkeypatch.setenv("TUNESMITH_CA", str(made.cert))
            assert command(*endpoint, "--set", "spec.algorithm.name=sobol").code == 0
            assert "spec.algorithm.name: " in command(*endpoint).err  # it is random, which is not offered there
        finally:
            service.terminate()
    assert service.returncode == 0
