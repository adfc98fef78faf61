"""`algorithms` and `validate` ask the real suggestion service, started for the moment."""

import json
from pathlib import Path

import psutil
from tests.client.conftest import DOCUMENT, Command


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
    done = command("algorithms", "bayes")
    assert (done.code, done.out) == (2, "")
    assert "no algorithm is called bayes; there are auto, grid, random, sobol" in done.err


def test_validate_asks_the_algorithm(command: Command, folder: Path) -> None:
    assert command("validate", "study.yaml").code == 0
    (folder / "study.yaml").write_text(DOCUMENT.replace("seed: 7", "sed: 7"))
    done = command("validate", "study.yaml")
    assert done.code == 2
    assert done.err.startswith("study.yaml:11:")
    assert ": spec.algorithm.settings.sed: " in done.err
    assert not (folder / ".tunesmith").exists()


def test_a_server_that_is_no_suggestion_service(command: Command, fake: object) -> None:
    running = fake()  # type: ignore[operator]
    done = command("algorithms", "--server", running.address)
    assert (done.code, done.out) == (2, "")
    assert "leave --server out" in done.err
