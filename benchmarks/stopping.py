"""What early stopping saves: the best score against the epochs that were spent, of our rules and of Optuna's pruners.

    python benchmarks/stopping.py run [--epochs 81] [--finer] [--contender NAME ...] [--task NAME ...] [--seeds 20]
    python benchmarks/stopping.py report [--epochs 81] [--finer] [--score done|seen] [--than random]

Studies of four workers on the tasks of `curves.py`, simulated: an epoch takes about a unit of time, by the trial a bit
more or less, and a worker whose trial ends or is stopped takes the next at once. The names of contenders are those of
`stoppers.py`; `tpe` alone trains everything in full. `run` adds to a file of results what is not in it yet, so that it
may be stopped and go on. With `--finer` there are points between those of the grids, 1,452 to 5,775 of a task in place
of 432, which even a rule that stops most trials at once does not use up.

Score: regret of the best value, 0 being the best of the table, and 1 a configuration in the middle of its order; more
counts as 1, and so does having nothing. A trial's value is that of its best epoch. `done`: the best of trials that
succeeded, which is what a study's `best` shows: trained in full, or as far as a rule holds to be enough. `seen`: the
best that any trial reported, stopped or not.
Budgets are in full trainings; these have `--epochs`, of which the tables hold 81. `fewer` is the factor by which fewer
epochs were spent until the regret was what full training has at a budget, by the same way to choose or by the one that
`--than` names: the geometric mean over tasks. Intervals are of 95 %, over tasks (10,000 bootstrap samples).
"""

import argparse
import heapq
import itertools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.services.workers import limit_library_threads

limit_library_threads()  # of everybody alike, and before numpy is imported

# ruff: noqa: E402
import numpy as np
from curves import FILE, TASKS, CurveTask, task
from numpy.typing import NDArray
from stoppers import CONTENDERS, Session, peers
from trainings import EPOCHS

from tunesmith.study import TrialState

Floats = NDArray[np.float64]

WORKERS = 4
BUDGETS = (4, 10, 20, 40)
"""Full trainings whose epochs may be spent."""

Key = tuple[str, str, int, int, bool]
"""Of a result: contender, task, seed, epochs, and whether there are points between those of the grids."""
Bests = list[tuple[int, float]]
"""Each time that the best became better: epochs spent until then, and what it became."""


@dataclass
class Running:
    """A trial on a worker, and how long an epoch of it takes."""

    number: int
    losses: Floats
    pace: float
    step: int = 0


class Simulation:
    """A study with workers, from one epoch that ends somewhere to the next."""

    def __init__(self, session: Session, on: CurveTask, seed: int) -> None:
        self.session, self.on, self.seed = session, on, seed
        self.events: list[tuple[float, int, Running]] = []
        self.begun = self.stopped = self.spent = 0
        self.done, self.seen = Bests(), Bests()
        for _ in range(WORKERS):
            self.begin(0.0)

    def begin(self, now: float) -> None:
        """A worker takes the next trial, unless as many were tried as the task has points."""
        if self.begun == len(self.on.losses):
            return
        number, assignment = self.session.ask()
        pace = float(np.random.default_rng([self.seed, number]).uniform(0.8, 1.25))
        self.begun += 1
        heapq.heappush(self.events, (now + pace, number, Running(number, self.on.curve(assignment), pace)))

    def advance(self) -> None:
        """An epoch ends. A trial that has finished is not stopped any more."""
        now, number, trial = heapq.heappop(self.events)
        loss, trial.step, self.spent = float(trial.losses[trial.step]), trial.step + 1, self.spent + 1
        note(self.seen, self.spent, loss)
        state = self.session.report(number, trial.step, loss)
        if trial.step == len(trial.losses):
            state = TrialState.SUCCEEDED
        if state is None:
            heapq.heappush(self.events, (now + trial.pace, number, trial))
            return
        value = float(trial.losses[: trial.step].min())
        self.session.end(number, state, value)
        self.stopped += trial.step < len(trial.losses)
        if state is TrialState.SUCCEEDED:
            note(self.done, self.spent, value)
        self.begin(now)


