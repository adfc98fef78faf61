"""Time of one suggestion over a socket, against the length of the history.

    python benchmarks/suggest.py [--algorithm random] [--trials 0 100 1000 10000] [--calls 200] [--steps 0] [--peers]

The service runs as a process of its own at a Unix socket, with a study of 10 mixed parameters. A *warm* call brings
what changed since the one before (a trial that finished, and those asked for then, now pending), as the manager does.
After a *restart*, the first call is refused and the second brings the whole history: both are counted, the start of the
process is not. Times are those of the caller, in milliseconds. A call that takes long is made fewer times: for
some 20 seconds, but three times at least.

With `--steps N` most trials were stopped early on their way to N steps, so that algorithms which use these forecast
where these would have ended; the steps of the latest 1,000 trials are sent, as by the manager.

With `--peers` each line is followed by that of Optuna's sampler of the same name, asked and told in this process: no
socket, no process, and no database, so its own bare time.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from peers import SAMPLERS, Optuna

from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import BaseRevision
from tunesmith.services.learning_curves import MOST_TRIALS
from tunesmith.study import (
    AlgorithmSpec,
    CategoricalDomain,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudySpec,
    TrialTemplate,
    wire,
)
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc, types_pb2

CHUNK = 1000
PATIENCE = 20_000.0
"""Milliseconds of calls after which no more are made."""
SPACE = SearchSpace(
    (
        Parameter("rate", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM)),
        Parameter("momentum", DoubleDomain(0, 1)),
        Parameter("decay", DoubleDomain(1e-6, 1e-2, Distribution.LOG_NORMAL)),
        Parameter("dropout", DoubleDomain(0, 0.5, step=0.05)),
        Parameter("layers", IntDomain(1, 12)),
        Parameter("width", IntDomain(16, 1024, Distribution.LOG_UNIFORM)),
        Parameter("batch", DiscreteDomain((32, 64, 128, 256))),
        Parameter("optimizer", CategoricalDomain(("adam", "sgd", "rmsprop"))),
        Parameter("schedule", CategoricalDomain(("cosine", "linear", "constant"))),
        Parameter("nesterov", CategoricalDomain((True, False))),
    )
)


class Study:
    """A study as its manager keeps it."""

    def __init__(self, algorithm: str, trials: int, steps: int) -> None:
        """Make a history of so many finished trials. `steps` of those that are not stopped early; 0: all succeed."""
        spec = StudySpec(
            objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
            space=SPACE,
            trial=TrialTemplate(("true",)),
            algorithm=AlgorithmSpec(algorithm),
            limits=Limits(trials=10**6),
            seed=7,
        )
        self.spec, self.steps = wire.spec_to_proto(spec), steps
        self.records: list[messages.TrialRecord] = []
        self.revision = self.base = 0
        self.changed: list[messages.TrialRecord] = []
        rng = np.random.default_rng(0)
        for _ in range(trials):
            self.add(wire.assignment_to_proto(SPACE.sample(rng)), {})
            self.finish(len(self.records) - 1)

    def add(self, assignment: types_pb2.Assignment, labels: dict[str, str]) -> None:
        """Put a pending trial into the history."""
        number = len(self.records)
        record = messages.TrialRecord(name=f"trial-{number}", number=number, assignment=assignment, labels=labels)
        record.state = types_pb2.TRIAL_STATE_PENDING
        self.records.append(record)
        self._change(record)

    def finish(self, number: int) -> None:
        """Let a trial succeed, or be stopped early."""
        record = self.records[number]
        record.state = types_pb2.TRIAL_STATE_SUCCEEDED
        record.values[:] = [number / 7]
        if self.steps:
            last = 1 + (7 * number) % self.steps if number % 4 else self.steps
            record.steps.update({step: number / 7 + 1 / step for step in range(1, last + 1)})
            record.values[:] = [record.steps[last]]
            if last < self.steps:
                record.state = types_pb2.TRIAL_STATE_EARLY_STOPPED
        if number >= MOST_TRIALS:
            self.records[number - MOST_TRIALS].ClearField("steps")
        record.completion_rank = self.revision + 1
        self._change(record)

    def _change(self, record: messages.TrialRecord) -> None:
        self.revision += 1
        record.revision = self.revision
        self.changed.append(record)

    def stream(self, asked: int) -> Iterator[messages.SuggestRequest]:
        """Give the messages of a call."""
        first = len(self.records)
        yield messages.SuggestRequest(
            header=messages.SuggestHeader(
                study_uid="benchmark",
                generation=1,
                spec=self.spec,
                base_revision=self.base,
                base_digest=self.base,
                revision=self.revision,
                digest=self.revision,
                names=[messages.TrialName(name=f"trial-{n}", number=n) for n in range(first, first + asked)],
            )
        )
        trials = self.changed if self.base else sorted(self.records, key=lambda record: record.revision)
        for start in range(0, len(trials), CHUNK):
            yield messages.SuggestRequest(history=messages.HistoryChunk(trials=trials[start : start + CHUNK]))

    async def ask(self, stub: "suggestion_pb2_grpc.SuggestionServiceAsyncStub", asked: int) -> float:
        """Ask for trials, take them up, and return the milliseconds until they came."""
        begin = time.perf_counter()
        try:
            with rpc_errors():
                response = await stub.Suggest(self.stream(asked))
        except BaseRevision:
            self.base = 0
            response = await stub.Suggest(self.stream(asked))
        took = 1000 * (time.perf_counter() - begin)
        self.base, self.changed = self.revision, []
        for suggestion in response.suggestions:
            self.add(suggestion.assignment, dict(suggestion.labels))
        assert len(response.suggestions) == asked, response.message
        return took


class Service:
    """A service as a process."""

    def __init__(self, folder: str, program: str = "tunesmith.suggestion") -> None:
        """Start nothing yet."""
        self.address, self.program = f"unix:{folder}/d/s", program

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, wait until it answers, and kill it."""
        command = [sys.executable, "-m", self.program, "serve", "--listen", self.address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                json.loads(process.stdout.readline())
                yield
            finally:
                process.kill()


def repeated(call: Callable[[], float], calls: int) -> list[float]:
    """So many times, or fewer where they take long; sorted."""
    took: list[float] = []
    while len(took) < calls and (sum(took) < PATIENCE or len(took) < 3):
        took.append(call())
    return sorted(took)


def measure_peer(sampler: str, trials: int, asked: int, calls: int) -> list[str]:
    """Measure Optuna's line of the table."""
    rng = np.random.default_rng(0)
    assignments = [SPACE.sample(rng) for _ in range(trials)]
    peer = Optuna(sampler, SPACE, assignments)
    peer.ask(1)
    warm = repeated(lambda: peer.ask(asked), calls)

    def restart() -> float:
        began = time.perf_counter()
        Optuna(sampler, SPACE, assignments).ask(asked)
        return 1000 * (time.perf_counter() - began)

    return line(f"  optuna {sampler}", trials, asked, warm, repeated(restart, 3))


def line(name: str, trials: int, asked: int, warm: list[float], cold: list[float]) -> list[str]:
    figures = [statistics.median(warm), warm[int(len(warm) * 0.95)], statistics.median(cold)]
    return [name, f"{trials:,}", str(asked), *(f"{figure:.2f}" for figure in figures)]


async def measure(service: Service, algorithm: str, trials: int, steps: int, asked: int, calls: int) -> list[str]:
    """Measure one line of the table."""
    study = Study(algorithm, trials, steps)
    warm, cold = list[float](), list[float]()
    with service.running():
        async with open_channel(service.address) as channel:
            stub = suggestion_pb2_grpc.SuggestionServiceStub(channel)
            await channel.channel_ready()
            await study.ask(stub, 1)
            while len(warm) < calls and (sum(warm) < PATIENCE or len(warm) < 3):
                study.finish(len(study.records) - 1)
                warm.append(await study.ask(stub, asked))
    for _ in range(3):
        study.records = study.records[: trials + 1] if trials else study.records[:1]
        study.revision = study.base = max(record.revision for record in study.records)
        study.changed = []
        with service.running():
            async with open_channel(service.address) as channel:
                await channel.channel_ready()
                cold.append(await study.ask(suggestion_pb2_grpc.SuggestionServiceStub(channel), asked))
    return line(algorithm, trials, asked, sorted(warm), cold)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", nargs="+", default=["random", "sobol", "grid", "auto"], metavar="NAME")
    parser.add_argument("--trials", nargs="+", type=int, default=[0, 100, 1000, 10000], metavar="N")
    parser.add_argument("--asked", nargs="+", type=int, default=[1, 10], metavar="N")
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="warm calls a line")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="of a trial; most are stopped before")
    parser.add_argument("--peers", action="store_true", help="also Optuna's samplers of the same names")
    args = parser.parse_args()
    layout = "{:<16} {:>8} {:>6} {:>10} {:>10} {:>10}"
    print("milliseconds; load average", *(f"{load:.1f}" for load in os.getloadavg()))
    print(layout.format("algorithm", "finished", "asked", "warm p50", "warm p95", "restarted"))
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        for algorithm in args.algorithm:
            for trials in args.trials:
                for asked in args.asked:
                    measured = await measure(Service(folder), algorithm, trials, args.steps, asked, args.calls)
                    print(layout.format(*measured), flush=True)
                    if args.peers and algorithm in SAMPLERS:
                        print(layout.format(*measure_peer(algorithm, trials, asked, args.calls)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
