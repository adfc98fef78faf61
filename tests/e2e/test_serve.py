"""`tunesmith serve`: a manager for a team, at an address, with a token; and clients that nobody here wrote."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from tests.house import ROOT, House, until
from tests.needs import program

from tunesmith.v1.manager_pb2 import ListStudiesRequest
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: served}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  limits: {trials: 2, parallel: 2}
  trial: {command: [sh, -c, "echo loss=1; sleep SLEEP"]}
"""


@contextmanager
def served(house: House, *args: str) -> Iterator[str]:
    """A server in the house; gives its TCP address, and sets the token that its commands use."""
    with house.start("serve", "--no-dashboard", "--listen", "127.0.0.1:0", *args) as server:
        assert server.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("serving at")):
            line = server.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        token = house.folder / ".tunesmith" / "token"
        if token.exists():
            house.env["TUNESMITH_TOKEN"] = token.read_text().strip()
        yield lines[-1].strip().rpartition(" ")[2]
        server.terminate()
        server.communicate(timeout=30)


def test_without_a_token_nothing_but_health_answers(house: House) -> None:
    with served(house) as address:
        token = house.folder / ".tunesmith" / "token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        with grpc.insecure_channel(address) as channel:
            assert HealthStub(channel).Check(HealthCheckRequest()).status == 1
            for metadata in ((), (("authorization", "Bearer wrong"),)):
                with pytest.raises(grpc.RpcError) as error:
                    ManagerServiceStub(channel).ListStudies(ListStudiesRequest(), metadata=metadata)
                assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
            metadata = (("authorization", f"Bearer {token.read_text().strip()}"),)
            assert not ManagerServiceStub(channel).ListStudies(ListStudiesRequest(), metadata=metadata).studies