def note(bests: Bests, spent: int, value: float) -> None:
    if not bests or value < bests[-1][1]:
        bests.append((spent, value))


def play(key: Key, file: Path) -> dict[str, Any]:
    """One study, until the largest budget is spent or nothing is left to try."""
    contender, name, seed, epochs, finer = key
    on = task(name, file, epochs, finer=finer)
    began = time.process_time()
    drawn = seed * len(TASKS) + TASKS.index(name)  # grids are alike: with one seed, luck would be that of all tasks
    study = Simulation(CONTENDERS[contender](on, drawn, WORKERS), on, drawn)
    while study.events and study.spent < BUDGETS[-1] * epochs:
        study.advance()
    counts = {"trials": study.begun, "stopped": study.stopped, "seconds": time.process_time() - began}
    return {"key": key, "done": study.done, "seen": study.seen, **counts}


def run(args: argparse.Namespace) -> None:
    held = {tuple(result["key"]) for result in results(args)}
    by_seed = itertools.product(range(args.seeds), args.task or TASKS, args.contender or CONTENDERS)
    keys = [(contender, name, seed, args.epochs, args.finer) for seed, name, contender in by_seed]
    left = [key for key in keys if key not in held]
    with ProcessPoolExecutor(args.jobs) as pool, args.file.open("a") as file:
        calls = [pool.submit(play, key, args.curves) for key in left]
        for count, call in enumerate(as_completed(calls), 1):
            file.write(json.dumps(call.result()) + "\n")
            file.flush()
            print(f"\r{count}/{len(left)}", end="", file=sys.stderr)
    print(file=sys.stderr)


