"""Trials a second: no-op trials through the whole platform, against the same processes started bare, in one run.

    python benchmarks/trials.py [--trials 1000] [--rounds 3]

The floor starts `python -S -E trial.py` with asyncio, as many at a time, and reads what it prints. Ours runs the same
command from a StudyJob: suggestion over gRPC, process, collector, database. Both are timed in turn, and the ratio of
each pair is what to quote: this says how much of the machine the platform leaves to the trials.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from place import Place

TRIAL = "import sys; print('loss=' + sys.argv[1])"


def command(x: str) -> list[str]:
    return [sys.executable, "-S", "-E", "-c", TRIAL, x]


def document(name: str, trials: int, parallel: int) -> str:
    job = {
        "apiVersion": "tunesmith.dev/v1",
        "kind": "StudyJob",
        "metadata": {"name": name},
        "spec": {
            "objective": {"metric": "loss", "type": "minimize"},
            "parameters": [{"name": "x", "type": "double", "min": 0, "max": 1}],
            "algorithm": {"name": "random", "settings": {"seed": 1}},
            "limits": {"trials": trials, "parallel": parallel},
            "trial": {"command": command("${params.x}")},
        },
    }
    return json.dumps(job)


async def floor(trials: int, parallel: int) -> float:
    """Seconds for the bare processes."""
    left = iter(range(trials))

    async def worker() -> None:
        for number in left:
            process = await asyncio.create_subprocess_exec(*command(str(number)), stdout=asyncio.subprocess.PIPE)
            await process.communicate()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(parallel)))
    return time.perf_counter() - began


def ours(place: Place, name: str, trials: int, parallel: int) -> float:
    """Seconds from the study's start to its end, as the manager stored them."""
    place.write("study.json", document(name, trials, parallel))
    place("run", "study.json")
    study = place.json("get", "study", name)
    assert study["trials"]["succeeded"] == trials, study
    return place.seconds(study["started"], study["finished"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(f"{args.trials} trials         bare/s    ours/s    ratio (median of {args.rounds} pairs)")
    with tempfile.TemporaryDirectory() as folder, Place(Path(folder)) as place:
        for parallel in (2, 8):
            pairs = []
            for number in range(args.rounds):
                bare = asyncio.run(floor(args.trials, parallel))
                whole = ours(place, f"noop-{parallel}-{number}", args.trials, parallel)
                pairs.append((args.trials / bare, args.trials / whole))
            bare_rate, our_rate = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(mine / floor_rate for floor_rate, mine in pairs)
            print(f"parallel {parallel}      {bare_rate:12.1f} {our_rate:9.1f} {ratio:8.2f}")


if __name__ == "__main__":
    main()
