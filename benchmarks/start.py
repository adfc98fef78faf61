"""How long a user waits: for `--help`, for `validate`, and from `run` to the first trial's start, in a new folder.

    python benchmarks/start.py [--rounds 5]

The floor beside each figure is what the same interpreter needs to start and do nothing, measured in the same run.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from place import Place
from trials import document


def command(*args: str) -> float:
    """Seconds of one command of the interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def first_trial() -> float:
    """Seconds from the command to the moment at which the first trial runs its first line."""
    with tempfile.TemporaryDirectory() as folder, Place(Path(folder)) as place:
        job = document("first", 1, 1).replace(
            "print('loss=' + sys.argv[1])", "import time; print(f'loss={time.time()!r}')"
        )
        place.write("study.json", job)
        began = time.time()
        place("run", "study.json")
        (trial,) = place.json("get", "trials", "first")
        return float(trial["value"]) - began


def main() -> None:
    """Measure, in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.json"
        path.write_text(document("some", 1, 1))
        measures: dict[str, Callable[[], float]] = {
            "interpreter alone (floor)": lambda: command("-c", "pass"),
            "tunesmith --help": lambda: command("-m", "tunesmith.client", "--help"),
            "tunesmith validate": lambda: command("-m", "tunesmith.client", "validate", str(path)),
            "run to the first trial": first_trial,
        }
        times: dict[str, list[float]] = {name: [] for name in measures}
        for _ in range(rounds):
            for name, measure in measures.items():
                times[name].append(measure())
    for name, seconds in times.items():
        low, high = min(seconds), max(seconds)
        print(f"{name:28} {statistics.median(seconds) * 1e3:7.0f} ms   ({low * 1e3:.0f} to {high * 1e3:.0f})")


if __name__ == "__main__":
    main()
