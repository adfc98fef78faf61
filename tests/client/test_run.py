"""`tunesmith run`: from a document to its best trial, taken up again, edited, refused, broken off."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.client.conftest import DOCUMENT, Command, Fake
from tests.client.fake_manager import FakeManager, Running, Script

from tunesmith.client import _follow
from tunesmith.client._interrupts import Interrupts
from tunesmith.services import errors
from tunesmith.study import StudyState, TrialState, read_study_job, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

FAILS = {
    1: (TrialState.FAILED, "userError", 3, b"\n".join(b"line %d" % n for n in range(40)) + b"\n\x1b[31mboom\x07\n")
}


def process(*words: str) -> "subprocess.Popen[str]":
    """The command as a process of its own, its output together."""
    return subprocess.Popen(
        [sys.executable, "-m", "tunesmith.client", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_from_nothing_to_the_best_trial(fake: Fake, command: Command) -> None:
    fake()
    done = command("run", "study.yaml")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "Study digits: 5 trials, 2 at a time, algorithm random."
    assert [line.split()[0] for line in lines[1:6]] == ["[1/5]", "[2/5]", "[3/5]", "[4/5]", "[5/5]"]
    assert lines[1] == "[1/5] trial 0 succeeded in 2.5s: loss 3.16506, C=3.16506 kernel=poly"
    assert lines[6:] == [
        "",
        "Study digits succeeded: all its trials are done.",
        "5 trials: 5 succeeded, in 10s",
        "",
        "Best trial digits-4-abcde: loss = 0.0657467",
        "  C       0.0657467209573179",
        "  kernel  rbf",
        "",
        "To run it again:",
        '  API_TOKEN="$API_TOKEN" OMP_NUM_THREADS=1 python train.py --C=0.0657467209573179 --kernel=rbf',
        "",
        "METRIC        MIN      MAX  AVERAGE  TRIALS",
        "loss    0.0657467  79.4574  18.9712       5",
    ]


def test_what_only_trials_have_on_their_path_is_shown_by_its_path(
    fake: Fake, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a virtual environment that is not activated."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    fake()
    shown = command("run", "study.yaml").out
    assert f" {Path(sys.executable).with_name('python')} train.py --C=0.0657467209573179" in shown


def test_the_first_failure_is_shown_once(fake: Fake, command: Command) -> None:
    fake(Script(endings={**FAILS, 3: FAILS[1]}))
    done = command("run", "study.yaml")
    assert done.code == 0
    assert done.out.count("the end of its log") == 1
    assert "Trial digits-1-abcde failed (userError, exit status 3)" in done.out
    assert '  command: API_TOKEN="$API_TOKEN" OMP_NUM_THREADS=1 python train.py --C=12.038' in done.out
    shown = [line.removeprefix("  | ") for line in done.out.splitlines() if line.startswith("  | ")]
    assert shown == [*(f"line {n}" for n in range(21, 40)), "boom\\x07"]
    assert "\x1b" not in done.out
    assert "hush" not in done.out


def test_a_failed_study_is_exit_code_1(fake: Fake, command: Command) -> None:
    fake(Script(endings=dict.fromkeys(range(5), (TrialState.METRICS_UNAVAILABLE, "noMetrics", 0, b""))))
    done = command("run", "study.yaml")
    assert done.code == 1
    assert "Study digits failed: too many trials failed." in done.out
    assert "it printed nothing" in done.out
    assert "5 trials: 5 without metrics" in done.out


def test_many_trials_have_no_line_each(fake: Fake, command: Command) -> None:
    fake()
    done = command("run", "study.yaml", "--trials", "150")
    assert done.code == 0
    assert "[1/150]" not in done.out
    assert "150 trials: 150 succeeded" in done.out


def test_json_is_all_that_standard_output_holds(fake: Fake, command: Command) -> None:
    fake(Script(endings=FAILS))
    done = command("run", "study.yaml", "-o", "json")
    assert (done.code, json.loads(done.out)["state"]) == (0, "Succeeded")
    assert "Study digits: 5 trials" in done.err


def test_detach(fake: Fake, command: Command) -> None:
    running = fake(Script(pace=5))
    done = command("run", "study.yaml", "--detach")
    assert (done.code, done.out) == (0, "Study digits: 5 trials, 2 at a time, algorithm random.\n")
    assert "`tunesmith watch digits` follows it" in done.err
    assert running.calls("WatchStudy") == []


# ---- again


def test_a_finished_study_is_shown_and_nothing_is_started(fake: Fake, command: Command) -> None:
    running = fake(Script(endings=FAILS))
    first = command("run", "study.yaml").out
    running.manager.calls.clear()
    again = command("run", "study.yaml")
    assert again.code == 0
    assert again.out.startswith("Study digits has ended already; nothing is started.\nTrial digits-1-abcde failed")
    assert again.out.endswith(first[first.index("\nStudy digits succeeded") :])
    assert {name for name, _ in running.manager.calls} <= {"StreamLogs", "ListTrials"}


def test_one_that_runs_is_followed(fake: Fake, command: Command) -> None:
    running = fake(Script(pace=0.3))
    command("submit", "study.yaml")
    done = command("run", "study.yaml")
    assert done.code == 0
    assert done.out.startswith("Study digits is under way, at ")
    assert len(running.calls("CreateStudy")) == 1


@pytest.mark.parametrize("how", [("pause", "digits"), ("stop", "digits", "--interrupt")])
def test_a_paused_or_interrupted_one_goes_on(fake: Fake, command: Command, how: tuple[str, ...]) -> None:
    running = fake(Script(pace=0.2))
    command("submit", "study.yaml")
    command(*how)
    done = command("run", "study.yaml")
    assert done.code == 0
    assert done.out.startswith("Study digits goes on from 0/5 trials.\n")
    assert len(running.calls("ResumeStudy")) == 1


def test_changed_limits_and_labels_are_an_edit(fake: Fake, command: Command, folder: Path) -> None:
    running = fake()
    command("run", "study.yaml")
    text = DOCUMENT.replace("trials: 5", "trials: 7").replace("team: vision", "team: audio")
    (folder / "study.yaml").write_text(text)
    done = command("run", "study.yaml")
    assert done.code == 0
    assert done.out.startswith("Study digits is edited: limits.trials 5 → 7, labels.\n[6/7] trial 5")
    (request,) = running.calls("EditStudy")
    assert (request.limits.trials, dict(request.labels.labels), request.generation) == (7, {"team": "audio"}, 1)
    assert not request.HasField("initial")


def test_any_other_change_is_refused_and_shown(fake: Fake, command: Command, folder: Path) -> None:
    running = fake()
    command("run", "study.yaml")
    text = DOCUMENT.replace("max: 100", "max: 200").replace("hush-hush", "another").replace("trials: 5", "trials: 9")
    (folder / "study.yaml").write_text(text)
    done = command("run", "study.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "error: the study digits was made from another document",
        "                            THE STUDY HAS  THE DOCUMENT SAYS",
        "  spec.parameters[0].max    100.0          200.0",
        "  spec.trial.env.API_TOKEN  ***            *** (another)",
        "Ways out:",
        "  start another study:  tunesmith run FILE --name NEW",
        "  forget this one:      tunesmith delete digits, then run again",
    ]
    assert running.calls("EditStudy") == []
    assert command("run", "study.yaml", "--name", "other").code == 0


def test_a_drawn_seed_is_no_difference(fake: Fake, command: Command, folder: Path) -> None:
    fake()
    (folder / "study.yaml").write_text(DOCUMENT.replace(", settings: {seed: 7}", ""))
    command("run", "study.yaml")
    assert command("run", "study.yaml").out.startswith("Study digits has ended already")


def test_set_and_namespace(fake: Fake, command: Command) -> None:
    running = fake()
    assert command("run", "study.yaml", "--set", "spec.limits.trials=3", "-n", "team").code == 0
    (request,) = running.calls("CreateStudy")
    assert (request.job.key.namespace, request.job.spec.limits.trials) == ("team", 3)
    assert json.loads(command("get", "study", "digits", "-n", "team", "-o", "json").out)["trials"]["total"] == 3


# ---- dry run


def test_dry_run_needs_no_manager(command: Command, folder: Path) -> None:
    done = command("run", "study.yaml", "--dry-run")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "Study digits is right; nothing is started."
    assert lines[1] == "Space:  infinitely many assignments of 2 parameters"
    assert [line.split()[0] for line in lines if " train.py --C=" in line] == ["1.", "2.", "3."]
    assert "with API_TOKEN=*** OMP_NUM_THREADS=1" in lines
    assert not (folder / ".tunesmith").exists()
    again = command("run", "study.yaml", "--dry-run")
    assert again.out == done.out


def test_dry_run_of_a_finite_space(command: Command) -> None:
    sets = [
        "--set",
        "spec.parameters=[{name: C, type: int, min: 1, max: 3}, {name: kernel, type: categorical, values: [a, b]}]",
    ]
    assert "Space:  6 assignments of 2 parameters" in command("run", "study.yaml", "--dry-run", *sets).out
    found = json.loads(command("run", "study.yaml", "--dry-run", "-o", "json", *sets).out)
    assert (found["size"], len(found["samples"])) == (6, 3)
    assert found["samples"][0]["command"][:2] == ["python", "train.py"]
    assert found["samples"][0]["env"]["API_TOKEN"] == "***"


# ---- trouble


def test_a_manager_that_goes_away_is_found_again(fake: Fake, command: Command) -> None:
    fake(Script(pace=0.1, break_watch_after=3))
    done = command("run", "study.yaml")
    assert done.code == 0
    assert "The manager went away; its trials go on. Looking for it..." in done.out
    assert "The manager answers again; the study goes on." in done.out
    assert "Study digits succeeded" in done.out


def test_a_full_disk_is_exit_code_4(fake: Fake, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_follow.FAULTS, "diskFull", 0.3)
    fake(Script(fault=("diskFull", "the disk of /data is full")))
    done = command("run", "study.yaml")
    assert done.code == 4
    assert "error: the disk of /data is full" in done.err
    assert "Free some space, then give the same command again" in done.err


def test_a_full_disk_at_creation_is_exit_code_4(fake: Fake, command: Command) -> None:
    fake(Script(refuse=errors.FreeSpace("the disk is full")))
    assert command("run", "study.yaml").code == 4


def test_a_platform_that_stays_away_is_exit_code_4(
    fake: Fake, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_follow.FAULTS, "platformAway", 0.3)
    fake(Script(fault=("platformAway", "no suggestion service")))
    done = command("run", "study.yaml")
    assert (done.code, done.err) == (4, "error: no suggestion service\n")
    assert "The platform is in trouble: no suggestion service" in done.out


def test_deleted_while_it_is_followed(fake: Fake, command: Command) -> None:
    manager = fake(Script(pace=0.5))
    running = followed(manager, "run", "study.yaml", "--trials", "90")
    assert command("delete", "digits").code == 0
    out = running.communicate(timeout=20)[0]
    assert running.returncode == 2
    assert "error: no study digits" in out


# ---- Ctrl-C


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def followed(manager: Running, *words: str) -> "subprocess.Popen[str]":
    """A command that follows a study by now."""
    client = process(*words)
    until(lambda: manager.calls("WatchStudy") or client.poll() is not None)
    time.sleep(0.3)
    return client


def test_interrupt_stops_the_trials_and_says_how_to_go_on(fake: Fake, folder: Path) -> None:
    manager = fake(Script(pace=30))
    (folder / ".tunesmith" / "database").write_text("postgresql://tuner:secret@db/x\n")
    client = followed(manager, "run", "study.yaml", "--trials", "9", "--database", "postgresql://tuner:secret@db/x")
    client.send_signal(signal.SIGINT)
    out = client.communicate(timeout=20)[0]
    assert client.returncode == 130
    assert [request.interrupt for request in manager.calls("StopStudy")] == [True]
    assert "Stopping 2 running trials... (Ctrl-C again leaves at once)" in out
    assert "Interrupted at 0/9 trials. Nothing of it runs, and nothing is lost." in out
    assert out.endswith("To go on:\n  tunesmith run study.yaml --trials 9\n")
    (study,) = manager.manager.studies.values()
    assert study.state is StudyState.PAUSED


def test_an_interrupt_while_the_study_is_created_stops_it_too(fake: Fake, folder: Path) -> None:
    manager = fake(Script(pace=30, slowness=1))
    client = process("run", "study.yaml")
    until(lambda: manager.calls("CreateStudy"))
    client.send_signal(signal.SIGINT)
    out = client.communicate(timeout=20)[0]
    assert client.returncode == 130
    assert len(manager.calls("StopStudy")) == 1
    assert "To go on:\n  tunesmith run study.yaml\n" in out


def test_an_interrupt_before_anything_is_started_leaves_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)
    heard = []
    with Interrupts() as interrupts:
        interrupts.hold()
        signal.raise_signal(signal.SIGINT)
        interrupts.listen(lambda: heard.append("told"))
        assert heard == ["told"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_leaves_at_once(fake: Fake, folder: Path) -> None:
    manager = fake(Script(pace=30, never_stops=True))
    client = followed(manager, "run", "study.yaml")
    client.send_signal(signal.SIGINT)
    until(lambda: manager.calls("StopStudy"))
    assert client.poll() is None
    client.send_signal(signal.SIGINT)
    out = client.communicate(timeout=5)[0]
    assert client.returncode == 130
    assert "To go on" not in out


def test_watch_only_leaves(fake: Fake, folder: Path, command: Command) -> None:
    manager = fake(Script(pace=30))
    command("submit", "study.yaml")
    client = followed(manager, "watch", "digits")
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=10)
    assert client.returncode == 130
    assert manager.calls("StopStudy") == []


def test_a_killed_client_changes_nothing(fake: Fake, folder: Path) -> None:
    manager = fake(Script(pace=30))
    client = followed(manager, "run", "study.yaml")
    os.kill(client.pid, signal.SIGKILL)
    client.communicate(timeout=10)
    assert manager.calls("StopStudy") == []
    (study,) = manager.manager.studies.values()
    assert study.state is StudyState.RUNNING


def test_a_pause_by_somebody_else_is_told(fake: Fake, command: Command) -> None:
    manager = fake(Script(pace=0.5))
    client = followed(manager, "run", "study.yaml", "--trials", "12")
    command("pause", "digits")
    time.sleep(0.5)
    command("resume", "digits")
    out = client.communicate(timeout=20)[0]
    assert client.returncode == 0
    assert "Study digits is paused; `tunesmith resume digits` goes on.\n" in out
    assert out.index("Study digits goes on.") < out.index("Study digits succeeded")


def test_watch_shows_the_result(fake: Fake, command: Command) -> None:
    fake(Script(pace=0.1))
    command("submit", "study.yaml")
    done = command("watch", "digits")
    assert done.code == 0
    assert "Best trial digits-4-abcde" in done.out


def test_head_closes_the_pipe(fake: Fake, command: Command, folder: Path) -> None:
    fake()
    command("run", "study.yaml")
    words = f"{sys.executable} -m tunesmith.client get trials digits | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=20)
    assert done.stderr == ""


def test_an_interrupt_is_told_once_whenever_it_comes() -> None:
    code = Interrupts.listen.__code__
    for line in sorted({line for _, _, line in code.co_lines() if line}):
        heard: list[str] = []

        def trace(frame: FrameType, event: str, arg: object, line: int = line) -> Any:
            if frame.f_code is code and event == "line" and frame.f_lineno == line:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
            return trace

        with Interrupts() as interrupts:
            interrupts.hold()
            sys.settrace(trace)
            interrupts.listen(lambda heard=heard: heard.append("told"))  # type: ignore[misc]
            sys.settrace(None)
            if not interrupts.pressed:
                signal.raise_signal(signal.SIGINT)
        assert heard == ["told"], line


async def test_the_fake_tells_what_changes_while_it_tells() -> None:
    """A watch and a stop that come together are what the test of an interrupt at creation is about."""
    manager = FakeManager(Script(pace=30))
    key = pb.StudyKey(name="digits")
    job = wire.job_to_proto(read_study_job(DOCUMENT, base=Path("/")))
    await manager.CreateStudy(pb.CreateStudyRequest(request_id="a", job=job), None)
    watch = manager.WatchStudy(pb.WatchStudyRequest(key=key), None)
    await anext(watch)
    await manager.StopStudy(pb.StopStudyRequest(request_id="b", key=key, interrupt=True), None)
    async with asyncio.timeout(2):
        told = await anext(watch)
    assert told.study.state == types.STUDY_STATE_PAUSED
    await watch.aclose()  # type: ignore[attr-defined]
