"""`algorithms`, `rules` and `validate` ask a manager that runs, or else the real services, started for the moment."""

import asyncio
import json
import re
from pathlib import Path

import psutil
import pytest
from tests.client.conftest import DOCUMENT, Command, Fake
from tests.client.fake_manager import Script
from tests.early_stopping import Stopper, stopping

from tunesmith.client import _output
from tunesmith.client._client import Client

GOLDEN = """\
golden: Multiples of the golden ratio.

Also called  phi
Works with   conditional parameters
Not with     constraints, several objectives, several fidelities
Learns       nothing: values of trials do not matter to it

Settings (spec.algorithm.settings)
NAME   TYPE    DEFAULT  RANGE
turns  int     3        1 to 1,000,000
    How often it turns.
start  double  -        0.5 or less
    Where it begins.
mode   string  up       up | down
    The direction that it takes once it moves.
"""
NARROW = """\
golden: Multiples of the golden ratio.

Also called  phi
Works with   conditional parameters
Not with     constraints, several
             objectives, several
             fidelities
Learns       nothing: values of trials
             do not matter to it

Settings (spec.algorithm.settings)
NAME   TYPE    DEFAULT  RANGE
turns  int     3        1 to 1,000,000
    How often it turns.
start  double  -        0.5 or less
    Where it begins.
mode   string  up       up | down
    The direction that it takes once it
    moves.
"""
HOPELESS = """\
hopeless: Stops what is lost.

Also called  lost
Source       Dante

Settings (spec.earlyStopping.settings)
NAME       TYPE  DEFAULT  RANGE
startStep  int   4        1 or more
    From which step on.
"""


def test_algorithms(command: Command) -> None:
    found = json.loads(command("algorithms", "-o", "json").out)
    assert {"auto", "grid", "random", "sobol"} <= {algorithm["name"] for algorithm in found}
    sobol = next(algorithm for algorithm in found if algorithm["name"] == "sobol")
    assert sobol["capabilities"]["constraints"] is True
    assert sobol["settings"][0] | {"meaning": ""} == {
        "name": "seed",
        "type": "int",
        "default": None,
        "min": 0,
        "max": None,
        "choices": [],
        "meaning": "",
    }
    left = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in left if "suggestion" in " ".join(child.cmdline())]


def test_one_algorithm(command: Command) -> None:
    done = command("algorithms", "qmc")  # an alias of sobol
    assert done.code == 0
    assert done.out.startswith("sobol: ")
    assert "Settings (spec.algorithm.settings)" in done.out
    done = command("algorithms", "astrology")
    assert (done.code, done.out) == (2, "")
    assert re.match("error: no algorithm is called astrology; there are auto, .*grid, .*random, .*sobol", done.err)


def test_validate_asks_the_algorithm(command: Command, folder: Path) -> None:
    assert command("validate", "study.yaml").code == 0
    (folder / "study.yaml").write_text(DOCUMENT.replace("seed: 7", "sed: 7"))
    done = command("validate", "study.yaml")
    assert done.code == 2
    assert done.err.startswith("study.yaml:11:")
    assert ": spec.algorithm.settings.sed: " in done.err
    assert not (folder / ".tunesmith").exists()


def test_rules(command: Command) -> None:
    found = json.loads(command("rules", "-o", "json").out)
    median = next(rule for rule in found if rule["name"] == "median")
    assert list(median) == ["name", "aliases", "summary", "description", "source", "settings"]
    assert all(rule["summary"] and rule["description"] for rule in found)
    assert command("rules", "median").out.startswith("median: ")
    done = command("rules", "astrology")
    assert (done.code, done.out) == (2, "")
    assert re.match("error: no rule is called astrology; there are .*median", done.err)
    left = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in left if "earlystop" in " ".join(child.cmdline())]


RULED = "  earlyStopping: {name: median, settings: {startStep: 2}}\n"


