"""A manager that kills itself, as `kill -9` would, at the n-th step of applying: FOLDER SUGGESTION_ADDRESS N."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tunesmith.manager._process import Settings, run


def main(folder: str, suggestion: str, steps: int) -> None:
    left = steps

    def fault_point(point: str) -> None:
        nonlocal left
        if left == 0:
            print(f"dies at: {point}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    asyncio.run(run(Settings(Path(folder), suggestion=(suggestion,)), say=print, fault_point=fault_point))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
