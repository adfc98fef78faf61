"""Where the `tunesmith` command begins: as little as may be, for a Ctrl-C meets whatever is being imported."""

import os
import signal
import sys

TYPE_CHECKING = False  # `typing` itself would double the time in which nobody catches a Ctrl-C
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

INTERRUPTED = 130


def main() -> "NoReturn":
    """Run the command and exit."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as `nohup` and the background of a script want it
    if not ignored:
        signal.signal(signal.SIGINT, _leave)
    from tunesmith.client._command import run

    try:
        if not ignored:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    if not ignored:
        signal.signal(signal.SIGINT, _leave)
    sys.exit(status)


def _leave(number: int, frame: "FrameType | None") -> None:
    """Nothing is begun yet, or everything is done."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
