"""Names, messages, values and log lines from others on a real terminal: nothing of them reaches it unescaped."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.client.conftest import DOCUMENT, Command
from tests.client.fake_manager import Running, Script

from tunesmith.study import TrialState
from tunesmith.v1 import manager_pb2 as pb

EVIL = "\x1b]0;owned\x07\x9b31m\x08"
FAILS = {1: (TrialState.FAILED, "userError", 3, f"start\n{EVIL}\r\n".encode())}
LOOKS = [
    "get studies",
    "get study digits",
    "get trials digits",
    "get events digits",
    "describe study digits",
    "describe trial digits/0",
    "describe trial digits/1",
    "logs digits/1",
    "logs digits/1 -f",
    "export digits",
    "algorithms",
    "algorithms golden",
    "rules",
    "rules hopeless",
    "get decisions digits",
    "run study.yaml --dry-run",
    "watch digits",
]


def on_terminal(*words: str) -> tuple[str, str]:
    """What a command writes to a terminal, and elsewhere to standard error."""
    master, slave = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "200"}
    program = [sys.executable, "-m", "tunesmith.client", *words]
    with subprocess.Popen(program, stdout=slave, stderr=subprocess.PIPE, text=True, env=environment) as process:
        os.close(slave)
        pieces = []
        try:
            while piece := os.read(master, 65536):
                pieces.append(piece)
        except OSError:  # how Linux says that the other end is closed
            pass
        assert process.stderr is not None
        errors = process.stderr.read()
    os.close(master)
    return b"".join(pieces).decode(errors="surrogateescape"), errors


@pytest.fixture
def hostile(fake: Callable[..., Running], command: Command, folder: Path) -> Running:
    """A manager whose study `digits` has ended, everything in which is meant for the terminal."""
    (folder / "study.yaml").write_text(DOCUMENT.replace("values: [rbf, poly]", 'values: ["\\e]0;owned\\a", "\\e[2J"]'))
    running = fake(Script(endings=FAILS))
    command("run", "study.yaml")
    (study,) = running.manager.studies.values()
    study.message.message = study.message.reason = EVIL
    study.message.labels[EVIL] = EVIL
    study.message.metrics[0].metric = EVIL
    for trial in study.trials:
        trial.message = trial.explanation.text = trial.attempts[0].message = trial.reason = EVIL
        trial.labels[EVIL] = EVIL
        for metric in trial.metrics:
            metric.metric = EVIL
    for number in range(2):
        study.decisions.append(pb.StoredDecision(id=number, trial=f"digits-{number}-{EVIL}", rule=EVIL, reason=EVIL))
    for event in study.events:
        event.message = event.reason = EVIL
        event.trial = f"digits-1-{EVIL}"
    return running


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_that_a_terminal_acts_on(hostile: Running, look: str) -> None:
    out, errors = on_terminal(*look.split())
    assert out.strip(), errors
    shown = out.replace("\r\n", "\n") + errors
    assert [c for c in shown if c not in "\n\t" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)] == []
    if look not in ("get studies", "get study digits", "algorithms", "algorithms golden", "rules", "rules hopeless"):
        assert "owned" in shown


def test_elsewhere_bytes_are_as_they_are(hostile: Running, command: Command) -> None:
    assert EVIL.encode() in command("logs", "digits/1").raw
    assert EVIL in command("export", "digits").out
