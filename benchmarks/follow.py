"""Megabytes of output a second that a manager reads and looks through for metrics, of one trial, on one processor.

    python benchmarks/follow.py [--megabytes 200]

Two outputs: one that says nothing of the metrics, which is what most of a long log is, and one with two metrics on each
line. CPU seconds count, so that other work on the machine does not.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tunesmith.manager.collectors import LineParser, make_collector, read_new
from tunesmith.study import CollectorSpec

SILENT = b"2026-11-24 08:00:00 INFO the quick brown fox jumps over the lazy dog, and nothing is measured\n"
TALKING = b"step=1234 loss=0.123456 accuracy=0.987654\n"


def follow(path: Path, parser: LineParser) -> tuple[float, int]:
    """CPU seconds, and the metrics found."""
    began, found, offset = time.process_time(), 0, 0
    while (chunk := read_new(path, offset, last=True, needles=parser.needles)).offset != offset:
        found += sum(len(parser.parse(line)) for _, line in chunk.lines)
        offset = chunk.offset
    return time.process_time() - began, found


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tunesmith-follow-") as folder:
        for name, line, share in (("silent", SILENT, 1.0), ("two metrics a line", TALKING, 0.05)):
            path = Path(folder, "output.log")
            path.write_bytes(line * int(megabytes * share * 1e6 / len(line)))
            for wanted in (frozenset({"loss", "accuracy"}), None):
                seconds, found = follow(path, make_collector(CollectorSpec("stdout"), wanted))
                rate = path.stat().st_size / seconds / 1e6
                what = "every metric" if wanted is None else "two metrics"
                print(f"{name}, looking for {what}: {rate:.0f} MB/s, {found / seconds:.0f} metrics/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    main(parser.parse_args().megabytes)
