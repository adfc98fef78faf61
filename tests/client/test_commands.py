"""What each command prints, as table, JSON and YAML, and its exit code; against a fake manager on a real socket."""

import csv
import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.client.conftest import Command
from tests.client.fake_manager import Running, Script

from tunesmith.client._client import Client
from tunesmith.client._progress import done_text
from tunesmith.services import errors
from tunesmith.study import TrialState
from tunesmith.study._mistakes import Mistake

Fake = Callable[..., Running]
FAILS = {1: (TrialState.FAILED, "userError", 3, b"start\n\x1b[31mboom\x07\xff\n")}


@pytest.fixture
def ended(fake: Fake, command: Command) -> Running:
    """A manager whose study `digits` has ended, with one failed trial."""
    running = fake(Script(endings=FAILS))
    assert command("run", "study.yaml").code == 0
    return running


# ---- get


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


# ---- describe


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


# ---- logs


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


# ---- submit, pause, resume, stop, delete, retry, edit


def test_submit(fake: Fake, command: Command) -> None:
    running = fake(Script(pace=5, warnings=["grid would be better"]))
    done = command("submit", "study.yaml", "--trials", "9")
    assert done.code == 0
    assert done.out == "Study digits is created: 9 trials, 2 at a time, algorithm random.\n"
    assert done.err.splitlines() == ["Note: grid would be better", "`tunesmith watch digits` follows it."]
    again = command("submit", "study.yaml")
    assert (again.code, again.err) == (2, "error: study digits is there already\n")
    assert json.loads(command("submit", "study.yaml", "--name", "b", "-o", "json").out)["name"] == "b"
    assert len(running.calls("CreateStudy")) == 3


def test_pause_resume_stop(fake: Fake, command: Command) -> None:
    running = fake(Script(pace=5))
    command("submit", "study.yaml")
    assert command("pause", "digits").out == "Study digits is paused.\n"
    refused = command("pause", "digits")
    assert (refused.code, refused.err) == (2, "error: only a study in state Running can pause, but digits is Paused\n")
    assert command("resume", "digits").out == "Study digits goes on.\n"
    assert command("stop", "digits", "--interrupt").out == "Study digits is interrupted.\n"
    assert json.loads(command("stop", "digits", "-o", "json").out)["state"] == "Stopped"
    assert [request.interrupt for request in running.calls("StopStudy")] == [True, False]
    assert command("stop", "digits/0").out == "Trial digits-0-abcde is being stopped.\n"


def test_delete(fake: Fake, command: Command) -> None:
    fake(Script(pace=5))
    command("submit", "study.yaml")
    assert command("delete", "digits").out == "Study digits is deleted.\n"  # the input is no terminal
    assert command("delete", "digits", "--yes").code == 2
    command("submit", "study.yaml")
    told = json.loads(command("delete", "digits", "-o", "json").out)
    assert told | {"uid": ""} == {"name": "digits", "namespace": "default", "uid": "", "deleted": True}


def test_retry(ended: Running, command: Command) -> None:
    assert command("retry", "digits/1").out == "Trial digits-1-abcde runs again.\n"
    refused = command("retry", "digits-0-abcde")
    assert (refused.code, refused.out) == (2, "")
    assert "only a failed trial can be retried" in refused.err