def test_mistakes_of_algorithm_and_rule_are_told_together(command: Command, folder: Path) -> None:
    (folder / "study.yaml").write_text(DOCUMENT + RULED)
    for words in (("validate", "study.yaml"), ("run", "study.yaml", "--dry-run")):
        assert command(*words).code == 0
    wrong = (DOCUMENT + RULED).replace("seed: 7", "sed: 7").replace("startStep", "beginStep")
    (folder / "study.yaml").write_text(wrong)
    for words in (("validate", "study.yaml"), ("run", "study.yaml", "--dry-run")):
        done = command(*words)
        assert (done.code, done.out) == (2, "")
        algorithm, rule = done.err.splitlines()
        assert algorithm.startswith("study.yaml:11:")
        assert ": spec.algorithm.settings.sed: " in algorithm
        assert rule.startswith("study.yaml:16:")
        assert ": spec.earlyStopping.settings.beginStep: " in rule
    (folder / "study.yaml").write_text(DOCUMENT + RULED.replace("median", "astrology"))
    assert ": spec.earlyStopping.name: " in command("validate", "study.yaml").err


async def test_a_rule_of_ones_own_is_asked_where_it_listens(command: Command, folder: Path) -> None:
    async with stopping(Stopper()) as address:
        text = DOCUMENT + f"  earlyStopping: {{name: scripted, endpoint: '{address}'}}\n"
        (folder / "study.yaml").write_text(text)
        done = await asyncio.to_thread(command, "validate", "study.yaml")
        assert (done.code, done.err) == (0, "Note: it is scripted\n")
        (folder / "study.yaml").write_text(text.replace("scripted", "other"))
        done = await asyncio.to_thread(command, "validate", "study.yaml")
        assert (done.code, done.err) == (2, "study.yaml:16:25: spec.earlyStopping.name: there is only `scripted`\n")
    done = await asyncio.to_thread(command, "run", "study.yaml", "--dry-run")
    assert done.code == 0
    assert done.err.startswith("Note: algorithm and rule are not checked: ")


def test_a_mistake_is_told_though_the_other_service_is_away(command: Command, folder: Path) -> None:
    away = DOCUMENT + f"  earlyStopping: {{name: scripted, endpoint: 'unix:{folder}/nobody'}}\n"
    (folder / "study.yaml").write_text(away.replace("seed: 7", "sed: 7"))
    for words in (("validate", "study.yaml"), ("run", "study.yaml", "--dry-run")):
        done = command(*words)
        assert (done.code, done.out) == (2, "")
        assert ": spec.algorithm.settings.sed: " in done.err
    (folder / "study.yaml").write_text(away)
    assert command("validate", "study.yaml").code == 3


def test_algorithms_of_a_manager_elsewhere(
    command: Command, fake: Fake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = fake()
    (folder / ".tunesmith" / "manager.json").unlink()
    monkeypatch.setenv("TUNESMITH_SERVER", running.address)
    assert command("algorithms").out.splitlines() == [
        "NAME    SUMMARY",
        "golden  Multiples of the golden ratio.",
    ]
    (found,) = json.loads(command("algorithms", "-o", "json").out)
    assert (found["name"], found["settings"][0]["default"]) == ("golden", 3)
    assert found["learns"] is False
    assert command("algorithms", "phi").out == GOLDEN
    monkeypatch.setattr(_output, "plain_stream", lambda: False)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    assert command("algorithms", "phi").out == NARROW
    assert command("rules", "lost").out == HOPELESS
    with Client() as client:
        assert [algorithm.name for algorithm in client.algorithms()] == ["golden"]
        assert [rule.name for rule in client.rules()] == ["hopeless"]


def test_a_manager_that_runs_here_is_asked_and_none_is_started(command: Command, fake: Fake, folder: Path) -> None:
    running = fake(Script(warnings=["few trials"]))
    assert command("algorithms").out.endswith("golden  Multiples of the golden ratio.\n")
    assert command("validate", "study.yaml").err == "Note: few trials\n"
    assert len(running.calls("ListAlgorithms")) == len(running.calls("ValidateStudy")) == 1
    (folder / ".tunesmith" / "manager.json").unlink()
    assert "sobol" in command("algorithms").out
    assert command("validate", "study.yaml").err == ""
    assert not (folder / ".tunesmith" / "manager.log").exists()
