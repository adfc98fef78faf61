"""Studies whose algorithm is a suggestion service that speaks Katib's contract, somewhere else."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.house import ROOT, House, until

DOCUMENT = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: elsewhere}
spec:
  objective: {metric: loss, type: minimize}
  parameters:
    - {name: x, type: double, min: 0, max: 1}
    - {name: n, type: int, min: 0, max: 6}
    - {name: kind, type: categorical, values: [a, b]}
  algorithm: {name: golden, endpoint: "127.0.0.1:PORT"}
  limits: {trials: 9, parallel: 3}
  trial: {command: [bash, -c, "sleep $PAUSE; echo loss=$VALUE"], env: {VALUE: "${params.x}", PAUSE: "0.3"}}
"""


class Elsewhere:
    """One of `tests/katib_services.py`, at a port of its own."""

    def __init__(self, house: House, kind: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = house.folder / "requests.jsonl"
        self._command = [sys.executable, str(ROOT / "tests/katib_services.py"), kind, str(self.port), str(self.log)]
        self._env = {**house.env, "PYTHONPATH": str(ROOT / "src")}
        self._folder: Path = house.folder
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._env, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "serving\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def elsewhere(house: House, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    service = Elsewhere(house, request.param)
    yield service
    service.kill()


def document(house: House, service: Elsewhere, algorithm: str = "golden") -> str:
    return str(house.write("study.yaml", DOCUMENT.replace("PORT", str(service.port)).replace("golden", algorithm)))


@pytest.mark.parametrize("elsewhere", ["ours"], indirect=True)
def test_our_own_service_by_katibs_contract_alone(house: House, elsewhere: Elsewhere) -> None:
    path = document(house, elsewhere, "tpe")
    wrong = house("validate", path, "--set", "spec.algorithm.settings.gamma=2", check=2)
    assert "spec.algorithm: gamma should be in the range of (0, 1)" in wrong.stdout + wrong.stderr
    house("run", path, "--set", "spec.algorithm.settings.n_startup_trials=3")
    study = house.json("get", "study", "elsewhere")
    assert (study["state"], study["reason"], study["trials"]["succeeded"]) == ("Succeeded", "trialsUsedUp", 9)
    trials = house.json("get", "trials", "elsewhere")
    assert len({json.dumps(trial["assignment"]) for trial in trials}) == 9
    models = [json.loads(trial["labels"]["katib.labels"])["tunesmith.dev/model"] for trial in trials]
    assert (models[0], models[-1]) == ("startup", "tpe")


@pytest.mark.parametrize("elsewhere", ["stateful"], indirect=True)
def test_a_stateful_service_that_is_killed_in_between(house: House, elsewhere: Elsewhere) -> None:
    """It is told its trials in its own words, with the settings it left, and is asked for none of them again."""
    path = document(house, elsewhere)
    slow = ("--set", "spec.trial.env.PAUSE=2")
    house("run", path, *slow, "--detach")
    until(lambda: len(house.json("get", "trials", "elsewhere")) >= 3)
    elsewhere.kill()
    until(lambda: house.json("get", "study", "elsewhere")["trials"]["succeeded"] >= 3)
    house.kill("tunesmith.manager")
    house.kill("tunesmith.suggestion")
    elsewhere.start()
    house("run", path, *slow)
    study = house.json("get", "study", "elsewhere")
    assert (study["state"], study["trials"]["succeeded"]) == ("Succeeded", 9)
    trials = {trial["labels"]["katib.trial"]: trial for trial in house.json("get", "trials", "elsewhere")}
    requests = elsewhere.requests()
    assert len(trials) == 9
    assert len({one["pid"] for one in requests}) == 2
    assert len({one["experiment"] for one in requests}) == 1
    assert len({trial["labels"]["katib.labels"] for trial in trials.values()}) == 9, "an answer was taken up twice"
    for before, after in pairwise(requests):
        assert set(before["told"]) <= set(after["told"])
        assert int(after["settings"]["counter"]) > max(after["places"].values(), default=-1)
    last = requests[-1]
    assert last["total"] == 9
    for name, told in last["told"].items():
        found = trials[name]["assignment"]
        assert (float(told["x"]), int(told["n"]), told["kind"]) == (found["x"], found["n"], found["kind"])
        assert (last["states"][name] == "SUCCEEDED") == bool(last["losses"][name])


@pytest.mark.parametrize("elsewhere", ["rungs"], indirect=True)
def test_a_service_that_waits_for_its_trials(house: House, elsewhere: Elsewhere) -> None:
    """Katib asks again after any error, and so do we while trials run, whose end may change it."""
    house("run", document(house, elsewhere))
    study = house.json("get", "study", "elsewhere")
    assert (study["state"], study["trials"]["succeeded"]) == ("Succeeded", 9)
    refused = [one for one in elsewhere.requests() if one["answer"] == "refused"]
    assert refused
    assert len(refused) < 30, "it is asked again and again while nothing changes"
    assert sum(len(one["answer"]) for one in elsewhere.requests() if one not in refused) == 9


@pytest.mark.parametrize("elsewhere", ["stateful"], indirect=True)
def test_what_cannot_be(house: House, elsewhere: Elsewhere) -> None:
    path = document(house, elsewhere)
    wrong = house("run", path, "--set", "spec.algorithm.settings.colour=red", check=2)
    assert "unknown setting colour for algorithm golden" in wrong.stdout + wrong.stderr
    failed = house("run", path, "--set", "spec.parameters[0].max=0.1", check=None)
    study = house.json("get", "study", "elsewhere")
    assert (study["state"], study["reason"]) == ("Failed", "algorithmFailed")
    shown = failed.stdout + failed.stderr
    assert f"127.0.0.1:{elsewhere.port} proposed (x=0.618030, n=01, kind=b)" in shown
    assert "`min <= value <= max` must hold" in shown
    elsewhere.kill()
    gone = house("run", path, "--name", "another", check=None, timeout=60)
    assert gone.returncode != 0
    assert f"127.0.0.1:{elsewhere.port}" in gone.stdout + gone.stderr
    elsewhere.start()