def test_edit(ended: Running, command: Command) -> None:
    done = command("edit", "digits", "--trials", "8", "--parallel", "3", "--duration", "1h30m", "--label", "a=b")
    assert done.out.splitlines() == [
        "Study digits is edited: limits.trials 5 → 8, limits.parallel 2 → 3, limits.duration none → 5400, labels.",
        "It goes on.",
    ]
    (request,) = ended.calls("EditStudy")
    assert (request.limits.trials, request.limits.parallel, request.limits.failed) == (8, 3, 3)
    assert request.limits.duration.seconds == 5400
    assert dict(request.labels.labels) == {"team": "vision", "a": "b"}
    assert request.generation == 1
    command("edit", "digits", "--remove-label", "team", "--duration", "none")
    assert dict(ended.calls("EditStudy")[-1].labels.labels) == {"a": "b"}
    assert not ended.calls("EditStudy")[-1].limits.HasField("duration")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is nothing to change"),
        (("--trials", "many"), "a whole number from 1"),
        (("--duration", "2 parsecs"), "90s, 10m, 2h or 1h30m"),
        (("--label", "novalue"), "a label is KEY=VALUE"),
        (("--parallel", "0"), "--parallel"),
    ],
)
def test_edit_of_nothing_or_nonsense(command: Command, words: tuple[str, ...], said: str) -> None:
    done = command("edit", "digits", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# ---- export


def test_export_csv(ended: Running, command: Command, folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(command("export", "digits").out)))
    trials = json.loads(command("get", "trials", "digits", "-o", "json").out)
    assert len(rows) == len(trials) == 5
    for row, trial in zip(rows, trials, strict=True):
        assert row["name"] == trial["name"]
        assert float(row["params.C"]) == trial["assignment"]["C"]
        assert row["value"] == ("" if trial["value"] is None else repr(trial["value"]))
    assert rows[1]["metrics.loss.latest"] == ""
    assert command("export", "digits", "--file", "x.csv").err == "5 trials written to x.csv\n"
    assert list(csv.DictReader(io.StringIO((folder / "x.csv").read_text()))) == rows
    assert command("export", "digits", "--file", "no/such/x.csv").code == 2


def test_export_as_output_says(ended: Running, command: Command) -> None:
    as_json = command("export", "digits", "--format", "json")
    assert command("export", "digits", "-o", "json").out == as_json.out
    assert YAML(typ="safe").load(command("export", "digits", "-o", "yaml").out) == json.loads(as_json.out)
    done = command("export", "digits", "-o", "yaml", "--format", "csv")
    assert (done.code, done.out) == (2, "")
    assert "give one of them" in done.err


def test_export_json(ended: Running, command: Command) -> None:
    found = json.loads(command("export", "digits", "--format", "json").out)
    assert found["study"] == json.loads(command("get", "study", "digits", "-o", "json").out)
    assert found["trials"] == json.loads(command("get", "trials", "digits", "-o", "json").out)


# ---- documents


def test_validate_tells_every_mistake_with_its_place(command: Command, folder: Path) -> None:
    text = (folder / "study.yaml").read_text().replace("min: 0.01", "min: 1000").replace("type: minimize", "type: best")
    (folder / "study.yaml").write_text(text)
    done = command("validate", "study.yaml")
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("study.yaml:7:35: spec.objective.type: ")
    assert lines[1].startswith("study.yaml:9:36: spec.parameters[0].min: `min <= max` must hold")


def test_a_document_that_is_not_there(command: Command, folder: Path) -> None:
    done = command("validate", "nix.yaml")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "error: nix.yaml cannot be read: No such file or directory (`tunesmith init` writes one to start from)\n"
    )
    assert "Is a directory" in command("run", ".").err


def test_a_document_that_is_far_too_large(command: Command, folder: Path) -> None:
    for size, said in (
        (2**24 + 1, "error: model.bin: a document must have at most 1 MiB, but got more than 16 MiB\n"),
        (2**20 + 1, "at most 1 MiB (1,048,576 bytes), but got 1,048,577 bytes\n"),
    ):
        (folder / "model.bin").write_bytes(bytes(size))
        done = command("validate", "model.bin")
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith(said)


def test_more_done_than_the_limit_says_now(ended: Running, command: Command) -> None:
    command("edit", "digits", "--trials", "3")
    (study,) = ended.manager.studies.values()
    study.message.spec.limits.trials = 3
    row = command("get", "studies").out.splitlines()[1].split()
    assert row[:3] == ["digits", "Succeeded", "5"]
    with Client(ended.address) as client:
        assert done_text(client.study("digits")) == "5 trials (the limit is 3)"


