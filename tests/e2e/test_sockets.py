"""Nothing of ours is left in the folder for temporary files."""

from pathlib import Path

import pytest
from tests.house import House, until

from tunesmith.services import local
from tunesmith.services.local import STATE_FOLDER

STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: short}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  algorithm: {name: random}
  limits: {trials: 2}
  trial: {command: [sh, -c, "echo loss=1"]}
"""


@pytest.mark.parametrize("killed", ["", "_runner", "tunesmith.manager"])
def test_the_socket_folder_goes_with_the_last_process(house: House, killed: str) -> None:
    house.write("study.yaml", STUDY)
    house("run", "study.yaml")
    (manager,) = house.processes("tunesmith.manager serve")
    sockets = socket_folder(house.folder)
    assert (sockets / "manager.sock").exists()
    if killed:
        house.kill(killed)
    if killed != "tunesmith.manager":
        manager.terminate()
    until(lambda: not sockets.exists())
    until(lambda: not house.processes())
    assert "serves" in (house.folder / STATE_FOLDER / "runner.log").read_text()
    house("run", "study.yaml", "--name", "again")


def socket_folder(base: Path) -> Path:
    """As the manager of a folder made it."""
    made = local.socket_folder(base / STATE_FOLDER)
    assert any(made.iterdir())
    return made
