"""`kill -9` while a rule stops trials: nothing is stopped twice, nothing goes on for ever, no decision is lost."""

import json
import random
import sys
import time
from collections import Counter
from contextlib import closing

import pytest
from tests.house import House, until

from tunesmith.manager.storage import open_store

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: chaos}}
spec:
  objective: {{metric: loss, type: minimize, strategy: latest}}
  parameters: [{{name: x, type: double, min: 0, max: 1}}]
  algorithm: {{name: random, settings: {{seed: 5}}}}
  earlyStopping: {{name: median, settings: {{startStep: 3, minTrials: 2}}}}
  limits: {{trials: 30, parallel: 4, failed: 100}}
  retry: {{attempts: 9, on: [lost], backoff: 0.1s}}
  trial:
    command: [{python}, -S, -c, {script}, "${{params.x}}", "${{trial.name}}", "${{trial.attempt}}", {folder}]
"""
SCRIPT = """
import os, sys, time
x, trial, attempt, folder = sys.argv[1:]
with open(f"{folder}/{trial}.{attempt}", "x") as file:
    for step in range(20):
        print(f"step={step} loss={float(x) + 1 / (1 + step)!r}", flush=True)
        time.sleep(0.1)
"""


@pytest.mark.timeout(180)
def test_kills_while_trials_are_stopped(house: House) -> None:
    marks = house.folder / "marks"
    marks.mkdir()
    script, python = json.dumps(SCRIPT), json.dumps(sys.executable)
    house.write("study.yaml", STUDY.format(python=python, script=script, folder=json.dumps(str(marks))))
    rng = random.Random(7)
    clients, killed = [house.start("run", "study.yaml")], 0
    for _ in range(8):
        until(lambda: house.processes("marks") or clients[-1].poll() == 0, timeout=30)
        if clients[-1].poll() == 0:
            break  # a fast machine was done before the last kill
        time.sleep(rng.uniform(0.1, 0.9))
        killed += house.kill(rng.choice(["tunesmith.manager", "tunesmith.earlystop", "tunesmith.earlystop", "marks"]))
        if clients[-1].poll() is not None:
            clients.append(house.start("run", "study.yaml"))
    for client in clients:
        client.communicate(timeout=90)
    house("run", "study.yaml", timeout=90)
    until(lambda: not house.processes("marks"), timeout=20)
    check(house)
    assert killed > 3


def check(house: House) -> None:
    with closing(open_store(f"sqlite:///{house.folder / '.tunesmith' / 'tunesmith.db'}")) as store:
        uid = store.read(lambda tx: tx.list_studies()[0].uid)
        trials = store.read(lambda tx: tx.list_trials(uid))
        decisions = store.read(lambda tx: tx.decisions(uid, limit=100_000))
    stops = Counter((one.trial_number, one.attempt) for one in decisions if one.stop)
    assert [trial.number for trial in trials] == list(range(30))
    assert set(stops.values()) == {1}, "nothing is stopped twice"
    assert sum(trial.state == "EarlyStopped" for trial in trials) > 5
    for trial in trials:
        assert trial.state in ("Succeeded", "EarlyStopped"), trial
        assert (trial.state == "EarlyStopped") <= ((trial.number, trial.attempt) in stops), "its decision is stored"
        assert trial.state != "EarlyStopped" or trial.value is not None