def results(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What the file holds of trainings of `--epochs`, on tasks as they are or `--finer`."""
    if args.file.exists():
        found = map(json.loads, args.file.read_text().splitlines())
        yield from (result for result in found if result["key"][3:] == [args.epochs, args.finer])


def regrets(args: argparse.Namespace) -> tuple[list[str], dict[str, Floats]]:
    """Tasks; and by contender the mean over seeds of the regret by task and epochs spent, (tasks, epochs + 1)."""
    found: dict[tuple[str, str], list[Floats]] = defaultdict(list)
    for result in results(args):
        contender, name, *_ = result["key"]
        on = task(name, args.curves, args.epochs, finer=args.finer)
        found[contender, name].append(course(result[args.score], on))
    names = [name for name in TASKS if any(key[1] == name for key in found)]
    whole = [one for one in CONTENDERS if all((one, name) in found for name in names)]
    return names, {one: np.array([np.mean(found[one, name], axis=0) for name in names]) for one in whole}


def course(bests: Bests, on: CurveTask) -> Floats:
    """Regret after each number of epochs, from none to the largest budget."""
    regret, unit = np.ones(BUDGETS[-1] * on.losses.shape[1] + 1), on.middle - on.best
    for spent, value in bests:
        regret[spent:] = min((value - on.best) / unit, 1.0)
    return regret


def report(args: argparse.Namespace) -> None:
    (names, found), marks = regrets(args), [budget * args.epochs for budget in BUDGETS]
    counts = numbers(args)
    budgets = " ".join(f"@{budget:<20}" for budget in BUDGETS)
    print(
        f"{'contender':28} {'trials':>6} {'stopped':>7}  {budgets} fewer: " + " ".join(f"@{b:<16}" for b in BUDGETS[1:])
    )
    for name, regret in found.items():
        trials, stopped = counts[name]
        columns = " ".join(interval(regret[:, mark]).ljust(21) for mark in marks)
        full = found.get(args.than or name.split("+")[0])
        factors = [] if full is None else [factor_interval(regret, full, mark) for mark in marks[1:]]
        print(f"{name:28} {trials:6.0f} {stopped:7.0f}  {columns}        " + " ".join(factors))
    by_model(names, found, marks[-1], args.than)
    print("\nours less another's; less than 0: ours is better")
    for name, peer in [(one, peer) for one in found for peer in peers(one) if peer in found]:
        less = found[name] - found[peer]
        print(f"{name:17} {peer:27} " + " ".join(interval(less[:, mark]).ljust(21) for mark in marks))


def by_model(names: list[str], found: dict[str, Floats], mark: int, than: str | None) -> None:
    """How many times fewer epochs, by what is trained: how early values tell of the end depends on it."""
    models = [name.rpartition("-")[2] for name in names]
    kinds = {kind: [row for row, model in enumerate(models) if model == kind] for kind in dict.fromkeys(models)}
    print(
        f"\n{'fewer @' + str(BUDGETS[-1]):28} "
        + " ".join(f"{kind} ({len(rows)})".ljust(13) for kind, rows in kinds.items())
    )
    for name, regret in found.items():
        if (full := found.get(than or name.split("+")[0])) is not None:
            factors = [fewer(regret[rows], full[rows], mark) for rows in kinds.values()]
            print(f"{name:28} " + " ".join(f"{factor:<13.2f}" for factor in factors))


def numbers(args: argparse.Namespace) -> dict[str, Floats]:
    """By contender: trials, and how many of them were stopped, as means."""
    counts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for result in results(args):
        counts[result["key"][0]].append((result["trials"], result["stopped"]))
    return {name: np.mean(pairs, axis=0) for name, pairs in counts.items()}


def interval(scores: Floats) -> str:
    low, high = np.quantile(_resampled(scores), [0.025, 0.975])
    return f"{scores.mean():.3f} [{low:.3f}, {high:.3f}]"


def factor_interval(regret: Floats, full: Floats, mark: int) -> str:
    low, high = np.quantile(_resampled(log_factors(regret, full, mark)), [0.025, 0.975])
    return f"{fewer(regret, full, mark):.2f} [{np.exp(low):.2f}, {np.exp(high):.2f}]".ljust(17)


def _resampled(scores: Floats) -> Floats:
    """Means of as many scores drawn from them, again and again."""
    means: Floats = np.random.default_rng(0).choice(scores, (10_000, len(scores))).mean(axis=1)
    return means


def fewer(regret: Floats, full: Floats, mark: int) -> float:
    """By how many times fewer epochs there is the regret that full training has at `mark`: the mean over tasks."""
    return float(np.exp(log_factors(regret, full, mark).mean()))


def log_factors(regret: Floats, full: Floats, mark: int) -> Floats:
    """By task: epochs until full training has its regret at `mark`, by those that this takes to it; the logarithm.

    Where it does not get there, as many count as were looked at.
    """
    target = full[:, mark : mark + 1]
    own, others = (_first(one <= target) for one in (regret, full))
    logarithms: Floats = np.log(others / own)
    return logarithms


def _first(reached: NDArray[np.bool_]) -> Floats:
    """In each row the place of the first true one; the number of places where there is none."""
    places: Floats = np.where(reached.any(axis=1), reached.argmax(axis=1), reached.shape[1]).astype(np.float64)
    return places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "report"))
    parser.add_argument("--file", type=Path, default=Path("stopping.jsonl"))
    parser.add_argument("--curves", type=Path, default=FILE)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--finer", action="store_true", help="with points between those of the grids")
    parser.add_argument("--contender", nargs="*", choices=tuple(CONTENDERS))
    parser.add_argument("--task", nargs="*", choices=TASKS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--than", choices=tuple(CONTENDERS), help="whose full training `fewer` is against")
    parser.add_argument("--score", choices=("done", "seen"), default="done")
    args = parser.parse_args()
    {"run": run, "report": report}[args.command](args)


if __name__ == "__main__":
    main()
