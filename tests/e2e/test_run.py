"""`tunesmith run`, from the document to the table, as a user has it."""

import json
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.house import ROOT, House, until

QUADRATIC = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: quadratic}}
spec:
  objective: {{metric: loss, type: minimize}}
  parameters:
    - {{name: x, type: double, min: -1, max: 1}}
  algorithm: {{name: {algorithm}, settings: {{seed: 3}}}}
  limits: {{trials: {trials}, parallel: 2}}
  trial:
    command: [{python}, -S, -c, {script}, "${{params.x}}"]
"""
LOSS = "import sys; x = float(sys.argv[1]); print(f'loss={x * x!r} twice={2 * x!r}')"
SLOW = "import sys, time; time.sleep(60); print('loss=1')"


def quadratic(trials: int = 6, algorithm: str = "random", script: str = LOSS, extra: str = "") -> str:
    text = QUADRATIC.format(trials=trials, algorithm=algorithm, python=sys.executable, script=json.dumps(script))
    return text + extra


@pytest.mark.parametrize("algorithm", ["random", "sobol", "auto"])
def test_a_study_ends_with_its_best_trial_and_the_table(house: House, algorithm: str) -> None:
    house.write("study.yaml", quadratic(algorithm=algorithm))
    output = house("run", "study.yaml").stdout
    study, trials = house.json("get", "study", "quadratic"), house.json("get", "trials", "quadratic")

    assert (study["state"], study["reason"]) == ("Succeeded", "trialsUsedUp")
    assert study["trials"]["succeeded"] == study["trials"]["total"] == len(trials) == 6
    best = min(trials, key=lambda trial: trial["value"])
    assert study["best"] == {
        k: best[k2] for k, k2 in (("trial", "name"), ("value", "value"), ("assignment", "assignment"))
    }
    assert best["name"] in output
    losses = [trial["value"] for trial in trials]
    assert study["metrics"]["loss"]["min"] == min(losses)
    assert study["metrics"]["loss"]["max"] == max(losses)
    assert study["metrics"]["loss"]["average"] == pytest.approx(sum(losses) / 6)
    assert set(study["metrics"]) == {"loss", "twice"}


def test_the_database_agrees_with_the_trials_own_logs(house: House) -> None:
    house.write("study.yaml", quadratic())
    house("run", "study.yaml")
    uid = house.json("get", "study", "quadratic")["uid"]
    for trial in house.json("get", "trials", "quadratic"):
        log = house.folder / ".tunesmith" / "trials" / uid / trial["name"] / "1" / "output.log"
        loss, twice = (float(token.partition("=")[2]) for token in log.read_text().split())
        assert trial["value"] == trial["metrics"]["loss"]["latest"] == loss == trial["assignment"]["x"] ** 2
        assert trial["metrics"]["twice"]["latest"] == twice
        assert house("logs", trial["name"]).stdout == log.read_text()


def test_a_second_run_shows_the_result_and_starts_nothing(house: House) -> None:
    house.write("study.yaml", quadratic(3))
    house("run", "study.yaml")
    before = house.json("get", "trials", "quadratic")
    output = house("run", "study.yaml").stdout
    assert house.json("get", "trials", "quadratic") == before
    assert min(before, key=lambda trial: trial["value"])["name"] in output


def test_a_raised_limit_is_an_edit(house: House) -> None:
    house.write("study.yaml", quadratic(3))
    house("run", "study.yaml")
    house.write("study.yaml", quadratic(5))
    house("run", "study.yaml")
    trials = house.json("get", "trials", "quadratic")
    assert [trial["number"] for trial in trials] == [0, 1, 2, 3, 4]
    house.write("other.yaml", quadratic(5))
    whole = House(house.folder / "whole")
    whole.folder.mkdir()
    whole.env = house.env  # closed with the other
    whole("run", "../other.yaml")
    assert [t["assignment"] for t in whole.json("get", "trials", "quadratic")] == [t["assignment"] for t in trials]


def test_another_change_is_an_error_that_shows_it(house: House) -> None:
    house.write("study.yaml", quadratic(2))
    house("run", "study.yaml")
    house.write("study.yaml", quadratic(2).replace("max: 1}", "max: 2}"))
    refused = house("run", "study.yaml", check=2)
    shown = refused.stdout + refused.stderr
    assert "max" in shown
    assert "--name" in shown
    assert "delete" in shown
    assert len(house.json("get", "trials", "quadratic")) == 2


def test_interrupted_leaves_no_process_and_goes_on(house: House) -> None:
    house.write("study.yaml", quadratic(4, script=SLOW))
    running = house.start("run", "study.yaml")
    until(lambda: len(house.processes("time.sleep(60)")) == 2)
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=30)[0]
    assert running.returncode == 130
    assert "tunesmith run study.yaml" in output
    assert not house.processes("time.sleep(60)")
    trials = house.json("get", "trials", "quadratic")
    assert [trial["state"] for trial in trials] == ["Pending", "Pending"]

    # The same command takes it up: the same trials run again, and spend no retry.
    again = house.start("run", "study.yaml")
    until(lambda: len(house.processes("time.sleep(60)")) == 2)
    assert [t["assignment"] for t in house.json("get", "trials", "quadratic")] == [t["assignment"] for t in trials]
    house("stop", "quadratic")
    output = again.communicate(timeout=30)[0]
    assert house.json("get", "study", "quadratic")["state"] == "Stopped"
    assert not house.processes("time.sleep(60)")


def test_everything_leaves_when_nothing_is_left_to_do(house: House) -> None:
    house.write("study.yaml", quadratic(2))
    house("run", "study.yaml")
    until(lambda: not house.processes(), timeout=40)


def lowered(example: str, *more: str) -> tuple[str, ...]:
    return ("run", str(ROOT / "examples" / example / "study.yaml"), *more)


def test_example_digits(house: House) -> None:
    house(*lowered("digits", "--trials", "3"), timeout=110)
    study = house.json("get", "study", "digits")
    assert study["trials"]["succeeded"] == 3
    assert study["best"]["value"] > 0.9
    assert set(study["metrics"]) == {"accuracy", "hinge-loss", "fit-seconds"}


def test_example_network(house: House) -> None:
    house(
        *lowered("network", "--trials", "2", "--set", "spec.trial.command=[python, train.py, --epochs=3]"), timeout=110
    )
    study, trials = house.json("get", "study", "network"), house.json("get", "trials", "network")
    assert study["trials"]["succeeded"] == 2
    assert all(trial["metrics"]["accuracy"]["count"] == 3 for trial in trials)
    assert all(("second-units" in trial["assignment"]) == (trial["assignment"]["layers"] == 2) for trial in trials)


def test_example_compress(house: House) -> None:
    house(*lowered("compress"))
    study = house.json("get", "study", "compress")
    assert (study["state"], study["reason"], study["trials"]["total"]) == ("Succeeded", "exhausted", 36)
    assert study["best"]["assignment"]["tool"] in ("xz", "bzip2", "gzip")
    assert 2000 < study["best"]["value"] < 6000


def test_trials_that_misbehave(house: House) -> None:
    scripts = {
        "silent": ("pass", "MetricsUnavailable", "noMetrics"),
        "nan": ("print('loss=nan')", "Failed", "notANumber"),
        "exits": ("import sys; print('loss=1'); sys.exit(3)", "Failed", "userError"),
        "killed": ("import sys; print('loss=1'); sys.exit(137)", "Failed", "lost"),
        "binary": ("import os; os.write(1, bytes(range(256)) * 99 + b'\\nloss=1\\n')", "Succeeded", "succeeded"),
        "lingers": (
            "import os, time; print('loss=1', flush=True); os.fork() or time.sleep(77)",
            "Succeeded",
            "succeeded",
        ),
    }
    for name, (script, _, _) in scripts.items():
        house.write(f"{name}.yaml", quadratic(1, script=script).replace("name: quadratic", f"name: {name}"))
    house.write(
        "missing.yaml",
        quadratic(1).replace(sys.executable, "no-such-program").replace("name: quadratic", "name: missing"),
    )
    for name in [*scripts, "missing"]:
        house("submit", f"{name}.yaml")
    expected = {name: case[1:] for name, case in scripts.items()} | {"missing": ("Failed", "userError")}
    for name, (state, reason) in expected.items():
        (trial,) = until(partial(ended, house, name))
        assert (name, trial["state"], trial["reason"]) == (name, state, reason)
    assert not house.processes("time.sleep(77)")


def ended(house: House, study: str) -> list[Any]:
    return [trial for trial in house.json("get", "trials", study) if trial["finished"]]


def test_overdue_trial_that_ignores_term(house: House) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('loss=1', flush=True); time.sleep(60)"
    house.write("study.yaml", quadratic(1, script=script).replace("parallel: 2", "parallel: 1, trialDuration: 1s"))
    house("run", "study.yaml", check=1)
    (trial,) = house.json("get", "trials", "quadratic")
    assert (trial["state"], trial["reason"]) == ("Failed", "timeout")
    assert not house.processes("time.sleep(60)")


def test_readme_commands_are_two_lines() -> None:
    blocks = [block.strip("\n").split("\n") for block in (ROOT / "README.md").read_text().split("```")[1::2]]
    (run,), (tests,) = blocks[:2]
    assert "tunesmith run examples/digits/study.yaml" in run
    assert "pytest" in tests
    assert Path(ROOT / "examples/digits/study.yaml").exists()
