"""Packages with algorithms of third parties, installed where this environment is not touched."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path


def pip_install(project: Path, target: Path) -> None:
    """Install a package into a folder, as pip builds it; nothing is fetched."""
    copied = target.with_name(f"{target.name}-source")
    shutil.copytree(project, copied)  # a build leaves files beside its sources
    quiet = ["-q", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, "--target", str(target), str(copied)], check=True)


def install(folder: Path) -> str:
    """Leave of `pip install -e` what matters here, the package's entry points; gives the path that finds it."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    made = folder / ".installed" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in groups]
    (made / "entry_points.txt").write_text("\n".join(lines))
    return f"{made.parent}:{folder}"
