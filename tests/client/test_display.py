"""Progress on a terminal and in a log, and what a terminal is never sent."""

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.client.conftest import DOCUMENT, Fake
from tests.client.fake_manager import Script

from tunesmith.client import _command as program
from tunesmith.client import _progress
from tunesmith.client._display import HEARTBEAT, LINE, LineDisplay
from tunesmith.client._progress import Progress
from tunesmith.client._values import BestTrial, Study, TrialCounts
from tunesmith.study import Limits, StudyState, TrialState, read_study_job

EVIL = "\x1b]0;owned\x07\x9b31m\u202eevil"


def a_study(folder: Path, *, finished: int = 0, elapsed: float = 0.0, limits: Limits | None = None) -> Study:
    spec = read_study_job(DOCUMENT, base=folder).spec
    return Study(
        name="digits",
        namespace="default",
        uid="7",
        generation=1,
        labels={},
        spec=replace(spec, limits=limits or Limits(trials=60, parallel=4)),
        state=StudyState.RUNNING,
        reason="",
        message="",
        counts=TrialCounts(total=finished + 4, running=4, succeeded=finished),
        best=BestTrial("digits-3-abcde", 3, 0.25, {"C": 1.5, "kernel": "rbf"}) if finished else None,
        metrics=(),
        created=None,
        started=None,
        finished=None,
        elapsed=elapsed,
        revision=0,
        space_size=None,
    )


def test_time_left(tmp_path: Path) -> None:
    assert Progress(a_study(tmp_path)).left is None
    assert Progress(a_study(tmp_path, finished=20, elapsed=40)).left == 80
    assert Progress(a_study(tmp_path, finished=20, elapsed=40), age=5).left == 75
    assert Progress(a_study(tmp_path, finished=20, elapsed=40), age=500).left == 0
    timed = Limits(trials=60, duration=70)
    assert Progress(a_study(tmp_path, finished=20, elapsed=40, limits=timed)).left == 30
    assert Progress(a_study(tmp_path, limits=Limits(duration=70)), age=20).left == 50


def test_trials_that_were_stopped_early_are_counted(tmp_path: Path) -> None:
    study = a_study(tmp_path, finished=20, elapsed=40)
    counts = replace(study.counts, total=31, early_stopped=7)
    line = _progress.counts_line(Progress(replace(study, counts=counts)))
    assert line == "27/60 trials, 4 running, 7 stopped early"


def test_fraction(tmp_path: Path) -> None:
    assert Progress(a_study(tmp_path, finished=15)).fraction == 0.25
    assert Progress(a_study(tmp_path, finished=70)).fraction == 1.0
    assert Progress(a_study(tmp_path, elapsed=35, limits=Limits(duration=70))).fraction == 0.5
    assert Progress(a_study(tmp_path, limits=Limits())).fraction is None


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_live_lines_fit(tmp_path: Path, width: int) -> None:
    lines = _progress.live_lines(Progress(a_study(tmp_path, finished=20, elapsed=40)), width)
    assert all(len(line) <= width for line in lines)
    if width == 80:
        assert lines == [
            "digits ━━━━━━━━━━━━━━━━━━━━────────────────────────────────────────  33%",
            "20/60 trials, 4 running; 40s so far, about 1m 20s left",
            "best loss 0.25 (trial 3): C=1.5 kernel=rbf",
        ]


def test_a_log_has_at_most_a_line_every_two_seconds(tmp_path: Path) -> None:
    stream = io.StringIO()
    display = LineDisplay(stream, each_trial=False)
    for tenth in range(100):
        display.show(Progress(a_study(tmp_path, finished=1 + tenth // 2, elapsed=tenth / 10)), tenth / 10)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 9.9 // LINE
    assert lines[0] == "11/60 trials, 4 running; 2.0s so far, about 8.9s left; best loss 0.25 (trial 3)"


def test_a_silent_study_has_a_line_now_and_then(tmp_path: Path) -> None:
    for each_trial in (False, True):
        stream = io.StringIO()
        display = LineDisplay(stream, each_trial=each_trial)
        for second in range(95):
            display.show(Progress(a_study(tmp_path), age=second), second)
        assert len(stream.getvalue().splitlines()) == 94 // HEARTBEAT


def on_a_terminal(*words: str) -> tuple[int, str]:
    """Exit code of the command on a terminal of 80 columns, and all that it sent there."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "80", "rows", "24"], stdin=theirs, check=True)
    with subprocess.Popen(
        [sys.executable, "-m", "tunesmith.client", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as child:
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # how a closed terminal reads
            while data := os.read(ours, 4096):
                parts.append(data)
        os.close(ours)
    return child.returncode, b"".join(parts).decode().replace("\r\n", "\n")


class Pretended(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def on_a_pretended_terminal(*words: str) -> str:
    """All that the command, run in this process, would send to a terminal."""
    terminal = Pretended()
    with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
        program.run(list(words))
    return terminal.getvalue()


def test_live_on_a_terminal(fake: Fake) -> None:
    fake(Script(pace=0.6, endings={1: (TrialState.FAILED, "userError", 3, b"\x1b[31mboom\x07\n")}))
    code, out = on_a_terminal("run", "study.yaml")
    assert code == 0
    assert "━" in out
    assert "digits-0-abcde: C=3.16506 kernel=poly" in out
    assert "  | boom\\x07" in out
    assert "[1/5]" not in out
    assert out[out.index("Best trial") :].count("\n") > 8
    assert "METRIC" in out


def test_a_terminal_is_sent_nothing_evil(fake: Fake) -> None:
    running = fake(Script(pace=0.3, endings={1: (TrialState.FAILED, EVIL, 3, EVIL.encode() + b"\r\n")}))
    on_a_pretended_terminal("run", "study.yaml")
    (study,) = running.manager.studies.values()
    study.message.message = study.message.reason = EVIL
    study.message.labels["evil"] = EVIL
    study.message.metrics[0].metric = EVIL
    for trial in study.trials:
        trial.message = trial.parent = trial.explanation.text = EVIL
        trial.labels["evil"] = EVIL
        trial.assignment.values["kernel"].string_value = EVIL
        if trial.metrics:
            trial.metrics[0].metric = EVIL
        trial.attempts[0].message = trial.attempts[0].folder = EVIL
    for event in study.events:
        event.message = event.reason = event.state = EVIL
    study.message.best.assignment.values["kernel"].string_value = EVIL
    for words in (
        ("run", "study.yaml"),
        ("watch", "digits"),
        ("get", "studies"),
        ("get", "trials", "digits"),
        ("get", "trials", "digits", "-o", "json"),
        ("get", "trials", "digits", "-o", "yaml"),
        ("get", "events", "digits"),
        ("describe", "study", "digits"),
        ("describe", "trial", "digits/1"),
        ("logs", "digits/1"),
        ("get", "study", EVIL),
        ("get", "study", "digits", "--server", EVIL),
        ("validate", EVIL),
        (EVIL,),
    ):
        out = on_a_pretended_terminal(*words)
        ours = re.sub(r"\x1b\[(\?25[lh]|[0-9;]*[mKA])", "", out)  # colours, and what redraws lines
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", ours.replace("\r", "")), (words, ours)
        assert "owned" in ours or words == ("get", "studies"), words
