"""How the command ends when it is interrupted early, when its output has no room, and when nobody foresaw it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.client.conftest import Command

from tunesmith.client._client import Client

INTERRUPTED_AT = """
import os, runpy, signal, sys


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)


sys.meta_path.insert(0, Finder())
sys.argv = ["tunesmith", {words}]
runpy.run_module("tunesmith.client", run_name="__main__")
"""
IMPORTED = [
    "tunesmith.client._command",
    "click",
    "tunesmith.client._lazy",
    "tunesmith.client.commands.get",
    "tunesmith.client._client",
    "tunesmith.study",
    "google.protobuf",
    "tunesmith.client._errors",
    "grpc",
    "grpc._cython",
    "tunesmith.services.channel",
]


@pytest.mark.parametrize("name", IMPORTED)
def test_an_interrupt_while_modules_are_imported(folder: Path, name: str) -> None:
    script = INTERRUPTED_AT.format(name=name, words="'get', 'study', 'x', '--server', 'unix:/nowhere'")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_an_interrupt_that_is_ignored_stays_so(folder: Path) -> None:
    script = INTERRUPTED_AT.format(name="click", words="'schema'")
    script = script.replace("class Finder", "signal.signal(signal.SIGINT, signal.SIG_IGN)\n\n\nclass Finder")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("{")


def broken(client: Client) -> list[str]:
    raise ZeroDivisionError("division by \x1b[31mzero")


def test_what_nobody_foresaw_is_no_failed_study(
    command: Command, fake: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()  # type: ignore[operator]
    monkeypatch.setattr(Client, "algorithms", broken)
    done = command("algorithms")
    assert (done.code, done.out) == (70, "")
    assert done.err.splitlines() == [
        "error: a mistake of Tunesmith's own: ZeroDivisionError: division by \\x1b[31mzero",
        "Please report it, with what TUNESMITH_DEBUG=1 shows before the same command.",
    ]
    monkeypatch.setenv("TUNESMITH_DEBUG", "1")
    done = command("algorithms")
    assert done.code == 70
    assert "in broken" in done.err
    assert "error: a mistake of Tunesmith's own: ZeroDivisionError" in done.err


def test_every_exit_code_is_in_the_help_and_in_the_documentation(command: Command) -> None:
    from tests.house import ROOT

    from tunesmith.client._errors import Exit

    told = " ".join(command("--help").out.partition("Exit codes:")[2].split())
    rows = (ROOT / "docs" / "operations.md").read_text().partition("## Exit codes")[2].splitlines()
    for code in Exit:
        assert f" {code} " in f" {told}"
        assert any(row.startswith(f"| {code} |") for row in rows)


def test_no_room_for_the_output_is_told(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    for words in (["schema"], ["--help"]):
        with open("/dev/full", "w") as full:
            program = [sys.executable, "-m", "tunesmith.client", *words]
            done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 4
        assert done.stderr.startswith("error: there is no room for what this command writes: the disk is full\n")
