"""The dashboard beside a command: a program of its own, which leaves when the command does."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec


def start_dashboard(listen: str, *options: str) -> None:
    """Start it, and leave it alone: it says where it is on our standard error. Raises NotOffered without its packages.

    It leaves when this process has ended, whatever program that has become by then: the pipe between them closes.

    Args:
        listen: `host:port`; port 0: any free one.
        options: As `tunesmith ui serve` takes them.
    """
    from tunesmith.services.errors import NotOffered

    missing = [name for name in ("fastapi", "uvicorn", "jinja2") if find_spec(name) is None]
    if missing:
        raise NotOffered(f"the dashboard needs {' and '.join(missing)}: pip install 'tunesmith[ui]'")
    _spawn(["--listen", listen, "--words", *options])


def _spawn(words: Sequence[str]) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)  # it is to outlive an `exec`
    # -P: modules of the folder we are in must not take the place of the dashboard's own.
    command = [sys.executable, "-P", "-m", "tunesmith.ui", "serve", "--parent-pipe", str(read_end), *words]
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        pass_fds=(read_end,),
        process_group=0,  # the terminal's Ctrl-C is for us; it leaves when we have
    )
    os.close(read_end)