def test_mistakes_that_only_a_server_sees_have_a_place_too(fake: Fake, command: Command) -> None:
    fake(Script(refuse=errors.FixRequest("bad", [Mistake("spec.algorithm.settings.seed", "must be 1")])))
    done = command("run", "study.yaml")
    assert (done.code, done.err) == (2, "study.yaml:11:46: spec.algorithm.settings.seed: must be 1\n")


def test_validate_by_a_server(fake: Fake, command: Command) -> None:
    running = fake(Script(warnings=["few trials"]))
    done = command("validate", "study.yaml", "--server", running.address)
    assert (done.code, done.err) == (0, "Note: few trials\n")
    assert done.out == "study.yaml is right: study digits\n"
    running.manager.script.refuse = errors.FixRequest("bad", [Mistake("spec.algorithm.name", "is unknown")])
    done = command("validate", "study.yaml", "--server", running.address)
    assert (done.code, done.err) == (2, "study.yaml:11:21: spec.algorithm.name: is unknown\n")


def test_standard_input(command: Command, folder: Path) -> None:
    text = (folder / "study.yaml").read_text()
    assert command("run", "-", "--dry-run", input=text).code == 0
    assert command("run", "-", "--dry-run", input="[]").err.startswith("<standard input>:1:1: ")


def test_schema(command: Command, folder: Path) -> None:
    import jsonschema

    schema = json.loads(command("schema").out)
    jsonschema.validate(YAML(typ="safe").load(folder / "study.yaml"), schema)


def test_init_is_right_and_is_not_overwritten(command: Command, folder: Path) -> None:
    (folder / "study.yaml").unlink()
    done = command("init", "--name", "mine")
    assert done.out == "Wrote study.yaml and train.py. Try it:\n  tunesmith run study.yaml\n"
    assert command("run", "study.yaml", "--dry-run").out.startswith("Study mine is right")
    refused = command("init")
    assert refused.code == 2
    assert "study.yaml and train.py would be overwritten" in refused.err
    assert command("init", "--force").code == 0
    assert command("init", "sub/folder").code == 0
    assert command("init", "x", "--name", "Not Allowed").code == 2


def test_init_tells_programs_what_it_wrote(command: Command, folder: Path) -> None:
    done = command("init", "new", "-o", "json")
    assert json.loads(done.out) == {"name": "first-study", "files": ["new/study.yaml", "new/train.py"]}


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.EROFS, 2, "must be a folder that can be written to: Read-only file system; name another one"),
        (errno.EACCES, 2, "must be a folder that can be written to: Permission denied; name another one"),
        (errno.ENOSPC, 4, "is full"),
    ],
)
def test_init_where_nothing_can_be_written(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, said: str
) -> None:
    """Root may write into every folder, so the system's answer is a made-up one; a file in the way is a real one."""
    written = Path.write_text

    def write(path: Path, text: str, **how: Any) -> int:
        if path.name == "train.py":
            raise OSError(number, os.strerror(number))
        return written(path, text, **how)

    monkeypatch.setattr(Path, "write_text", write)
    done = command("init", "new")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert str(folder / "new") in done.err
    assert said in done.err
    assert list((folder / "new").iterdir()) == []


def test_init_below_a_file(command: Command, folder: Path) -> None:
    done = command("init", "study.yaml/new")
    assert (done.code, done.out) == (2, "")
    assert f"{folder}/study.yaml/new must be a folder that can be written to: Not a directory" in done.err


def test_what_init_writes_trains(command: Command, folder: Path) -> None:
    import subprocess
    import sys

    command("init", "new")
    words = ["new/train.py", "--rate=0.3", "--momentum=0.5", "--method=nesterov"]
    done = subprocess.run([sys.executable, "-I", *words], capture_output=True, text=True, check=True)
    values = [float(line.removeprefix("loss=")) for line in done.stdout.splitlines()]
    assert len(values) == 10
    assert values[-1] < values[0]


# ---- servers


