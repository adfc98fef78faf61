"""`kill -9` of every process, at every step of applying and at random moments: nothing is lost, nothing runs twice."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.house import House, until

from tunesmith.manager.storage import Store, open_store
from tunesmith.services.channel import open_sync_channel
from tunesmith.study import StudyState
from tunesmith.v1.manager_pb2 import CreateStudyRequest
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: chaos}}
spec:
  objective: {{metric: loss, type: minimize}}
  parameters:
    - {{name: x, type: double, min: 0, max: 1}}
    - {{name: kind, type: categorical, values: [a, b, c]}}
  algorithm: {{name: {algorithm}, settings: {settings}}}
  limits: {{trials: {trials}, parallel: {parallel}, failed: 100}}
  retry: {{attempts: 5, on: [lost], backoff: 0.1s}}
  trial:
    command: [{python}, -S, -c, {script}, "${{params.x}}", "${{trial.name}}", "${{trial.attempt}}", {folder}]
"""
# Each launch leaves a file of its own, made exclusively: a second launch of the same attempt would fail, and be seen.
SCRIPT = """
import os, sys, time
x, trial, attempt, folder = sys.argv[1:]
with open(f"{folder}/{trial}.{attempt}", "x") as file:
    time.sleep(SLEEP)
    print(f"loss={float(x) ** 2!r}", flush=True)
"""
DYING = Path(__file__).with_name("dying_manager.py")


def study(house: House, *, trials: int, parallel: int, sleep: float, algorithm: str = "random") -> Path:
    marks = house.folder / "marks"
    marks.mkdir(exist_ok=True)
    text = STUDY.format(
        algorithm=algorithm,
        settings="{points: 20}" if algorithm == "grid" else "{seed: 11}",  # 20 times 3 kinds: 60 points
        trials=trials,
        parallel=parallel,
        python=json.dumps(sys.executable),
        script=json.dumps(SCRIPT.replace("SLEEP", str(sleep))),
        folder=json.dumps(str(marks)),
    )
    return house.write("study.yaml", text)


def uninterrupted(tmp_path: Path, **shape: Any) -> list[dict[str, Any]]:
    """The assignments of the same study when nothing goes wrong."""
    folder = tmp_path / "calm"
    folder.mkdir()
    calm = House(folder)
    try:
        study(calm, **shape)
        calm("run", "study.yaml")
        return [trial["assignment"] for trial in calm.json("get", "trials", "chaos")]
    finally:
        calm.close()


