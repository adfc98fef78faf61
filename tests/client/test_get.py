"""What `get`, `describe` and `logs` print, as table, JSON and YAML; against a fake manager on a real socket."""

import json
from pathlib import Path

from ruamel.yaml import YAML
from tests.client.conftest import Command, Fake
from tests.client.fake_manager import Running

from tunesmith.client._client import Client
from tunesmith.client._progress import done_text


def test_get_studies(ended: Running, command: Command) -> None:
    done = command("get", "studies")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "NAME    STATE      TRIALS       BEST  CREATED",
        "digits  Succeeded     5/5  0.0657467  2026-01-02 03:04:05",
    ]


def test_get_studies_follows_pages_and_filters(fake: Fake, command: Command) -> None:
    fake()
    for number in range(5):
        command("submit", "study.yaml", "--name", f"s{number}")
    command("submit", "study.yaml", "--name", "elsewhere", "-n", "team")
    names = [study["name"] for study in json.loads(command("get", "studies", "-o", "json").out)]
    assert names == [f"s{number}" for number in range(5)]
    everywhere = json.loads(command("get", "studies", "-A", "-o", "json").out)
    assert [study["namespace"] for study in everywhere] == ["default"] * 5 + ["team"]
    assert command("get", "studies", "-A").out.startswith("NAMESPACE")
    assert json.loads(command("get", "studies", "-l", "team=audio", "-o", "json").out) == []
    assert json.loads(command("get", "studies", "--state", "paused", "-o", "json").out) == []
    assert len(json.loads(command("-n", "team", "get", "studies", "-o", "json").out)) == 1


def test_get_study_json_is_as_documented(ended: Running, command: Command) -> None:
    found = json.loads(command("get", "study", "digits", "-o", "json").out)
    assert list(found)[:7] == ["name", "namespace", "uid", "state", "reason", "message", "objective"]
    assert found["objective"] == {"metric": "loss", "type": "minimize", "goal": None, "strategy": "min"}
    assert found["algorithm"] == "random"
    assert found["trials"] == {
        "total": 5,
        "pending": 0,
        "running": 0,
        "succeeded": 4,
        "failed": 1,
        "earlyStopped": 0,
        "killed": 0,
        "metricsUnavailable": 0,
    }
    assert found["best"]["trial"] == "digits-4-abcde"
    assert found["best"]["value"] == found["best"]["assignment"]["C"] == found["metrics"]["loss"]["min"]
    assert set(found["metrics"]["loss"]) == {"min", "max", "average", "count"}
    assert found["created"] == "2026-01-02T03:04:05.000Z"
    assert found["finished"] == "2026-01-02T03:05:05.000Z"
    assert YAML(typ="safe").load(command("get", "study", "digits", "-o", "yaml").out) == found


def test_get_trials(ended: Running, command: Command) -> None:
    lines = command("get", "trials", "digits").out.splitlines()
    assert lines[0].split() == ["TRIAL", "STATE", "VALUE", "TOOK", "ASSIGNMENT"]
    assert len(lines) == 6
    assert lines[2].split() == ["digits-1-abcde", "Failed", "(userError)", "-", "2.5s", "C=12.0383", "kernel=rbf"]


def test_get_trials_in_another_order(ended: Running, command: Command) -> None:
    lines = command("get", "trials", "digits", "--sort=-params.C", "--search", "kernel=rbf", "--limit", "3").out
    assert len(lines.splitlines()) == 4
    request = ended.calls("ListTrials")[-1]
    assert (request.order_by, request.descending, request.search) == ("params.C", True, "kernel=rbf")


def test_get_trials_json_is_as_documented(ended: Running, command: Command) -> None:
    found = json.loads(command("get", "trials", "digits", "-o", "json").out)
    assert [trial["number"] for trial in found] == [0, 1, 2, 3, 4]
    first = found[0]
    documented = {"name", "number", "state", "reason", "assignment", "value", "metrics", "attempts", "parent", "labels"}
    assert documented | {"started", "finished"} <= set(first)
    assert set(first["metrics"]["loss"]) == {"min", "max", "average", "latest", "count", "nonFinite"}
    assert (first["attempts"], first["parent"], first["labels"]) == (1, None, {})
    assert (found[1]["state"], found[1]["value"], found[1]["metrics"]) == ("Failed", None, {})
    failed = json.loads(command("get", "trials", "digits", "--state", "failed", "-o", "json").out)
    assert [trial["number"] for trial in failed] == [1]


