"""What a test needs of the machine: a skip with its reason on a user's, a failure in CI."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tunesmith-ci"


def missing(what: str) -> None:
    """Skip the test, because something is missing here; under CI=true it fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


def program(name: str) -> str:
    """Path of a program."""
    found = shutil.which(name, path=os.pathsep.join([str(CACHE), os.environ.get("PATH", "")]))
    if found is None:
        missing(name)
    assert found is not None
    return found


def go_modules(folder: Path) -> None:
    """Go, and the modules that the `go.mod` of a folder names; they are fetched if need be."""
    done = subprocess.run([program("go"), "mod", "download"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        missing(f"the Go modules of {folder.name}, but: {done.stderr.strip()[-300:]}")


def root() -> None:
    """The test does what only root may."""
    if os.getuid() != 0:
        missing("root")
