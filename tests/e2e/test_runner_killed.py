"""`kill -9` of the parent of the trials, once, again and again, and by a trial."""

from pathlib import Path
from typing import Any

import psutil
from tests.house import House, until

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: killed}}
spec:
  objective: {{metric: loss, type: minimize}}
  parameters: [{{name: x, type: int, min: 1, max: 100}}]
  algorithm: {{name: random, settings: {{seed: 5}}}}
  limits: {{trials: {trials}, parallel: 2, failed: {failed}}}
  trial:
    command: [sh, -c, '{script}']
    env: {{NUMBER: "${{trial.number}}"}}
"""
SLOW = "until test -e go; do sleep 0.05; done; echo loss=1"
EVERY_PARENT = """
import os, signal, time
while os.getppid() > 1:
    parent = os.getppid()
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        time.sleep(0.01)
time.sleep(0.2)
"""


def start(house: House, script: str, trials: int = 6, failed: int = 0) -> Any:
    house.write("study.yaml", STUDY.format(script=script, trials=trials, failed=failed))
    return house.start("run", "study.yaml")


def let_go(house: House) -> None:
    house.write("go", "")


def parents(house: House) -> list[psutil.Process]:
    return house.processes("_runner")


def runner(house: House) -> psutil.Process:
    return next(process for process in parents(house) if process.name() != "runner-guard")


def endings(house: House) -> list[tuple[str, str, int]]:
    return [(t["state"], t["reason"], t["attempts"]) for t in house.json("get", "trials", "killed")]


def output_of(running: Any, code: int = 0) -> str:
    output, _ = running.communicate(timeout=60)
    assert running.returncode == code, output
    return str(output)


def test_the_runner_is_killed_and_nothing_is_repeated(house: House) -> None:
    running = start(house, SLOW)
    until(lambda: len(house.processes("sh -c until")) == 2)
    runner(house).kill()
    let_go(house)
    output_of(running)
    assert endings(house) == [("Succeeded", "succeeded", 1)] * 6


def test_everybody_who_could_tell_is_killed_and_what_ran_is_begun_anew(house: House) -> None:
    running = start(house, SLOW)
    until(lambda: len(house.processes("sh -c until")) == 2)
    for process in parents(house):
        process.kill()
    let_go(house)
    output_of(running)
    assert endings(house) == [("Succeeded", "succeeded", 2)] * 2 + [("Succeeded", "succeeded", 1)] * 4
    reasons = [event["reason"] for event in house.json("get", "events", "killed")]
    assert reasons.count("runnerDied") == 2


def test_a_trial_that_kills_its_parent_harms_nobody(house: House) -> None:
    output_of(start(house, "test $NUMBER = 0 -o $NUMBER = 3 && kill -9 $PPID; sleep 0.1; echo loss=1"))
    assert [ending[:2] for ending in endings(house)] == [("Succeeded", "succeeded")] * 6
    # Each kill may hit a runner that has claimed an attempt and not started it yet.
    assert sum(attempts for *_, attempts in endings(house)) <= 6 + 2


def test_a_trial_that_kills_all_its_parents_fails_in_the_end_and_its_neighbours_do_not(
    house: House, tmp_path: Path
) -> None:
    house.write("every_parent.py", EVERY_PARENT)
    evil = f"exec python {tmp_path}/every_parent.py"
    running = start(house, f"if test $NUMBER = 0; then {evil}; fi; {SLOW}", failed=1)
    until(lambda: list(house.folder.glob(".tunesmith/trials/*/killed-0-*/3")))
    until(lambda: house.json("get", "trials", "killed")[0]["state"] == "Failed")
    let_go(house)
    output_of(running)
    first, *others = endings(house)
    assert first == ("Failed", "lost", 3)
    assert {(state, reason) for state, reason, _ in others} == {("Succeeded", "succeeded")}
    assert max(attempts for *_, attempts in others) <= 3
