"""Time of one decision on a running trial over a socket, in a study of many trials with long curves.

    python benchmarks/decide.py [--rule median ...] [--trials 1000] [--steps 1000] [--calls 200]

The early-stopping service runs as a process of its own at a Unix socket. Trials have ten parameters, and all but the
last four have ended: half of them were stopped halfway, and the others reported every step. The four report in turn,
from the middle of their curves on: a *warm* call brings the one observation that is news and asks about all four, as
the manager does. After a *restart*, the first call is refused and the second brings every observation: both are
counted, but neither the start of the process nor the making of the messages is. Times are those of the caller, in
milliseconds. `stops` is the share of warm calls whose decision was to stop the trial that reports; it goes on all the
same.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator

import numpy as np
from suggest import PATIENCE, Service

from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import BaseRevision
from tunesmith.study import (
    DoubleDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    RuleSpec,
    SearchSpace,
    StudySpec,
    TrialState,
    TrialTemplate,
    wire,
)
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import early_stopping_pb2_grpc as rpc
from tunesmith.v1 import suggestion_pb2

RUNNING = 4
PARAMETERS = 10

RULES: dict[str, dict[str, ParameterValue]] = {
    "median": {},
    "percentile": {},
    "asha": {},
    "hyperband": {},
    "threshold": {"upper": 10.0},
    "patience": {},
    "wilcoxon": {},
    "curve": {},
}
"""Rules, with the settings that they cannot do without."""


class Study:
    """A study as its manager keeps it."""

    def __init__(self, rule: str, trials: int, steps: int) -> None:
        """Make the curves of all trials, and let those that do not run any more report theirs."""
        spec = StudySpec(
            objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
            space=SearchSpace(tuple(Parameter(f"x{place}", DoubleDomain(0, 1)) for place in range(PARAMETERS))),
            trial=TrialTemplate(("true",)),
            early_stopping=RuleSpec(rule, RULES[rule]),
            limits=Limits(trials=10**6, parallel=RUNNING),
            seed=7,
        )
        self.spec = wire.spec_to_proto(spec)
        self.curves = curves(trials, steps)
        self.running = range(trials - RUNNING, trials)
        self.lengths = [steps // 2 if number % 2 or number in self.running else steps for number in range(trials)]
        self.revision, self.base, self.turn = 1, 0, 0

    def stream(self, trial: int, base: int) -> Iterator[messages.DecideRequest]:
        """Give the messages of a call about a trial that has just reported."""
        yield messages.DecideRequest(
            header=messages.DecideHeader(
                study_uid="benchmark",
                generation=1,
                spec=self.spec,
                base_revision=base,
                base_digest=base,
                revision=self.revision,
                digest=self.revision,
                trials=self.running,
            )
        )
        if base:
            yield self.observed(trial, self.lengths[trial])
            return
        trials = range(len(self.lengths))
        for other in trials:
            yield self.observed(other, 1)
        yield messages.DecideRequest(observations=messages.ObservationChunk(records=map(self.record, trials)))

    def observed(self, trial: int, first: int) -> messages.DecideRequest:
        """What a trial reported from a step on; the manager, too, puts observations of one trial into a message."""
        last = self.lengths[trial]
        values = self.curves[trial, first - 1 : last].tolist()
        chunk = messages.ObservationChunk(trials=[trial] * len(values), steps=range(first, last + 1), values=values)
        return messages.DecideRequest(observations=chunk)

    def record(self, trial: int) -> suggestion_pb2.TrialRecord:
        """A trial that ended, or runs."""
        running, values = trial in self.running, self.curves[trial, : self.lengths[trial]]
        if running:
            state = TrialState.RUNNING
        else:
            state = TrialState.EARLY_STOPPED if len(values) < self.curves.shape[1] else TrialState.SUCCEEDED
        point = np.random.default_rng(trial).random(PARAMETERS)
        return suggestion_pb2.TrialRecord(
            number=trial,
            name=f"trial-{trial}",
            state=wire.TRIAL_STATE_TO_PROTO[state],
            assignment=wire.assignment_to_proto({f"x{place}": float(value) for place, value in enumerate(point)}),
            values=[] if running else [values.min()],
        )

    async def ask(self, stub: "rpc.EarlyStoppingServiceAsyncStub", restarted: bool = False) -> tuple[float, bool]:
        """Report a step of the next trial; give the milliseconds until it was decided on, and whether to stop."""
        self.turn = (self.turn + 1) % RUNNING
        trial = self.running[self.turn]
        self.lengths[trial] += 1
        self.revision += 1
        calls = [list(self.stream(trial, self.base))] + [list(self.stream(trial, 0))] * restarted
        began = time.perf_counter()
        for call in calls:  # a service that was restarted refuses the first
            with contextlib.suppress(BaseRevision), rpc_errors():
                response = await stub.Decide(iter(call))
        took = 1000 * (time.perf_counter() - began)
        self.base = self.revision
        return took, any(one.stop for one in response.decisions if one.trial == trial)


def curves(trials: int, steps: int) -> np.ndarray:
    """Losses that fall by power laws, with noise: (trials, steps)."""
    rng = np.random.default_rng(0)
    least, fall, noise = rng.uniform(0, 1, (trials, 1)), rng.uniform(0.2, 1, (trials, 1)), 0.02
    falling = np.arange(1, steps + 1) ** -fall
    return np.asarray(least + falling + noise * rng.standard_normal((trials, steps)))


async def measure(service: Service, rule: str, trials: int, steps: int, calls: int) -> list[str]:
    """Measure one line of the table."""
    study = Study(rule, trials, steps)
    with service.running():
        async with open_channel(service.address) as channel:
            stub = rpc.EarlyStoppingServiceStub(channel)
            await channel.channel_ready()
            await study.ask(stub)
            warm = [await study.ask(stub)]
            while len(warm) < calls and sum(took for took, _ in warm) < PATIENCE:
                warm.append(await study.ask(stub))
    cold = []
    for _ in range(3):
        with service.running():
            async with open_channel(service.address) as channel:
                await channel.channel_ready()
                cold.append((await study.ask(rpc.EarlyStoppingServiceStub(channel), restarted=True))[0])
    took = sorted(one for one, _ in warm)
    figures = [statistics.median(took), took[int(len(took) * 0.95)], statistics.median(cold)]
    stops = sum(stop for _, stop in warm) / len(warm)
    return [rule, f"{trials:,}", f"{steps:,}", *(f"{figure:.2f}" for figure in figures), f"{stops:.2f}"]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", nargs="+", default=list(RULES), choices=tuple(RULES))
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="warm calls a line")
    args = parser.parse_args()
    layout = "{:<12} {:>7} {:>7} {:>10} {:>10} {:>10} {:>6}"
    print("milliseconds; load average", *(f"{load:.1f}" for load in os.getloadavg()))
    print(layout.format("rule", "trials", "steps", "warm p50", "warm p95", "restarted", "stops"))
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        for rule in args.rule:
            measured = await measure(Service(folder, "tunesmith.earlystop"), rule, args.trials, args.steps, args.calls)
            print(layout.format(*measured), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
