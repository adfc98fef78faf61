"""What `init` writes, and where it cannot."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.client.conftest import Command


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

    command("init", "new")
    words = ["new/train.py", "--rate=0.3", "--momentum=0.5", "--method=nesterov"]
    done = subprocess.run([sys.executable, "-I", *words], capture_output=True, text=True, check=True)
    values = [float(line.removeprefix("loss=")) for line in done.stdout.splitlines()]
    assert len(values) == 10
    assert values[-1] < values[0]
