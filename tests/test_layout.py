"""The import package is the top-level rooms, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tunesmith"
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_linked_into_the_package(room: str) -> None:
    assert (PACKAGE / room).is_symlink(), f"ln -s ../../{room} src/tunesmith/{room}"
    assert (PACKAGE / room).resolve() == ROOT / room


@pytest.mark.parametrize("name", ["v1", "katib"])
def test_generated_code_is_linked_under_the_name_that_it_imports(name: str) -> None:
    assert (PACKAGE / name).is_symlink()
    assert (PACKAGE / name).resolve() == ROOT / "proto" / "tunesmith" / name


def test_package_has_no_code_of_its_own() -> None:
    own = {path.name for path in PACKAGE.iterdir() if not path.is_symlink()} - {"__pycache__"}
    assert own == {"__init__.py", "py.typed"}


@pytest.mark.parametrize("module", ["tunesmith", "tunesmith.client", "tunesmith.study", "tunesmith.services.errors"])
def test_importing_stays_cheap(module: str) -> None:
    """What every command and every trial imports brings no heavy library along."""
    heavy = ["grpc", "numpy", "sqlalchemy", "alembic", "scipy", "sklearn", "cel", "google.protobuf", "rich"]
    script = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom tunesmith.client.__main__ import main\nsys.argv = ['tunesmith', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('heavy:', *[n for n in ['grpc', 'numpy', 'sqlalchemy', 'rich', 'ruamel'] if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "heavy:"