def test_nobody_answers(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.client import _connection

    monkeypatch.setattr(_connection, "_PAUSES", (0.0,))
    for server in ("127.0.0.1:1", f"unix:{tmp_path}/no.sock"):
        done = command("get", "study", "x", "--server", server)
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("error: the server cannot be reached")


def test_server_by_option_before_and_by_environment(
    fake: Fake, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = fake()
    (folder / ".tunesmith" / "manager.json").unlink()
    assert command("submit", "study.yaml", "--server", running.address).code == 0
    assert command("--server", running.address, "get", "study", "digits").code == 0
    monkeypatch.setenv("TUNESMITH_SERVER", running.address)
    assert command("get", "study", "digits").code == 0


def test_an_address_that_is_none(command: Command) -> None:
    assert command("get", "studies", "--server", "nonsense").code == 2


# ---- help, completion, usage


def test_every_command_has_an_example() -> None:
    import click

    from tunesmith.client._command import command as root

    context = click.Context(root)
    seen = []

    def look(found: click.Command, path: str) -> None:
        seen.append(path)
        assert found.help, path
        assert found.epilog, path
        assert f"  {path.removesuffix(' get')}" in found.epilog or path == "tunesmith", path
        if isinstance(found, click.Group):
            for name in found.list_commands(context):
                below = found.get_command(context, name)
                assert below is not None
                look(below, f"{path} {name}")

    look(root, "tunesmith")
    assert len(seen) >= 33  # it did walk


NO_OUTPUT = {
    "completion": "prints a script for a shell",
    "plot": "writes a file, or its figure as JSON",
    "serve": "becomes a service",
    "manager serve": "becomes a service",
    "suggestion serve": "becomes a service",
    "earlystop serve": "becomes a service",
    "ui serve": "becomes a service",
}


def test_every_command_prints_for_programs_too() -> None:
    import click

    from tunesmith.client._command import command as root

    context = click.Context(root)

    def leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            if isinstance(found, click.Group):
                yield from leaves(found, f"{path}{name} ")
            else:
                yield f"{path}{name}", found

    without = set()
    for path, found in leaves(root, ""):
        options = {name: option for option in found.params for name in option.opts}
        if "-o" not in options:
            without.add(path)
            continue
        kind = options["-o"].type
        assert isinstance(kind, click.Choice), path
        assert list(kind.choices) == ["table", "json", "yaml"] or path == "schema", path  # which is JSON for machines
        assert "--output" in options, path
    assert without == set(NO_OUTPUT)


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no-files")]
)
def test_completion(command: Command, shell: str, word: str) -> None:
    done = command("completion", shell)
    assert done.code == 0
    assert word in done.out
    assert "_TUNESMITH_COMPLETE" in done.out


def test_usage_errors(command: Command) -> None:
    assert command("nonsense").code == 2
    assert "No such command 'stpo'. Did you mean 'stop'?" in command("stpo").err
    assert command("run").code == 2
    assert command("get", "studies", "-o", "xml").code == 2
    assert command("run", "study.yaml", "--set", "novalue").code == 2
    assert command("--version").out.startswith("tunesmith ")


def test_a_reader_that_leaves_is_told_by_the_exit_code() -> None:
    for words in (["schema"], ["algorithms", "--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "tunesmith.client", *words], stdout=writer, stderr=subprocess.PIPE, check=False
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, b""), words


@pytest.mark.parametrize("words", [["get", "studies"], ["run", "../study.yaml"]])
def test_a_folder_that_was_removed_is_no_traceback(command: Command, folder: Path, words: list[str]) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        done = command(*words)
    finally:
        os.chdir(folder)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: the folder that this command was called in was removed: go to another one\n"


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("nonsense", 2, "a database is `sqlite:///PATH` or `postgresql://USER@HOST/NAME`"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", 3, "is away"),
        ("sqlite:///upgraded.db", 0, "the database is at revision "),
        ("sqlite:///upgraded.db -o json", 0, '{\n  "revision": "'),
        ("sqlite:///upgraded.db -o yaml", 0, "revision: '"),
    ],
)
def test_db_upgrade_says_what_came_of_it(tmp_path: Path, url: str, status: int, said: str) -> None:
    program = [sys.executable, "-m", "tunesmith.client", "db", "upgrade", *url.split()]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