def test_a_study_through_the_server(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(house) as address:
        elsewhere = House(tmp_path_factory.mktemp("elsewhere"))
        elsewhere.env |= {"TUNESMITH_SERVER": address, "TUNESMITH_TOKEN": house.env["TUNESMITH_TOKEN"]}
        elsewhere.write("study.yaml", STUDY.replace("SLEEP", "0"))
        elsewhere("submit", "study.yaml")
        elsewhere("watch", "served")
        assert elsewhere.json("get", "study", "served")["state"] == "Succeeded"
        del elsewhere.env["TUNESMITH_TOKEN"]
        refused = elsewhere("get", "studies", check=None)
        assert refused.returncode != 0
        assert "token" in refused.stderr
        assert not (elsewhere.folder / ".tunesmith").exists()


def test_reflection_and_health_for_clients_that_nobody_here_wrote(house: House) -> None:
    grpcurl, probe = program("grpcurl"), program("grpc-health-probe")
    with served(house) as address:
        subprocess.run([probe, "-addr", address], check=True, capture_output=True)
        denied = subprocess.run([grpcurl, "-plaintext", address, "list"], capture_output=True, text=True)
        assert denied.returncode != 0
        bearer = ["-plaintext", "-H", f"authorization: Bearer {house.env['TUNESMITH_TOKEN']}", address]

        def curl(*words: str) -> str:
            return subprocess.run([grpcurl, *bearer, *words], check=True, capture_output=True, text=True).stdout

        assert "tunesmith.v1.ManagerService" in curl("list").split()
        assert "rpc CreateStudy" in curl("describe", "tunesmith.v1.ManagerService")
        assert curl("tunesmith.v1.ManagerService/ListStudies").strip() == "{}"


def test_example_client_made_from_the_proto_files_alone(house: House) -> None:
    pytest.importorskip("grpc_tools")
    stubs = house.folder / "stubs"
    stubs.mkdir()
    protos = [str(ROOT / "proto" / "tunesmith" / "v1" / f"{name}.proto") for name in ("types", "manager")]
    generate = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto"), f"--python_out={stubs}"]
    subprocess.run([*generate, f"--grpc_python_out={stubs}", *protos], check=True)
    with served(house) as address:
        script = ROOT / "examples" / "client" / "client.py"
        # -I would hide PYTHONPATH; -S hides the installed package, and the path names gRPC's own folder again.
        site = Path(grpc.__file__).parents[1]
        alone = {**house.env, "PYTHONPATH": f"{stubs}{os.pathsep}{site}"}
        command = [sys.executable, "-S", str(script), address]
        done = subprocess.run(command, env=alone, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "STUDY_STATE_SUCCEEDED: 8 of 8 trials" in done.stdout
        assert "best: rosenbrock-" in done.stdout
        assert "loss: min " in done.stdout


def test_serve_takes_over_from_an_idle_manager_and_not_from_a_busy_one(house: House) -> None:
    house.write("study.yaml", STUDY.replace("SLEEP", "60"))
    house("submit", "study.yaml")
    until(lambda: house.processes("sleep 60"))
    busy = house("serve", "--no-dashboard", "--listen", "127.0.0.1:0", check=2)
    assert "is running studies" in busy.stderr
    house("stop", "served")
    until(lambda: house.json("get", "study", "served")["state"] == "Stopped")
    with served(house):
        second = house("serve", "--no-dashboard", "--listen", "127.0.0.1:0", check=2)
        assert "another manager serves" in second.stderr
        assert [study["name"] for study in house.json("get", "studies")] == ["served"]


def test_beyond_loopback_without_tls_is_refused(house: House) -> None:
    refused = house("serve", "--no-dashboard", "--listen", "0.0.0.0:0", check=2)
    assert "--insecure-bind" in refused.stderr or "TLS" in refused.stderr


def test_no_token_must_be_asked_for_by_name(house: House) -> None:
    with served(house, "--no-token") as address, grpc.insecure_channel(address) as channel:
        assert not ManagerServiceStub(channel).ListStudies(ListStudiesRequest()).studies


def test_a_token_that_is_given_takes_the_place_of_the_folders(house: House) -> None:
    tokens = ["", "a-token-that-is-long-enough", "another-one-of-that-length"]
    for token in tokens:
        if token:
            house.env["TUNESMITH_ADMIN_TOKEN"] = token
        with served(house) as address:
            shown = house.env["TUNESMITH_TOKEN"]
            assert token in ("", shown)
            assert house.json("get", "studies", "--server", address) == []
            for other in {*tokens, "none-that-was-ever-given"} - {shown, ""}:
                house.env["TUNESMITH_TOKEN"] = other
                assert "does not know the token" in house("get", "studies", "--server", address, check=2).stderr
        tokens[0] = tokens[0] or shown
    house.env["TUNESMITH_ADMIN_TOKEN"] = "short"
    refused = house("serve", "--no-dashboard", "--listen", "127.0.0.1:0", check=2)
    assert "at least 20" in refused.stderr
    assert "short" not in refused.stderr


def test_the_token_goes_along_to_another_database(house: House) -> None:
    with served(house):
        assert house.json("get", "studies") == []
    with served(house, "--database", f"sqlite:///{house.folder}/other.db"):
        assert house.json("get", "studies") == []


def test_over_tcp_a_document_names_no_services(house: House) -> None:
    """Who may create a study here does not thereby make the server connect anywhere."""
    endpoint = '"127.0.0.1:1"'
    extra = f"  algorithm: {{name: a, endpoint: {endpoint}}}\n  earlyStopping: {{name: b, endpoint: {endpoint}}}\n"
    house.write("study.yaml", STUDY.replace("SLEEP", "0") + extra)
    with served(house) as address:
        done = house("submit", "study.yaml", "--server", address, check=2)
        for part in ("algorithm", "earlyStopping"):
            assert (
                f"spec.{part}.endpoint: must be left out: this server does not allow services of one's" in done.stderr
            )
        assert house.json("get", "studies", "--server", address) == []


def test_an_early_stopping_service_elsewhere_is_asked(house: House) -> None:
    with house.module("tunesmith.earlystop", "serve", "--listen", "127.0.0.1:0") as service:
        assert service.stdout is not None
        listening = json.loads(service.stdout.readline())["listen"][0]
        with served(house, "--earlystop", listening) as address:
            rules = [rule["name"] for rule in house.json("rules", "--server", address)]
            house.write("study.yaml", STUDY.replace("SLEEP", "0") + "  earlyStopping: {name: folly}\n")
            refused = house("submit", "study.yaml", "--server", address, check=2).stderr
            assert "spec.earlyStopping.name" in refused
        service.terminate()
    assert "median" in rules
    assert not (house.folder / ".tunesmith" / "earlystop.log").exists(), "none was started"
