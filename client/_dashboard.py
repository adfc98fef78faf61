"""The dashboard beside a command: a program of its own, which leaves when the command does."""

import os
import subprocess
from collections.abc import Mapping, Sequence


def start_dashboard(listen: str, *options: str, environment: Mapping[str, str] | None = None) -> None:
    """Start it, and say where it is once it listens. Raises NotNow when it does not start; it has said why itself.

    It leaves when this process has ended, whatever program that has become by then: the pipe between them closes.

    Args:
        listen: `host:port`; port 0: any free one.
        options: As `tunesmith ui serve` takes them.
        environment: Variables that it gets beside ours.
    """
    from tunesmith.client._output import note

    address = _spawn(["--listen", listen, *options], {**os.environ, **(environment or {})})
    base, _, key = address.partition("login?key=")
    note(f"The dashboard is at {base}")
    if key:
        note(f"This address signs you in, once:\n  {address}")


def _spawn(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Where it listens."""
    from tunesmith.client._program import program
    from tunesmith.services._parent import announced
    from tunesmith.services.errors import NotNow

    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)  # it is to outlive an `exec`
    child = subprocess.Popen(
        program("ui", "serve", "--parent-pipe", str(read_end), *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        pass_fds=(read_end,),
        process_group=0,  # the terminal's Ctrl-C is for us; it leaves when we have
    )
    os.close(read_end)
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            if found := announced(line):
                return found[0]
    os.close(write_end)
    raise NotNow(f"the dashboard could not be started: it ended with status {child.wait()}")
