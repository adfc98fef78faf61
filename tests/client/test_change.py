"""What commands say that change a study, and what they ask of the manager."""

import json

import pytest
from tests.client.conftest import Command, Fake
from tests.client.fake_manager import Running, Script


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
