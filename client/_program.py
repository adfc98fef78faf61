"""Our other programs: how the command starts them, and how it becomes one."""

import os
import sys
from typing import NoReturn


def program(room: str, *words: str) -> list[str]:
    """The command line of a room's program, without the modules of the folder we are in (-P), which are not its own."""
    return [sys.executable, "-P", "-m", f"tunesmith.{room}", *words]


def become(room: str, *words: str) -> NoReturn:
    """Replace this process by a program, so that signals and exit codes are the program's own."""
    sys.stdout.flush()
    os.execv(sys.executable, program(room, *words))
