"""The repository's docker-compose.yml, brought up as docs/compose.md says, by podman-compose."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import chromium
from tests.compose.engine import Engine, engine
from tests.house import ROOT, House

__all__ = ["chromium"]

SERVICES = ("database", "suggestion", "earlystop", "manager", "dashboard")
TAKEN = ("client", "deploy", "earlystop", "manager", "proto", "services", "src", "study", "suggestion", "ui")
"""Folders of which an image is made."""
MADE = {"FROM ": "tunesmith", "image: ": "trials"}
"""Images of the page, by what stands before their names."""
KEEP_LAYERS = "72h"
"""For how long layers stay that no image is made of any more."""
FILES = (".dockerignore", "LICENSE", "README.md", "docker-compose.yml", "pyproject.toml")
# What the page calls `docker`. Docker makes a container anew when its settings have changed; podman-compose does not.
_DOCKER = """#!/bin/bash
set -eu
shift
project=$(basename "$PWD")
case $1 in
  exec) shift 2; exec podman exec -i "${project}_$1_1" "${@:2}" ;;
  up) podman ps -aq --filter=label=io.podman.compose.project=$project | xargs --no-run-if-empty podman rm -ft 5 ;;
esac
exec podman-compose BUILD "$@"
"""


@dataclass(frozen=True)
class Project:
    """One copy of the repository, whose folder gives containers and volumes their names; and its services."""

    house: House
    engine: Engine
    elsewhere: House
    """Another machine: all that it knows is the address and the token."""
    ports: dict[str, str]
    """By the number that the page has for it."""

    @property
    def name(self) -> str:
        return self.house.folder.name

    def compose(self, *words: str, timeout: float = 120, **env: str) -> str:
        """`docker compose` with further variables; gives what it prints."""
        done = subprocess.run(
            ["docker", "compose", *words],
            cwd=self.house.folder,
            env=self.house.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return done.stdout

    def build(self) -> None:
        """Build the image, which asks for the secrets, too, and does nothing with them."""
        secrets = dict.fromkeys(("TUNESMITH_TOKEN", "TUNESMITH_DATABASE_PASSWORD"), "unused")
        told = self.compose("build", "dashboard", timeout=600, **secrets)
        assert "Successfully tagged" in told, told

    def inspect(self, service: str) -> dict[str, Any]:
        (found,) = json.loads(self.engine("inspect", f"{self.name}_{service}_1"))
        assert isinstance(found, dict)
        return found

    def healthy(self, service: str) -> bool:
        """Whether its health check is content: podman runs none by itself where there is no systemd."""
        words = ["podman", "healthcheck", "run", f"{self.name}_{service}_1"]
        return subprocess.run(words, env=self.house.env, capture_output=True).returncode == 0

    def kill(self, service: str) -> None:
        """`kill -9` to its first process, by which all of its container die; it is started again by itself."""
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)

    @property
    def images(self) -> dict[str, str]:
        """What the page calls images that it makes others from, or makes, and what they are called here."""
        return {f"{before}localhost/{name}": f"{before}localhost/{name}:{self.name}" for before, name in MADE.items()}

    @property
    def token(self) -> str:
        """What the page has written into `.env` last."""
        lines = (self.house.folder / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)["TUNESMITH_TOKEN"]

    def log(self) -> str:
        """What every service said last."""
        return "\n".join(
            f"== {service}\n" + self.engine("logs", "--tail=40", f"{self.name}_{service}_1", check=False)
            for service in SERVICES
        )

    def remove(self) -> None:
        """Remove whatever is there of it; but not the image, whose layers the next run begins with."""
        mine = f"--filter=label=io.podman.compose.project={self.name}"
        for kind, words in {"container": ["-a"], "volume": [], "network": []}.items():
            found = self.engine(kind, "ls", *words, mine, "--quiet").split()
            if found:
                self.engine(kind, "rm", "--force", *found)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A copy of the repository with everything built, and nothing up."""
    machine = engine()
    name = f"tunesmith-{sha256(str(ROOT).encode()).hexdigest()[:8]}"
    with machine.alone(name):
        machine.make_bases()
        made = _project(machine, tmp_path / name)
        made.remove()  # what a run left that was killed
        made.build()
        made.engine("image", "prune", "--force", f"--filter=until={KEEP_LAYERS}")
        try:
            yield made
        finally:
            made.remove()
            made.house.close()
            made.elsewhere.close()


def _project(machine: Engine, folder: Path) -> Project:
    for part in TAKEN:
        shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy(ROOT / file, folder / file)
    docker = folder.with_name("bin") / "docker"
    docker.parent.mkdir()
    docker.write_text(_DOCKER.replace("BUILD", f"--podman-build-args='{' '.join(machine.build_options)}'"))
    docker.chmod(0o755)
    house = House(folder)
    ports = {"6790": _free_port(), "8080": _free_port()}
    house.env |= machine.env | {
        "PATH": os.pathsep.join([str(docker.parent), str(Path(sys.executable).parent), house.env["PATH"]]),
        "COLUMNS": "100",
        "TUNESMITH_API_PORT": ports["6790"],
        "TUNESMITH_DASHBOARD_PORT": ports["8080"],
        "TUNESMITH_TAG": folder.name,
    }
    elsewhere = House(folder.with_name("elsewhere"))
    elsewhere.folder.mkdir()
    elsewhere.env["TUNESMITH_SERVER"] = f"127.0.0.1:{ports['6790']}"
    return Project(house, machine, elsewhere, ports)


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
