"""How long people wait for the dashboard's pages in a real Chromium, and what many viewers of one live study cost.

    python benchmarks/pages.py [--trials 100 1000 10000] [--rounds 3] [--viewers 50] [--ends 20]

Studies are written straight into the database. Each page is opened by a browser that knows nothing yet, of a study that
the dashboard has not seen yet, and then a second time; the floor is a page of the same server with nothing on it (the
one to sign in at). It needs Chromium, and the packages of the `test` extra.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from place import Place

sys.path.append(str(Path(__file__).parents[1]))
from tests.long_studies import long_study

from tunesmith.manager.storage import open_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

PAGES = {
    "study, with its history": "/studies/default/{}",
    "parallel coordinates": "/studies/default/{}/parallel",
    "trials, best first": "/studies/default/{}/trials?sort=value&order=asc",
}
DRAWN = """() => {
  const place = document.querySelector(".tab .chart");
  if (document.readyState === "loading" || !document.querySelector("main")) return 0;
  if (document.querySelector(".loading") || (place && !place.querySelector("canvas, .main-svg, .sketch"))) return 0;
  return performance.now();
}"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime || 0"


@dataclass(frozen=True)
class Look:
    """One page, opened. Times are milliseconds since the address was asked for, bytes as they came over the wire."""

    painted: float
    drawn: float
    small: int
    figures: int


@contextmanager
def dashboard(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A dashboard of the folder, and the address that signs in."""
    words = [sys.executable, "-m", "tunesmith.ui", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, next(line.strip() for line in process.stdout if "/login?key=" in line)
        finally:
            process.terminate()


def look(context: "BrowserContext", address: str) -> Look:
    """Open a page in a browser that keeps what the pages of this context have loaded."""
    page = context.new_page()
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda request: sizes.update({request.url: max(request.sizes()["responseBodySize"], 0)}))
    page.goto(address, wait_until="commit")
    drawn = page.wait_for_function(DRAWN, timeout=120_000).json_value()
    painted = page.wait_for_function(PAINTED).json_value()
    page.wait_for_load_state("networkidle")
    large = {url: size for url, size in sizes.items() if "plotly" in url or "/figures/" in url}
    figures = sum(size for url, size in large.items() if "/figures/" in url)
    page.close()
    return Look(painted, drawn, sum(sizes.values()) - sum(large.values()), figures)


def looks(browser: "Browser", state: Any, addresses: Sequence[str]) -> tuple[list[Look], list[Look]]:
    """Each page in a browser that knows nothing yet, and a second time in the same one."""
    first, second = [], []
    for address in addresses:
        context = browser.new_context(storage_state=state)
        first.append(look(context, address))
        second.append(look(context, address))
        context.close()
    return first, second


def show(name: str, found: Sequence[Look], floor: float) -> None:
    """A row: medians, and the longest time in brackets."""
    painted, drawn = statistics.median(x.painted for x in found), statistics.median(x.drawn for x in found)
    longest, small = max(x.drawn for x in found), max(x.small for x in found)
    figures = max(x.figures for x in found)
    print(
        f"| {name:40} | {painted:5.0f} | {drawn:5.0f} ({longest:.0f}) | {drawn / floor:5.1f} | {small / 1e3:5.1f} "
        f"| {figures / 1e3:6.1f} |",
        flush=True,
    )


def pages(folder: Path, trials: Sequence[int], rounds: int) -> None:
    """Every page at every size, with a new dashboard for each kind of page."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        print(
            "| page | first paint (ms) | drawn (ms) | times the floor | kB | kB of figures |\n|---|---|---|---|---|---|"
        )
        for kind, path in PAGES.items():
            with dashboard(folder) as (_, entry):
                base, _, _ = entry.partition("/login")
                context = browser.new_context()
                context.new_page().goto(entry, wait_until="networkidle")
                state = context.storage_state()
                looks(browser, state, [base + path.format("warm")])
                floor, _ = looks(browser, state, [f"{base}/login"] * rounds)
                least = statistics.median(x.drawn for x in floor)
                show("nothing (floor)", floor, least)
                for count in trials:
                    found = looks(browser, state, [base + path.format(f"s{count}-{i}") for i in range(rounds)])
                    show(f"{kind}, {count:,} trials", found[0], least)
                    show("a second time", found[1], least)
        browser.close()


