"""A folder, a document in it, a fake manager that is the folder's own, and the command."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.client.fake_manager import Running, Script, fake_manager

from tunesmith.client import _command as program
from tunesmith.study import TrialState

DOCUMENT = """\
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata:
  name: digits
  labels: {team: vision}
spec:
  objective: {metric: loss, type: minimize}
  parameters:
    - {name: C, type: double, min: 0.01, max: 100, distribution: logUniform}
    - {name: kernel, type: categorical, values: [rbf, poly]}
  algorithm: {name: random, settings: {seed: 7}}
  limits: {trials: 5, parallel: 2}
  trial:
    command: [python, train.py, "--C=${params.C}", "--kernel=${params.kernel}"]
    env: {OMP_NUM_THREADS: "1", API_TOKEN: hush-hush}
"""


@dataclass
class Outcome:
    """What a command did."""

    code: int
    raw: bytes
    out: str
    err: str


Command = Callable[..., Outcome]
Fake = Callable[..., Running]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with study.yaml; nothing of the environment reaches the command, which is on the PATH."""
    for name in list(os.environ):
        if name.startswith("TUNESMITH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)
    (tmp_path / "study.yaml").write_text(DOCUMENT)
    return tmp_path


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `tunesmith` in this process, as `main` does."""

    def run(*words: str, input: str | None = None) -> Outcome:
        runner = CliRunner()
        with runner.isolation(input=input) as (out, err, _):
            code = program.run(list(words))
            sys.stdout.flush()
            raw = out.getvalue()
            return Outcome(code, raw, raw.decode(errors="replace"), err.getvalue().decode())

    return run


@pytest.fixture
def fake(folder: Path) -> Iterator[Fake]:
    """Starts fakes; the last one is the folder's local manager."""
    with ExitStack() as stack:

        def start(script: Script | None = None) -> Running:
            running = stack.enter_context(fake_manager(script))
            running.place(folder)
            return running

        yield start
    shutil.rmtree(folder / ".tunesmith", ignore_errors=True)


@pytest.fixture
def ended(fake: Fake, command: Command) -> Running:
    """A manager whose study `digits` has ended, with one failed trial."""
    fails = (TrialState.FAILED, "userError", 3, b"start\n\x1b[31mboom\x07\xff\n")
    running = fake(Script(endings={1: fails}))
    assert command("run", "study.yaml").code == 0
    return running
