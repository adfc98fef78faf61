"""Early stopping as a user has it: hopeless trials end, what was decided is told, and what it cost is estimated."""

import json
import re
import signal
import sys
from typing import Any

import pytest
from tests.house import ROOT, House, until

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: curves}}
spec:
  objective: {{metric: accuracy, type: maximize}}
  parameters:
    - {{name: height, type: double, min: 0, max: 1}}
  algorithm: {{name: random, settings: {{seed: 3}}}}
  earlyStopping: {{name: median, settings: {{startStep: 3}}}}
  limits: {{trials: 8}}
  initial: [{{height: 0.7}}, {{height: 0.8}}, {{height: 0.9}}, {{height: 0.95}}, {{height: 0.1}}, {{height: 0.2}}]
  trial:
    command: [{python}, -c, {script}]
    env: {{PYTHONPATH: {path}}}
"""
SCRIPT = """
import sys, time, tunesmith
height = tunesmith.params()["height"]
for epoch in range(1, 201):
    tunesmith.report(epoch, accuracy=height * (1 - 0.97 ** epoch))
    if tunesmith.should_stop():
        print("saved what is worth saving")
        break
    time.sleep(SLOW if epoch > 5 and height < 0.5 else 0.004 if height == 0.95 else 0)
"""


def curves(slow: float = 0.02) -> str:
    script = json.dumps(SCRIPT.replace("SLOW", str(slow)))
    return STUDY.format(python=sys.executable, script=script, path=ROOT / "src")


def trials(house: House, study: str = "curves") -> list[dict[str, Any]]:
    return list(house.json("get", "trials", study))


def test_what_a_rule_did_is_told(house: House) -> None:
    house.write("study.yaml", curves())
    output = house("run", "study.yaml").stdout
    found = trials(house)
    early = [trial for trial in found if trial["state"] == "EarlyStopped"]
    assert {4, 5} <= {trial["number"] for trial in early}
    counts = house.json("get", "study", "curves")["trials"]
    assert (counts["earlyStopped"], counts["succeeded"]) == (len(early), 8 - len(early))
    assert "trial 4 was stopped early in " in output
    assert f"8 trials: {8 - len(early)} succeeded, {len(early)} stopped early, in " in output
    made = sum(trial["metrics"]["accuracy"]["count"] for trial in early)
    took = made + 200 * (8 - len(early))
    assert f"stopped early, after {made:,} of their {200 * len(early):,} reports; the study took {took:,}" in output
    assert "saved what is worth saving" in house("logs", early[0]["name"]).stdout

    decisions = house.json("get", "decisions", "curves")
    assert {one["trial"] for one in decisions if one["stop"]} == {trial["name"] for trial in early}
    assert all(one["rule"] == "median" and one["reason"] and one["step"] >= 3 for one in decisions)
    shown = house("describe", "trial", early[0]["name"]).stdout
    assert "\n  Stopped by median (" in shown
    assert next(one["reason"] for one in decisions if one["stop"]) in shown
    assert "\n  Not stopped by median (" in house("describe", "trial", "curves/3").stdout


def test_a_rule_that_predicts_tells_what_it_expected(house: House) -> None:
    house.write("study.yaml", curves())
    house("run", "study.yaml", "--set", "spec.earlyStopping={name: curve, settings: {maxResource: 200}}")
    stops = [one for one in house.json("get", "decisions", "curves") if one["stop"]]
    numbers = {trial["name"]: trial["number"] for trial in trials(house)}
    assert {4, 5} <= {numbers[one["trial"]] for one in stops}, "they are far below the best"
    assert all(one["predicted"] is not None and one["step"] < 200 for one in stops)
    shown = house("describe", "trial", stops[0]["trial"]).stdout
    assert "\n  Stopped by curve (" in shown
    assert " it is expected to end at " in shown


LATE = """
import time, tunesmith
height, until = tunesmith.params()["height"], time.monotonic() + 10
waits = height in (0.15, 0.55)  # for what the rule says; the others are too fast to be stopped, and do not look
for epoch in range(1, 28):
    tunesmith.report(epoch, accuracy=height * min(max(epoch - 5, 0) / 15, 1.0))
    while waits and epoch == 4 and not tunesmith.should_stop() and time.monotonic() < until:
        time.sleep(0.02)
    if waits and tunesmith.should_stop():
        break
