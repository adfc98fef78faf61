"""`requirements.py PYPROJECT EXTRA,EXTRA`: what the package and its extras need, one a line, for `pip install -r`."""

import sys
import tomllib
from pathlib import Path


def main(pyproject: str, extras: str) -> None:
    """Print them."""
    project = tomllib.loads(Path(pyproject).read_text())["project"]
    names = [name.strip() for name in extras.split(",") if name.strip()]
    wanted = [project["dependencies"], *(project["optional-dependencies"][name] for name in names)]
    print(*(requirement for part in wanted for requirement in part), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