def check(house: House, trials: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Every trial once, with the suggestion it had to get, and no launch that is not a stored attempt."""
    assert [trial["number"] for trial in trials] == list(range(len(expected)))
    assert [trial["assignment"] for trial in trials] == expected
    launched = {path.name for path in (house.folder / "marks").iterdir()}
    attempts = {f"{trial['name']}.{n + 1}" for trial in trials for n in range(trial["attempts"])}
    assert launched <= attempts  # an attempt may be killed before it leaves its mark
    assert {f"{trial['name']}.{trial['attempts']}" for trial in trials} <= launched
    for trial in trials:
        assert (trial["state"], trial["value"]) == ("Succeeded", trial["assignment"]["x"] ** 2), trial


SHARES = 4


@pytest.fixture
def suggestion(tmp_path: Path) -> Iterator[str]:
    """Address of a suggestion service for many managers: only managers die here."""
    command = [sys.executable, "-m", "tunesmith.suggestion", "serve", "--listen", f"unix:{tmp_path}/s.sock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        yield json.loads(service.stdout.readline())["listen"][0]
        service.terminate()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("share", range(SHARES))
def test_killed_at_every_step_of_apply(tmp_path: Path, suggestion: str, share: int) -> None:
    """The manager dies at step 0, 1, 2, ... of a study of its own each; the next manager ends the study right."""
    shape: dict[str, Any] = {"trials": 2, "parallel": 1, "sleep": 0.01}
    died_at, expected = [], None
    for step in [10**9, *range(share, 100, SHARES)]:  # the first one does not die
        folder = tmp_path / str(step)
        folder.mkdir()
        house = House(folder)
        try:
            study(house, **shape)
            point = _run_until_death(house, suggestion, step)
            if point is not None:
                assert _run_until_death(house, suggestion, 10**9) is None
            trials = _stored(house)
            expected = expected or [trial["assignment"] for trial in trials]
            check(house, trials, expected)
        finally:
            house.close()
        if point is None and step < 10**9:
            break
        died_at.append(point)
    assert point is None
    assert len(died_at) > 3


def _run_until_death(house: House, suggestion: str, step: int) -> str | None:
    """Run the study with a manager that dies at a step; where it died, or None when the study was over before."""
    command = [sys.executable, str(DYING), str(house.folder / ".tunesmith"), suggestion, str(step)]
    with subprocess.Popen(command, cwd=house.folder, env=house.env, stdout=subprocess.PIPE, text=True) as manager:
        assert manager.stdout is not None
        address = manager.stdout.readline().strip().removeprefix("serving at ")
        _submit(house, address)
        until(lambda: manager.poll() is not None or _over(house), timeout=30)
        manager.terminate()
        lines = manager.stdout.read().splitlines()
    return next((line.removeprefix("dies at: ") for line in lines if line.startswith("dies at")), None)


def _submit(house: House, address: str) -> None:
    """Create the study; one that is there already is no error, and neither is a manager that dies meanwhile."""
    document = (house.folder / "study.yaml").read_text()
    with open_sync_channel(address) as channel, suppress(grpc.RpcError):
        ManagerServiceStub(channel).CreateStudy(CreateStudyRequest(document=document), timeout=20)


def _store(house: House) -> Store:
    return open_store(f"sqlite:///{house.folder / '.tunesmith' / 'tunesmith.db'}")


def _over(house: House) -> bool:
    """Whether the study has ended, as its database says."""
    with closing(_store(house)) as store:
        studies = store.read(lambda tx: tx.list_studies())
        return [study.state for study in studies] == [StudyState.SUCCEEDED]


def _stored(house: House) -> list[dict[str, Any]]:
    """The trials as `get trials -o json` would show them, as far as they are looked at here."""
    with closing(_store(house)) as store:
        trials = store.read(lambda tx: tx.list_trials(tx.list_studies()[0].uid))
    return [
        {
            "name": trial.name,
            "number": trial.number,
            "state": trial.state,
            "value": trial.value,
            "assignment": trial.assignment,
            "attempts": trial.attempt,
        }
        for trial in trials
    ]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("algorithm", ["random", "sobol", "grid"])
def test_kills_at_random_moments_of_a_study_of_60_trials(house: House, tmp_path: Path, algorithm: str) -> None:
    shape: dict[str, Any] = {"trials": 60, "parallel": 3, "sleep": 0.3, "algorithm": algorithm}
    expected = uninterrupted(tmp_path, **shape)
    study(house, **shape)
    rng = random.Random(algorithm)
    clients = [house.start("run", "study.yaml")]
    for _ in range(8):
        until(lambda: house.processes("marks") or clients[-1].poll() == 0, timeout=30)
        if clients[-1].poll() == 0:
            break  # a fast machine was done before the last kill
        time.sleep(rng.uniform(0.05, 0.6))
        house.kill(rng.choice(["tunesmith.client", "tunesmith.manager", "tunesmith.suggestion", "_runner", "marks"]))
        if clients[-1].poll() is not None:
            clients.append(house.start("run", "study.yaml"))
    for client in clients:
        client.communicate(timeout=90)
    house("run", "study.yaml", timeout=90)  # takes it up where the last client was killed
    trials = house.json("get", "trials", "chaos")
    check(house, trials, expected)
    study_now = house.json("get", "study", "chaos")
    assert (study_now["state"], study_now["trials"]["succeeded"]) == ("Succeeded", 60)
    assert study_now["metrics"]["loss"]["count"] == 60