"""


def test_a_rule_knows_trials_by_their_parameters(house: House) -> None:
    """Nothing is seen of a trial in its first five steps, in which only its height says where it will end."""
    house.write("study.yaml", STUDY.format(python=sys.executable, script=json.dumps(LATE), path=ROOT / "src"))
    heights = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95, 0.15, 0.55]
    settings = (
        "spec.earlyStopping={name: curve, settings: {maxResource: 27}}",
        f"spec.initial={[{'height': height} for height in heights]}",
        f"spec.limits={{trials: {len(heights)}, parallel: 1}}",
    )
    house("run", "study.yaml", *(word for one in settings for word in ("--set", one)))
    numbers = {trial["name"]: trial["number"] for trial in trials(house)}
    stops = {numbers[one["trial"]]: one for one in house.json("get", "decisions", "curves") if one["stop"]}
    assert all(stops[number]["step"] <= 4 for number in (10, 11))
    assert stops[10]["predicted"] == pytest.approx(0.15, abs=0.1)
    assert stops[11]["predicted"] == pytest.approx(0.55, abs=0.1)


def test_algorithms_learn_where_stopped_trials_would_have_ended(house: House) -> None:
    house.write("study.yaml", curves())
    tpe = "spec.algorithm={name: tpe, settings: {n_startup_trials: 4}}"
    house("run", "study.yaml", "--trials", "14", "--set", tpe)
    shown = " ".join(house("describe", "trial", "curves/13").stdout.split())
    assert re.search(r"\(\d+ of them pending, 0 failed\); of [1-9]\d* that were stopped the ends are forecast", shown)


def test_example(house: House) -> None:
    smaller = ("--trials", "4", "--set", "spec.parameters[0].values=[16, 32]")
    output = house("run", str(ROOT / "examples" / "early-stopping" / "study.yaml"), *smaller, timeout=115).stdout
    counts, found = house.json("get", "study", "early-stopping")["trials"], trials(house, "early-stopping")
    assert counts["earlyStopped"] + counts["succeeded"] == 4
    assert counts["earlyStopped"] >= 1
    epochs = [trial["metrics"]["accuracy"]["count"] for trial in found]
    assert sum(epochs) < 400
    assert f"the study took {sum(epochs)} in place of 400." in output
    # On a busy machine one may be stopped as it ends, and has no time to say so.
    early = next(trial for trial in found if trial["state"] == "EarlyStopped" and epochs[trial["number"]] < 100)
    assert f"stopped after {epochs[early['number']]} of 100 epochs" in house("logs", early["name"]).stdout


def test_audit_estimates_and_finishes_a_sample(house: House) -> None:
    house.write("study.yaml", curves())
    house("run", "study.yaml")
    before = trials(house)
    early = {trial["name"]: trial for trial in before if trial["state"] == "EarlyStopped"}
    guessed = house.json("audit", "curves")
    assert {one["trial"] for one in guessed["stopped"]} == set(early)
    chances = [one["chance"] for one in guessed["stopped"]]
    assert chances == sorted(chances, reverse=True)
    assert 0 <= guessed["missedAtLeast"] <= guessed["missed"] < 0.05
    for one in guessed["stopped"]:  # the curves follow from the height, and so does the estimate
        assert one["expected"] == pytest.approx(one["assignment"]["height"] * (1 - 0.97**200), abs=1e-6)
        assert (one["by"], one["reached"], one["better"]) == ("curves", None, None)
    assert "Stopping probably cost nothing: P(best missed) is " in house("audit", "curves").stdout

    output = house("audit", "curves", "--finish", "2").stdout
    assert "Study curves-audit: 2 trials" in output
    assert "2 trials were run to the end: none of them beat the best" in output
    finished = trials(house, "curves-audit")
    assert [trial["state"] for trial in finished] == ["Succeeded"] * 2
    assert all(trial["metrics"]["accuracy"]["count"] == 200 for trial in finished)
    document = house.json("describe", "study", "curves-audit")["document"]
    assert "earlyStopping" not in document["spec"]
    assert document["metadata"]["labels"]["audit-of"] == "curves"

    again = house.json("audit", "curves", "--finish", "2")  # takes it up, and there is nothing to do
    assert trials(house, "curves-audit") == finished
    reached = {one["trial"]: one["reached"] for one in again["stopped"] if one["reached"] is not None}
    assert len(reached) == 2
    assert house.json("audit", "curves") == again
    assert trials(house) == before


def test_an_audit_that_is_interrupted_goes_on(house: House) -> None:
    house.write("study.yaml", curves(slow=0.05))
    house("run", "study.yaml")
    running = house.start("audit", "curves", "--finish", "1")
    until(lambda: "Running" in house("get", "trials", "curves-audit", check=None).stdout)
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=30)[0]
    assert running.returncode == 130
    assert "tunesmith audit curves --finish 1" in output
    house("audit", "curves", "--finish", "1")
    assert [trial["state"] for trial in trials(house, "curves-audit")] == ["Succeeded"]


def test_a_name_that_is_taken(house: House) -> None:
    house.write("study.yaml", curves())
    house("run", "study.yaml")
    house("run", "study.yaml", "--name", "curves-audit", "--trials", "1", "--set", "spec.initial=[{height: 0.7}]")
    assert "would" in house("audit", "curves").stdout.lower()
    refused = house("audit", "curves", "--finish", "1", check=2)
    assert "the study curves-audit is there, and is not one that finishes trials of curves" in refused.stderr
    house("audit", "curves", "--finish", "1", "--name", "finished")
    assert [trial["state"] for trial in trials(house, "finished")] == ["Succeeded"]
    assert "REACHED" in house("audit", "curves", "--name", "finished").stdout
    named = house("audit", "curves", "--name", "curves-audit", check=2)
    assert "is not one that finishes trials of curves" in named.stderr
    nothing = house("audit", "curves-audit", "--finish", "2", "--name", "none").stdout
    assert nothing == "No trial of study curves-audit was stopped early.\n"
    assert "there is no study 'finnished'" in house("audit", "curves", "--name", "finnished", check=2).stderr
    assert house("audit", "curves-audit").stdout == "No trial of study curves-audit was stopped early.\n"
