"""Studies whose trials are run by workers: the example, the command, and the Python client."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from tests.house import ROOT, House, until
from tests.running import job

import tunesmith
from tunesmith.services.errors import NotNow
from tunesmith.study import FailureClass

EXAMPLE = ROOT / "examples" / "worker"


def submit(house: House, name: str, **spec: Any) -> None:
    document = job(name, trial={"workers": True}, **spec)
    house.write("study.yaml", json.dumps(document))
    house("submit", "study.yaml")


def test_the_example(house: House) -> None:
    house("submit", str(EXAMPLE / "study.yaml"))
    command = [sys.executable, str(EXAMPLE / "worker.py"), "worker"]
    started = [
        subprocess.Popen([*command, name], cwd=house.folder, env=house.env, stdout=subprocess.PIPE, text=True)
        for name in ("first", "second")
    ]
    printed = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert "".join(printed).count(" runs worker-") == 8
    study = house.json("get", "study", "worker")
    assert (study["state"], study["trials"]["succeeded"]) == ("Succeeded", 8)
    trial = house.json("get", "trials", "worker")[0]
    assert trial["metrics"]["loss"]["count"] == 5
    described = house("describe", "trial", "worker/0").stdout
    assert "Command" not in described


def test_the_client_of_a_worker(house: House) -> None:
    submit(house, "mine", limits={"trials": 2, "parallel": 1}, retry={"attempts": 2, "on": ["preempted"], "backoff": 0})
    with tunesmith.Client(folder=house.folder) as client:
        work = client.acquire("w", "mine", lease=3)
        assert work is not None
        assert (work.number, work.attempt, work.lease, work.heartbeat_every) == (0, 1, 3.0, 1.0)
        assert 0 <= float(work.params["x"]) <= 1
        assert client.acquire("other", "mine", wait=0) is None
        with client.keep(work) as alive:
            time.sleep(4)  # longer than the lease
            assert alive.stop is None
            assert not client.report_work(work, {"loss": 2.0, "accuracy": 0.5}, step=7)
        rows = client.observations("mine", 0)
        assert [(row.metric, row.value, row.step, row.source) for row in rows] == [
            ("loss", 2.0, 7, "w"),
            ("accuracy", 0.5, 7, "w"),
        ]
        client.complete(work, failure=FailureClass.PREEMPTED, message="the machine was taken")
        again = client.acquire("w", "mine")
        assert again is not None
        assert (again.trial, again.attempt, again.checkpoint_dir) == (work.trial, 2, work.checkpoint_dir)
        with client.keep(again) as alive:
            client.stop_trial("mine", again.trial)
            assert until(lambda: alive.stop) == "stopped by its user"
        client.complete(again)
        with pytest.raises(NotNow, match="is not open any more"):
            client.heartbeat(again)
        client.stop("mine")


def test_what_run_says_of_it(house: House) -> None:
    document = job("shown", trial={"workers": True}, limits={"trials": 1})
    house.write("study.yaml", json.dumps(document))
    planned = house("run", "study.yaml", "--dry-run").stdout
    assert "Assignments for workers" in planned
    assert "  1. x=0." in planned
    running = house.start("run", "study.yaml")
    with tunesmith.Client(folder=house.folder) as client:
        until(lambda: house.json("get", "studies"))
        work = client.acquire("w", "shown")
        assert work is not None
        client.report_work(work, {"loss": 1.5})
        client.complete(work)
    text, _ = running.communicate(timeout=60)
    assert running.returncode == 0, text
    assert "Best trial shown-0-" in text
    assert "To run it again" not in text
