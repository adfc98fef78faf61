"""What the store can do a second, on SQLite and on PostgreSQL, through its own interface.

    python benchmarks/store.py [--trials 2000] [--prefill 0] [--seconds 5] [--postgres URL]

Without `--postgres` a server is started from /usr/lib/postgresql, with fsync on; without one there, that part is left
out. `--prefill 100000` first adds that many finished trials to the study, to see whether anything grows with it.
"""

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tunesmith.manager.storage import NewTrial, ObservationRow, Store, TrialRow, Tx, open_store, upgrade
from tunesmith.study import (
    AttemptEnding,
    DoubleDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudyJob,
    StudySpec,
    StudyState,
    TrialState,
    TrialTemplate,
)

Work = Callable[[int], object]
METRICS = ("loss", "accuracy", "seconds")


def new_study(store: Store) -> str:
    uid = uuid.uuid4().hex
    space = SearchSpace(tuple(Parameter(f"p{i}", DoubleDomain(0.0, 1.0)) for i in range(10)))
    spec = StudySpec(
        (Objective("loss", ObjectiveType.MINIMIZE),), space, TrialTemplate(("true",)), limits=Limits(10**6)
    )
    store.write(lambda tx: tx.insert_study(uid, StudyJob(f"s{uid[:20]}", spec), time.time()))
    store.write(lambda tx: tx.move_study(uid, StudyState.RUNNING, "", "", time.time()))
    return uid


def assignment(i: int) -> dict[str, float]:
    return {f"p{j}": 1 / (i + j + 1) for j in range(10)}


def rows(begin: int, count: int) -> list[ObservationRow]:
    now = time.time()
    return [ObservationRow(METRICS[i % 3], 1 / (i + 1), None, now, "stdout", i) for i in range(begin, begin + count)]


def running_trial(store: Store, uid: str) -> TrialRow:
    trial = store.write(lambda tx: tx.add_trials(uid, [NewTrial(assignment(0))], time.time()))[0]
    store.write(lambda tx: tx.open_attempt(trial.id, "/folder", time.time()))
    return store.write(lambda tx: tx.launched(trial.id, time.time()))


def cycle(store: Store, uid: str) -> Work:
    """A trial from its suggestion to its end, each step in a transaction of its own."""

    def work(i: int) -> None:
        now = time.time()
        trial = store.write(lambda tx: tx.add_trials(uid, [NewTrial(assignment(i))], now))[0].id
        store.write(lambda tx: tx.open_attempt(trial, "/folder/of/the/attempt", now))
        store.write(lambda tx: tx.launched(trial, now))
        store.write(lambda tx: tx.add_observations(trial, 1, rows(0, 3), ("stdout", 60)))
        store.write(lambda tx: tx.close_attempt(trial, AttemptEnding.EXITED, now, exit_status=0))
        store.write(lambda tx: tx.move_trial(trial, TrialState.SUCCEEDED, "", "", now))

    return work


def joined_cycle(store: Store, uid: str) -> Work:
    """The same in three transactions: added and opened, launched, ended."""

    def work(i: int) -> None:
        now = time.time()

        def begin(tx: Tx) -> int:
            trial = tx.add_trials(uid, [NewTrial(assignment(i))], now)[0].id
            tx.open_attempt(trial, "/folder/of/the/attempt", now)
            return trial

        trial = store.write(begin)
        store.write(lambda tx: tx.launched(trial, now))
        store.write(
            lambda tx: (
                tx.add_observations(trial, 1, rows(0, 3), ("stdout", 60)),
                tx.close_attempt(trial, AttemptEnding.EXITED, now, exit_status=0),
                tx.move_trial(trial, TrialState.SUCCEEDED, "", "", now),
            )
        )

    return work


def measure(name: str, work: Work, each: int, most: int, seconds: float) -> None:
    """Print how often `work`, which does `each` things, is done a second."""
    work(0)
    began, cpu, done = time.perf_counter(), time.process_time(), 0
    while done < most and time.perf_counter() - began < seconds:
        done += 1
        work(done)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    rate = done * each / wall
    print(f"| {name:44} | {rate:10,.0f} | {1e3 * wall / done:8.3f} | {1e3 * cpu / done:8.3f} |", flush=True)


def prefill(store: Store, uid: str, count: int) -> None:
    for begin in range(0, count, 1000):
        now = time.time()
        batch = [NewTrial(assignment(i)) for i in range(begin, min(begin + 1000, count))]
        added = store.write(lambda tx, batch=batch, now=now: tx.add_trials(uid, batch, now))  # type: ignore[misc]

        def finish(tx: Tx, added: list[TrialRow] = added, now: float = now) -> None:
            for trial in added:
                tx.move_trial(trial.id, TrialState.KILLED, "", "", now)

        store.write(finish)


def run(name: str, store: Store, options: argparse.Namespace) -> None:
    uid = new_study(store)
    trial = running_trial(store, uid).id
    if options.prefill:
        prefill(store, uid, options.prefill)
    print(f"\n{name}\n| {'':44} | {'a second':>10} | {'ms each':>8} | {'CPU ms':>8} |")
    print(f"|{'-' * 46}|-----------:|---------:|---------:|")
    one, many = rows(0, 1)[0], iter(range(1, 10**9))

    def single(_: int) -> object:
        row = ObservationRow(one.metric, one.value, None, one.time, "single", next(many))
        return store.write(lambda tx: tx.add_observations(trial, 1, [row]))

    def again(_: int) -> object:
        return store.write(lambda tx: tx.add_observations(trial, 1, rows(0, 1000)))

    def page(i: int) -> object:
        return store.read(lambda tx: tx.list_trials(uid, after=i * 100 % max(1, options.prefill), limit=1000))

    def batch(i: int) -> object:
        return store.write(lambda tx: tx.add_observations(trial, 1, rows(1000 * i, 1000), ("stdout", 1000 * i)))

    seconds, most = options.seconds, options.trials
    measure("observations, 1,000 a transaction", batch, 1000, 10**9, seconds)
    measure("the same again (duplicates)", again, 1000, 10**9, seconds / 5)
    measure("observations, 1 a transaction", single, 1, 10**9, seconds)
    measure("trials, a transaction for each of 6 steps", cycle(store, uid), 1, most, 10**9)
    measure("trials, 3 transactions", joined_cycle(store, uid), 1, most, 10**9)
    measure("reads of a study", lambda _: store.read(lambda tx: tx.study(uid)), 1, 10**9, seconds / 5)
    measure(
        "reads of live trials",
        lambda _: store.read(lambda tx: tx.live_trials(uid)),
        1,
        10**9,
        seconds / 5,
    )
    measure("trials read, 1,000 a page", page, 1000, 10**9, seconds / 5)


def databases(stack: ExitStack, given: str | None) -> Iterator[tuple[str, str]]:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    yield "SQLite", f"sqlite:///{folder}/store.db"
    if given:
        yield "PostgreSQL", given
        return
    sys.path.append(str(Path(__file__).parents[1]))
    from tests.postgres import PostgresMissing, postgres

    try:
        server = stack.enter_context(postgres(fsync=True))
    except PostgresMissing as missing:
        print(f"\nPostgreSQL: left out, because {missing}")
        return
    yield "PostgreSQL", server.url(stack.enter_context(server.database()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--prefill", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--postgres", metavar="URL")
    options = parser.parse_args()
    with ExitStack() as stack:
        for name, url in databases(stack, options.postgres):
            upgrade(url)
            store = open_store(url)
            run(name, store, options)
            store.close()


if __name__ == "__main__":
    main()
