"""`algorithms` and `validate` ask a manager that runs, or else the real suggestion service, started for the moment."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.client.conftest import DOCUMENT, Command
from tests.client.fake_manager import Running, Script

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
turns  int     3        1 to 1,000
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
turns  int     3        1 to 1,000
    How often it turns.
start  double  -        0.5 or less
    Where it begins.
mode   string  up       up | down
    The direction that it takes once it
    moves.
"""
Fake = Callable[..., Running]


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
    with Client() as client:
        assert [algorithm.name for algorithm in client.algorithms()] == ["golden"]


def test_a_manager_that_runs_here_is_asked_and_none_is_started(command: Command, fake: Fake, folder: Path) -> None:
    running = fake(Script(warnings=["few trials"]))
    assert command("algorithms").out.endswith("golden  Multiples of the golden ratio.\n")
    assert command("validate", "study.yaml").err == "Note: few trials\n"
    assert len(running.calls("ListAlgorithms")) == len(running.calls("ValidateStudy")) == 1
    (folder / ".tunesmith" / "manager.json").unlink()
    assert "sobol" in command("algorithms").out
    assert command("validate", "study.yaml").err == ""
    assert not (folder / ".tunesmith" / "manager.log").exists()
