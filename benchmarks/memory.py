"""Memory of each of our processes while 10,000 trials run: is it bounded, and is it flat?

    python benchmarks/memory.py [--trials 10000] [--parallel 8]

Every second the resident memory of the manager, the suggestion service, the runner and the client is read. Printed for
each: the median over each tenth of the study, and the peak that the kernel saw.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from place import Place
from trials import document

PROGRAMS = {
    "manager": "tunesmith.manager",
    "suggestion": "tunesmith.suggestion",
    "runner": "_runner",
    "client": "tunesmith.client",
}


def main() -> None:
    """Run the study, watch its processes, and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--parallel", type=int, default=8)
    args = parser.parse_args()
    samples: dict[str, list[int]] = {name: [] for name in PROGRAMS}
    peaks = dict.fromkeys(PROGRAMS, 0)
    with tempfile.TemporaryDirectory() as folder, Place(Path(folder)) as place:
        place.write("study.json", document("memory", args.trials, args.parallel))
        command = [sys.executable, "-m", "tunesmith.client", "run", "study.json"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as run:
            while run.poll() is None:
                for name, process in ours(folder):
                    look(process, samples[name], peaks, name)
                time.sleep(1)
        assert run.returncode == 0
    print(f"{'':12} peak MB   median MB in each tenth of the study")
    for name, values in samples.items():
        tenths = [values[len(values) * i // 10 : len(values) * (i + 1) // 10] for i in range(10)]
        shown = " ".join(f"{statistics.median(tenth) / 1e6:6.1f}" if tenth else "     -" for tenth in tenths)
        print(f"{name:12} {peaks[name] / 1e6:7.1f}   {shown}")


def ours(folder: str) -> list[tuple[str, psutil.Process]]:
    """Our processes that work for this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or [])
        for name, word in PROGRAMS.items():
            if word in words and process.info["cwd"] == folder:
                found.append((name, process))
    return found


def look(process: psutil.Process, values: list[int], peaks: dict[str, int], name: str) -> None:
    """Note what a process takes now, and the most that it ever took where the kernel tells."""
    try:
        values.append(process.memory_info().rss)
        status = Path(f"/proc/{process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
    except (psutil.NoSuchProcess, OSError):
        return
    highest = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    peaks[name] = max(peaks[name], *highest, values[-1])


if __name__ == "__main__":
    main()
