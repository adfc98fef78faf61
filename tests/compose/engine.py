"""A podman with a store of the tests' own, and base images for a machine that reaches no registry.

What it holds stays in the cache between runs: the base images, and the layers that a change of our code leaves as they
are. It is another store than that of the machine's own containers.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from tests import needs

HERE = Path(__file__).parent
PYTHON, POSTGRES = "docker.io/library/python:3.11-slim", "docker.io/library/postgres:15"
_PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
_LEAVE_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_BOOTSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    f"--include={_PACKAGES}",
    *(f"--dpkgopt=path-exclude={path}" for path in _LEAVE_OUT),
    "bookworm",
    "-",
)
_CONF = """
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "{run}/libpod"
[network]
network_config_dir = "{store}/networks"
"""
_STORAGE = """
[storage]
driver = "overlay"
graphroot = "{store}/graph"
runroot = "{run}/storage"
"""
_NETWORK = ("--isolation=chroot", "--network=host")
_CERTIFICATES = Path("/etc/ssl/certs")


@dataclass(frozen=True)
class Engine:
    """Podman on a store of its own, which stays."""

    store: Path

    @property
    def run(self) -> Path:
        """What belongs to the store, and is gone when the machine restarts."""
        return Path("/run") / f"tunesmith-{sha256(os.fsencode(self.store)).hexdigest()[:8]}"

    @cached_property
    def env(self) -> dict[str, str]:
        """The variables with which podman, and what calls it, use this store."""
        files = {"CONTAINERS_CONF": _CONF, "CONTAINERS_STORAGE_CONF": _STORAGE}
        self.store.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.store / name).write_text(text.format(store=self.store, run=self.run))
        return {name: str(self.store / name) for name in files}

    def __call__(self, *words: str, check: bool = True, timeout: float = 120) -> str:
        """Run podman, and give what it prints."""
        env = os.environ | self.env
        done = subprocess.run(["podman", *words], env=env, capture_output=True, text=True, timeout=timeout)
        assert not check or done.returncode == 0, f"podman {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Nobody else on this machine is in a block of that name meanwhile."""
        self.store.mkdir(parents=True, exist_ok=True)
        with (self.store / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def make_bases(self) -> None:
        """The images that our container files begin with, under the names that they have there.

        Each is made once, as that takes long, and again when its recipe has changed.
        """
        recipe = "\n".join([*_BOOTSTRAP, *(path.read_text() for path in sorted((HERE / "postgres").iterdir()))])
        with self.alone("bases"):
            if self._lacks(PYTHON, "\n".join(_BOOTSTRAP)):
                self._bootstrap()
                self._mark(PYTHON, "\n".join(_BOOTSTRAP))
            if self._lacks(POSTGRES, recipe):
                self("build", *_NETWORK, "-t", POSTGRES, str(HERE / "postgres"), timeout=600)
                self._mark(POSTGRES, recipe)

    def _bootstrap(self) -> None:
        """Debian and its Python for Python's official image."""
        env, change = os.environ | self.env, 'CMD ["python3"]'
        with subprocess.Popen(_BOOTSTRAP, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as debian:
            words = ["podman", "import", "--change", change, "-", PYTHON]
            subprocess.run(words, env=env, stdin=debian.stdout, check=True, capture_output=True)
            _, errors = debian.communicate()
        assert debian.returncode == 0, errors.decode()

    def _lacks(self, image: str, recipe: str) -> bool:
        words = ["podman", "image", "exists", _marked(image, recipe)]
        return subprocess.run(words, env=os.environ | self.env).returncode != 0

    def _mark(self, image: str, recipe: str) -> None:
        self("tag", image, _marked(image, recipe))

    @property
    def build_options(self) -> list[str]:
        """How a build here installs packages: by this machine's network, as this machine does."""
        conf = self.store / "pip.conf"
        conf.write_text(_pip_conf(dict(os.environ)))
        mounts = {str(conf): "/etc/pip.conf"} | {str(path): str(path) for path in [_CERTIFICATES] if path.exists()}
        words = [f"--volume={here}:{there}:ro" for here, there in mounts.items()]
        return [*_NETWORK, *words]


def _marked(image: str, recipe: str) -> str:
    """A further name of an image, which tells how it was made."""
    name, _, tag = Path(image).name.partition(":")
    return f"localhost/of-tests/{name}-{tag}:{sha256(recipe.encode()).hexdigest()[:12]}"


def engine() -> Engine:
    """The engine of this machine. Whoever lacks a part of it skips, and fails in CI."""
    for name in ("podman", "podman-compose", "runc", "mmdebstrap"):
        needs.program(name)
    needs.root()
    found = Engine(needs.CACHE / "containers-1")
    found("info")
    return found


def _pip_conf(environ: dict[str, str]) -> str:
    """What PIP_* variables say, as a file: an image is not to remember them."""
    given = {name.removeprefix("PIP_"): value for name, value in environ.items() if name.startswith("PIP_")}
    known = [name for name in ("CERT", "INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "PROXY") if name in given]
    return "[global]\n" + "".join(f"{name.lower().replace('_', '-')} = {given[name]}\n" for name in known)
