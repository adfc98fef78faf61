"""The whole platform over TLS, both ends with certificates: command, manager and suggestion service."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.certificates import Certificate, certificate
from tests.house import House

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: secure}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  limits: {trials: 2, parallel: 2}
  trial: {command: [sh, -c, "echo loss=1"]}
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "ours")


def show(made: Certificate) -> dict[str, str]:
    """The variables by which a client knows a server, and shows who it is."""
    return {"TUNESMITH_CA": str(made.cert), "TUNESMITH_CERT": str(made.cert), "TUNESMITH_KEY": str(made.key)}


def asks(made: Certificate) -> list[str]:
    """Options of a server that wants certificates of its clients."""
    return ["--tls-cert", str(made.cert), "--tls-key", str(made.key), "--tls-client-ca", str(made.cert)]


def line(process: "subprocess.Popen[str]", start: str) -> str:
    """The next line that a process prints and that begins so."""
    assert process.stdout is not None
    lines = []
    while text := process.stdout.readline():
        lines.append(text)
        if text.startswith(start):
            return text.strip()
    raise AssertionError("".join(lines))


@contextmanager
def served(house: House, made: Certificate, manager_env: dict[str, str]) -> Iterator[str]:
    """A suggestion service and a manager, each over TLS; gives the manager's address, and a token to the house."""
    listen = ["--listen", "127.0.0.1:0"]
    with house.start("suggestion", "serve", *listen, *asks(made)) as suggestion:
        (address,) = json.loads(line(suggestion, '{"listen"'))["listen"]
        mine, house.env = house.env, {**house.env, **manager_env}
        with house.start("serve", *listen, *asks(made), "--suggestion", address) as manager:
            house.env = mine
            found = line(manager, "serving at").rpartition(" ")[2]
            house.env["TUNESMITH_TOKEN"] = (house.folder / ".tunesmith" / "token").read_text().strip()
            house.env["TUNESMITH_SERVER"] = found
            yield found
            for process in (manager, suggestion):
                process.terminate()


def test_a_study_over_tls(house: House, ours: Certificate) -> None:
    house.write("study.yaml", STUDY)
    with served(house, ours, show(ours)) as address:
        assert address.startswith("https://")
        assert "wants a client certificate" in house("get", "studies", "--ca", str(ours.cert), check=3).stderr
        house.env |= show(ours)
        assert "sobol" in house("algorithms").stdout
        house("run", "study.yaml")
        assert house.json("get", "study", "secure")["state"] == "Succeeded"


def test_a_manager_that_does_not_trust_its_suggestion_service_says_so(house: House, ours: Certificate) -> None:
    house.write("study.yaml", STUDY)
    with served(house, ours, {}):
        house.env |= show(ours)
        for words in (["submit", "study.yaml"], ["algorithms"]):
            refused = house(*words, check=3)
            assert refused.stderr.startswith("error: the suggestion service https://127.0.0.1:")
            assert "does not answer: the certificate of 127.0.0.1:" in refused.stderr
            assert "set TUNESMITH_CA" in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
