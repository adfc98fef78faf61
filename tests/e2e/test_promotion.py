"""A Hyperband study through the whole product: promoted trials go on from their parents' checkpoints."""

import json
import sys

from tests.house import House

SCRIPT = """
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["TUNESMITH_CHECKPOINT_DIR"])
folder.mkdir(exist_ok=True)
place = folder / "trained.json"
trained = json.loads(place.read_text()) if place.exists() else []
rate, epochs = float(sys.argv[1]), int(sys.argv[2])
for epoch in range(len(trained) + 1, epochs + 1):
    trained.append([os.environ["TUNESMITH_TRIAL"], epoch])
place.write_text(json.dumps(trained))
if rate > 0.9:
    sys.exit(3)
print(f"accuracy={rate}")
"""
STUDY = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {{name: brackets}}
spec:
  objective: {{metric: accuracy, type: maximize}}
  parameters:
    - {{name: rate, type: double, min: 0, max: 1}}
    - {{name: epochs, type: int, min: 1, max: 9}}
  algorithm: {{name: hyperband, settings: {{resource_name: epochs, seed: 4}}}}
  limits: {{trials: 20, parallel: 4, failed: 20}}
  trial: {{command: [{python}, -S, -c, {script}, "${{params.rate}}", "${{params.epochs}}"]}}
"""


def test_promoted_trials_go_on_from_their_parents_checkpoints(house: House) -> None:
    house.write("study.yaml", STUDY.format(python=sys.executable, script=json.dumps(SCRIPT)))
    house("run", "study.yaml")
    uid = house.json("get", "study", "brackets")["uid"]
    trials = house.json("get", "trials", "brackets")
    by_name = {trial["name"]: trial for trial in trials}
    assert len(trials) == 20
    promoted = [trial for trial in trials if trial["parent"] is not None]
    assert len(promoted) == 5
    for trial in promoted:
        parent = by_name[trial["parent"]]
        assert parent["state"] == "Succeeded"
        assert trial["assignment"] == {**parent["assignment"], "epochs": trial["assignment"]["epochs"]}
        trained = json.loads(_checkpoint(house, uid, trial["name"]))
        before = json.loads(_checkpoint(house, uid, parent["name"]))
        assert trained[: len(before)] == before, "the parent's epochs are trained again"
        assert [epoch for _, epoch in trained] == list(range(1, trial["assignment"]["epochs"] + 1))
        assert {name for name, _ in trained[len(before) :]} == {trial["name"]}


def _checkpoint(house: House, uid: str, trial: str) -> str:
    return (house.folder / ".tunesmith" / "trials" / uid / trial / "checkpoint" / "trained.json").read_text()
