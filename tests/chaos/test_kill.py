"""`kill -9` of every process, at every step of applying and at random moments: nothing is lost, nothing runs twice."""

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from house import House, until

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: chaos}}
spec:
  objective: {{metric: loss, type: minimize}}
  parameters:
    - {{name: x, type: double, min: 0, max: 1}}
    - {{name: kind, type: categorical, values: [a, b, c]}}
  algorithm: {{name: {algorithm}, settings: {{seed: 11}}}}
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
    """Every trial once, with the suggestion it had to get, and as many launches as attempts."""
    assert [trial["number"] for trial in trials] == list(range(len(expected)))
    assert [trial["assignment"] for trial in trials] == expected
    launched = {path.name for path in (house.folder / "marks").iterdir()}
    attempts = {f"{trial['name']}.{n + 1}" for trial in trials for n in range(trial["attempts"])}
    assert launched == attempts
    for trial in trials:
        assert (trial["state"], trial["value"]) == ("Succeeded", trial["assignment"]["x"] ** 2), trial


@pytest.mark.timeout(300)
def test_killed_at_every_step_of_apply(tmp_path: Path) -> None:
    shape = {"trials": 2, "parallel": 1, "sleep": 0.01}
    expected = uninterrupted(tmp_path, **shape)
    died_at = []
    for step in range(100):
        folder = tmp_path / str(step)
        folder.mkdir()
        house = House(folder)
        try:
            study(house, **shape)
            point = _die(house, step)
            house("run", "study.yaml")
            check(house, house.json("get", "trials", "chaos"), expected)
        finally:
            house.close()
        if point is None:
            break
        died_at.append(point)
    assert point is None
    assert {"recorded", "committed", "launch", "launched", "ask", "asked"} <= set(died_at)


def _die(house: House, step: int) -> str | None:
    """Run the study with a manager that dies at a step; where it died, or None when the study was over before."""
    command = [sys.executable, str(DYING), str(house.folder / ".tunesmith"), str(step)]
    with subprocess.Popen(command, cwd=house.folder, env=house.env, stdout=subprocess.PIPE, text=True) as manager:
        assert manager.stdout is not None
        assert manager.stdout.readline().startswith("serving at")
        house("submit", "study.yaml", check=None)
        until(lambda: manager.poll() is not None or _over(house), timeout=30)
        if manager.poll() is None:
            manager.terminate()
        lines = manager.stdout.read().splitlines()
    return next((line.removeprefix("dies at: ") for line in lines if line.startswith("dies at")), None)


def _over(house: House) -> bool:
    """Whether the study has ended, as its database says: a command would start a manager of its own."""
    with sqlite3.connect(house.folder / ".tunesmith" / "tunesmith.db") as database:
        states = database.execute("select state from studies").fetchall()
    return states == [("Succeeded",)]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("algorithm", ["random", "sobol"])
def test_kills_at_random_moments_of_a_study_of_60_trials(house: House, tmp_path: Path, algorithm: str) -> None:
    shape = {"trials": 60, "parallel": 3, "sleep": 0.15, "algorithm": algorithm}
    expected = uninterrupted(tmp_path, **shape)
    study(house, **shape)
    rng = random.Random(algorithm)
    running = house.start("run", "study.yaml")
    try:
        for _ in range(8):
            until(lambda: house.processes("marks"), timeout=30)
            victim = rng.choice(["tunesmith.client", "tunesmith.manager", "tunesmith.suggestion", "marks"])
            time.sleep(rng.uniform(0.05, 0.6))
            house.kill(victim)
            if running.poll() is not None:
                running = house.start("run", "study.yaml")
        running.communicate(timeout=90)
        if running.returncode != 0:
            house("run", "study.yaml", timeout=90).stdout
    finally:
        running.kill()
    trials = house.json("get", "trials", "chaos")
    check(house, trials, expected)
    study_now = house.json("get", "study", "chaos")
    assert (study_now["state"], study_now["trials"]["succeeded"]) == ("Succeeded", 60)
    assert study_now["metrics"]["loss"]["count"] == 60
