"""Launches a second: no-op trials through the local launcher, against the same processes started bare, in one run.

    python benchmarks/launch.py [--trials 400] [--rounds 3]

The floor starts `python -S -E -c ...` with asyncio, as many at a time, and reads what it prints. Ours has the
launcher's runner start the same command, claimed, recorded, its output in a file, and its exit told. Both are timed in
turn; the ratio of each pair is what to quote. CPU is ours alone: of this process, and for the launcher of its runner.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path

import psutil

from tunesmith.manager.launchers import Launch, LauncherContext, make_launcher
from tunesmith.manager.launchers._runner._files import LOG

COMMAND = (sys.executable, "-S", "-E", "-c", "print('loss=0.5')")


async def bare(count: int, parallel: int) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            process = await asyncio.create_subprocess_exec(*COMMAND, stdout=asyncio.subprocess.PIPE)
            await process.communicate()

    await asyncio.gather(*(worker() for _ in range(parallel)))


class Ours:
    """A launcher in a folder, with a runner of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "run").mkdir(mode=0o700)
        self.folder = folder
        self.launcher = make_launcher("local", LauncherContext(folder / "run"))
        self.exits = self.launcher.exits()
        self.number = 0

    async def run(self, count: int, parallel: int) -> None:
        for _ in range(min(parallel, count)):
            await self.launch()
        for done in range(count):
            exit = await anext(self.exits)
            assert exit.status == 0, exit
            if done < count - parallel:
                await self.launch()

    async def launch(self) -> None:
        self.number += 1
        name = f"noop-{self.number}"
        await self.launcher.launch(Launch(name, 1, self.folder / "trials" / name / "1", COMMAND))

    def runner(self) -> psutil.Process:
        return psutil.Process(int((self.folder / "run" / LOG).read_text().split()[2]))


async def timed(work: Coroutine[None, None, None], processes: Sequence[psutil.Process]) -> tuple[float, list[float]]:
    """Seconds, and CPU seconds of each process itself."""
    before, began = [_cpu(process) for process in processes], time.perf_counter()
    await work
    seconds = time.perf_counter() - began
    return seconds, [_cpu(process) - start for process, start in zip(processes, before, strict=True)]


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def compare(ours: Ours, trials: int, parallel: int) -> list[float]:
    """One round: bare and launched trials a second, their ratio, and ms of CPU a trial: bare, ours, the runner."""
    processes = (psutil.Process(), ours.runner())
    bare_seconds, bare_cpu = await timed(bare(trials, parallel), processes[:1])
    own_seconds, own_cpu = await timed(ours.run(trials, parallel), processes)
    cpu = [seconds / trials * 1e3 for seconds in (*bare_cpu, *own_cpu)]
    return [trials / bare_seconds, trials / own_seconds, bare_seconds / own_seconds, *cpu]


async def main(trials: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tunesmith-launch-") as folder:
        ours = Ours(Path(folder))
        await ours.launcher.start()
        for parallel in (2, 8):
            rows = [await compare(ours, trials, parallel) for _ in range(rounds)]
            middle = [statistics.median(column) for column in zip(*rows, strict=True)]
            print("parallel {}: bare {:.0f}/s, launched {:.0f}/s, ratio {:.2f};".format(parallel, *middle[:3]), end=" ")
            print("CPU a trial: bare {:.2f} ms, launched {:.2f} ms and {:.2f} ms in the runner".format(*middle[3:]))
        runner = ours.runner()
        await ours.launcher.close()
        runner.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(main(options.trials, options.rounds))