async def viewer(base: str, cookie: str, name: str, heard: list[float], count: int) -> None:
    """Follow a study as a page does, and note when the end of each of `count` trials is heard of."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
    path = f"/api/v1/studies/default/{name}/stream"
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {cookie}\r\n\r\n".encode())
    first, seen = -1, 0
    async for line in reader:
        if line.startswith(b"data: {") and b'"trials"' in line:
            done = json.loads(line[6:])["trials"]["succeeded"]
            first = done if first < 0 else first
            heard += [time.perf_counter()] * (done - first - seen)
            seen = done - first
            if seen >= count:
                break
    writer.close()


async def follow(folder: Path, base: str, viewers: int, ends: int, processes: Sequence[psutil.Process]) -> None:
    """Let trials end one by one before the eyes of many."""
    token = (folder / ".tunesmith" / "token").read_text().strip()
    heard: list[list[float]] = [[] for _ in range(viewers)]
    tasks = [asyncio.create_task(viewer(base, token, "live", one, ends)) for one in heard]
    await asyncio.sleep(2)
    before, began = [sum(one.cpu_times()[:2]) for one in processes], time.perf_counter()
    ended = await asyncio.to_thread(end_trials, folder, ends)
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks)
    spent = [sum(one.cpu_times()[:2]) - old for one, old in zip(processes, before, strict=True)]
    delays = sorted(1e3 * (at - end) for one in heard for at, end in zip(one, ended, strict=True))
    wall = time.perf_counter() - began
    print(
        f"| {viewers} | {statistics.median(delays):.0f} | {delays[int(0.95 * len(delays))]:.0f} | {delays[-1]:.0f} | "
        + " | ".join(f"{1e3 * one / ends:.1f}" for one in spent)
        + f" | {100 * sum(spent) / wall:.0f} % |",
        flush=True,
    )


def end_trials(folder: Path, ends: int) -> list[float]:
    """Run trials as a worker does; gives when each said that it has ended."""
    from tunesmith.client._client import Client

    ended: list[float] = []
    with Client(folder=folder) as client:
        for _ in range(ends):
            work = client.acquire("worker", "live", wait=30)
            assert work is not None
            client.report_work(work, {"loss": 0.5})
            time.sleep(0.3)  # so that what the report brought about is over
            ended.append(time.perf_counter())
            client.complete(work)
            time.sleep(0.3)
    return ended


def live(folder: Path, viewers: int, ends: int) -> None:
    """The delay and the price of a trial's end, for one viewer and for many."""
    print("\n| viewers | delay p50 (ms) | p95 | longest | CPU an end: dashboard (ms) | manager (ms) | of a core |")
    print("|---|---|---|---|---|---|---|")
    with dashboard(folder) as (process, entry):
        base, _, _ = entry.partition("/login")
        urllib.request.urlopen(f"{base}/readyz").close()  # brings the manager up
        manager = json.loads((folder / ".tunesmith" / "manager.json").read_text())["pid"]
        for count in (1, viewers):
            asyncio.run(follow(folder, base, count, ends, [psutil.Process(process.pid), psutil.Process(manager)]))


def main() -> None:
    """Fill a folder, and look at it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--ends", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tunesmith-pages-") as name, Place(Path(name)) as place:
        (place.folder / ".tunesmith").mkdir(mode=0o700)
        store = open_store(f"sqlite:///{name}/.tunesmith/tunesmith.db")
        for count in options.trials:
            for i in range(options.rounds):
                long_study(store, f"s{count}-{i}", count)
        long_study(store, "warm", 20)
        long_study(store, "live", 1000, running=True)
        store.close()
        pages(place.folder, options.trials, options.rounds)
        live(place.folder, options.viewers, options.ends)


if __name__ == "__main__":
    main()
