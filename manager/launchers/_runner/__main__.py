"""Started by the path of this folder, without site-packages: this gives it its name, and none of its parents' code."""

import importlib
import os
import sys
from types import ModuleType

PARENTS = ("tunesmith", "tunesmith.manager", "tunesmith.manager.launchers")


def main() -> None:
    """Run as the package that this folder is, with empty packages above it."""
    own = os.path.dirname(os.path.abspath(__file__))
    for name in PARENTS:
        sys.modules[name] = package = ModuleType(name)
        package.__path__ = []
    sys.modules[PARENTS[-1]].__path__ = [os.path.dirname(own)]
    importlib.import_module(f"{PARENTS[-1]}.{os.path.basename(own)}._start").main(sys.argv[1:])


if __name__ == "__main__":
    main()
