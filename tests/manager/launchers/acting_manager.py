"""Launches trials as a manager does, to be killed: RUNTIME, TRIALS, NAME,NAME..., COMMAND. Prints what it launched."""

import asyncio
import sys
from pathlib import Path

from tunesmith.manager.launchers import Launch, LauncherContext, make_launcher


async def main(runtime: str, trials: str, names: str, *command: str) -> None:
    launcher = make_launcher("local", LauncherContext(Path(runtime)))
    print("ready", flush=True)
    for name in names.split(","):
        await launcher.launch(Launch(name, 1, Path(trials, name, "1"), command))
        print(name, flush=True)
    await asyncio.sleep(100)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
