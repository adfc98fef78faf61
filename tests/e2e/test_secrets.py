"""Variables that a manager keeps to itself."""

from pathlib import Path

import pytest
from tests.house import House, until

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: secret}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  algorithm: {name: random}
  limits: {trials: 1}
  trial: {command: [sh, -c, "env; echo loss=1"], env: {GIVEN_TOKEN: "${trial.name}"}}
"""


def seen(house: House) -> dict[str, str]:
    """The environment of the trial."""
    house.write("study.yaml", STUDY)
    house("run", "study.yaml")
    lines = house("logs", "secret/0").stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def secrets(house: House) -> House:
    house.env |= {"AWS_SECRET": "1", "API_TOKEN": "2", "GIVEN_TOKEN": "3", "PLAIN": "4"}
    return house


def test_the_variable_reaches_the_manager_that_a_command_starts(secrets: House) -> None:
    secrets.env["TUNESMITH_SECRET_ENV"] = "AWS_SECRET, API_TOKEN,GIVEN_TOKEN,,NOT_SET"
    env = seen(secrets)
    assert {"AWS_SECRET", "API_TOKEN"}.isdisjoint(env)
    assert env["PLAIN"] == "4"
    assert env["GIVEN_TOKEN"].startswith("secret-0-")  # what the document says is no secret of the manager's


def test_the_options_of_serve_add_to_the_variable(secrets: House, tmp_path: Path) -> None:
    secrets.env["TUNESMITH_SECRET_ENV"] = "GIVEN_TOKEN"
    serving = secrets.start("serve", "--no-dashboard", "--secret-env", "AWS_SECRET", "--secret-env", "API_TOKEN")
    until((tmp_path / ".tunesmith" / "manager.json").exists)
    assert {"AWS_SECRET", "API_TOKEN"}.isdisjoint(seen(secrets))
    serving.terminate()
    serving.communicate()


@pytest.mark.parametrize("name", ["A=B", "A B", ""])
def test_what_cannot_be_a_name_is_refused(house: House, name: str) -> None:
    done = house("manager", "serve", "--secret-env", name, check=2)
    assert f"`--secret-env` must name an environment variable, but got {name!r}" in done.stderr