def test_get_events(ended: Running, command: Command) -> None:
    lines = command("get", "events", "digits").out.splitlines()
    assert lines[0].split() == ["TIME", "TRIAL", "STATE", "WHAT"]
    assert len(lines) == 6
    found = json.loads(command("get", "events", "digits", "--trial", "1", "-o", "json").out)
    assert [(event["trial"], event["state"]) for event in found] == [("digits-1-abcde", "Failed")]


def test_no_studies_here(command: Command, folder: Path) -> None:
    done = command("get", "studies")
    assert (done.code, done.out.split()) == (0, ["NAME", "STATE", "TRIALS", "BEST", "CREATED"])
    assert "no studies here" in done.err
    assert json.loads(command("get", "studies", "-o", "json").out) == []
    done = command("get", "study", "digits")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: no studies here")
    assert not (folder / ".tunesmith").exists()


def test_what_does_not_exist(fake: Fake, command: Command) -> None:
    fake()
    for words in (
        ("get", "study", "nix"),
        ("get", "trials", "nix"),
        ("describe", "study", "nix"),
        ("watch", "nix"),
        ("logs", "nix/3"),
        ("pause", "nix"),
        ("delete", "nix"),
        ("retry", "nix/0"),
        ("edit", "nix", "--trials", "3"),
        ("export", "nix"),
    ):
        done = command(*words)
        assert (done.code, done.out, done.err) == (2, "", "error: no study nix in namespace default\n")


def test_more_done_than_the_limit_says_now(ended: Running, command: Command) -> None:
    command("edit", "digits", "--trials", "3")
    (study,) = ended.manager.studies.values()
    study.message.spec.limits.trials = 3
    row = command("get", "studies").out.splitlines()[1].split()
    assert row[:3] == ["digits", "Succeeded", "5"]
    with Client(ended.address) as client:
        assert done_text(client.study("digits")) == "5 trials (the limit is 3)"


def test_describe_study(ended: Running, command: Command) -> None:
    out = command("describe", "study", "digits").out
    for text in (
        "Objective    minimize loss (min of a trial)",
        "Trials       5 trials: 4 succeeded, 1 failed",
        "Labels       team=vision",
        "Best trial digits-4-abcde: loss = 0.0657467",
        "METRIC        MIN      MAX  AVERAGE  TRIALS",
        "  apiVersion: tunesmith.dev/v1",
        "Last events",
    ):
        assert text in out
    assert "hush-hush" not in out
    found = json.loads(command("describe", "study", "digits", "-o", "json").out)
    assert found["document"]["metadata"]["name"] == "digits"
    assert len(found["events"]) == 5
    assert "hush-hush" not in json.dumps(found)


def test_describe_trial(ended: Running, command: Command) -> None:
    for name in ("digits/1", "digits-1-abcde"):
        out = command("describe", "trial", name).out
        for text in (
            "State     Failed (userError)",
            "exited with status 3",
            "C       12.0382623",
            "ATTEMPT",
            "drawn at random",
        ):
            assert text in out
    assert 'API_TOKEN="$API_TOKEN" OMP_NUM_THREADS=1 python train.py --C=12.03' in out
    found = json.loads(command("describe", "trial", "digits/1", "-o", "json").out)
    (attempt,) = found["attemptDetails"]
    assert (attempt["ending"], attempt["failureClass"], attempt["exitStatus"]) == ("failed", "userError", 3)


def test_a_trials_name_that_is_none(command: Command) -> None:
    done = command("describe", "trial", "digits")
    assert done.code == 2
    assert "`digits-3-k2f4q` or `digits/3`" in done.err


def test_logs_pass_on_every_byte(ended: Running, command: Command) -> None:
    done = command("logs", "digits/1")
    assert (done.code, done.raw) == (0, b"start\n\x1b[31mboom\x07\xff\n")


def test_logs_options(ended: Running, command: Command) -> None:
    assert command("logs", "digits/1", "-f", "--attempt", "1", "--tail", "4").code == 0
    request = ended.calls("StreamLogs")[-1]
    assert (request.follow, request.attempt, request.tail_bytes) == (True, 1, 4096)


def test_logs_as_json(ended: Running, command: Command) -> None:
    found = json.loads(command("logs", "digits/1", "-o", "json").out)
    assert found == {"trial": "1", "attempt": None, "log": "start\n\x1b[31mboom\x07\ufffd\n"}
    assert command("logs", "digits/1", "-o", "json", "-f").code == 2
