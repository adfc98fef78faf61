"""Time of one GetSuggestions of Katib's contract, by ours and by services of Katib's, in one run.

    python benchmarks/katib.py [--algorithm tpe ...] [--trials 0 100 1000 10000] [--calls 20]
                               [--peer NAME=COMMAND ...] [--at 127.0.0.1:6789]

A space of ten mixed parameters, and the whole history in each request, as Katib's controller sends it. *Warm*: one
more trial finishes, one is asked for. *Restarted*: the service was killed, and is asked with the history that it had
answered before. Times are those of the caller, in milliseconds, or the status of the refusal. `--peer` names a command
that serves at the address of `--at`, in a checkout of Katib for example:

    --folder CHECKOUT --peer "optuna=env PYTHONPATH=.:pkg/apis/manager/v1beta1/python:pkg/apis/manager/health/python
                              PYTHON cmd/suggestion/optuna/v1beta1/main.py"

A service that knows no trials but its own, as Katib's with Optuna, makes them itself, a hundred at a time.
"""

import argparse
import itertools
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import numpy as np
from suggest import SPACE

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.channel import open_sync_channel
from tunesmith.study import (
    AlgorithmSpec,
    Assignment,
    Distribution,
    DoubleDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudySpec,
    TrialTemplate,
)
from tunesmith.suggestion._katib_space import experiment_of
from tunesmith.suggestion._katib_values import text_of

BATCH = 100
DEADLINE = 120.0
"""Seconds for a call; Katib's controller gives 60."""


def katibs(parameter: Parameter) -> Parameter:
    """As Katib's services take it: with Optuna they raise at normal distributions."""
    domain = parameter.domain
    if isinstance(domain, DoubleDomain) and domain.distribution is Distribution.LOG_NORMAL:
        return replace(parameter, domain=replace(domain, distribution=Distribution.LOG_UNIFORM))
    return parameter


class Experiment:
    """An experiment as Katib's controller holds it."""

    def __init__(self, algorithm: str) -> None:
        """One without trials."""
        self.space = SearchSpace(tuple(map(katibs, SPACE.parameters)))
        spec = StudySpec(
            objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
            space=self.space,
            trial=TrialTemplate(("true",)),
            algorithm=AlgorithmSpec(algorithm),
            limits=Limits(trials=10**6),
        )
        self.message = experiment_of(spec, "benchmark", {"random_state": "7"})
        self.trials: list[katib.Trial] = []

    def make_up(self, count: int) -> None:
        """Add finished trials at random points."""
        rng = np.random.default_rng(0)
        for number in range(count):
            self._add(f"benchmark-{number}-aaaaa", texts(self.space.sample(rng)))

    def _add(self, name: str, assignments: list[katib.ParameterAssignment]) -> None:
        given = katib.TrialSpec.ParameterAssignments(assignments=assignments)
        value = katib.Metric(name="loss", value=str(len(self.trials) / 7))
        status = katib.TrialStatus(
            condition=katib.TrialStatus.SUCCEEDED, observation=katib.Observation(metrics=[value])
        )
        spec = katib.TrialSpec(objective=self.message.spec.objective, parameter_assignments=given)
        self.trials.append(katib.Trial(name=name, spec=spec, status=status))

    def ask(self, stub: "api_pb2_grpc.SuggestionStub", asked: int) -> float:
        """Ask for trials, let them finish, and return the milliseconds until they came."""
        request = katib.GetSuggestionsRequest(
            experiment=self.message,
            trials=self.trials,
            current_request_number=asked,
            total_request_number=len(self.trials) + asked,
        )
        begin = time.perf_counter()
        reply = stub.GetSuggestions(request, timeout=DEADLINE)
        took = 1000 * (time.perf_counter() - begin)
        assert len(reply.parameter_assignments) == asked
        for one in reply.parameter_assignments:
            self._add(one.trial_name or f"benchmark-{len(self.trials)}-bbbbb", list(one.assignments))
        return took


def texts(assignment: Assignment) -> list[katib.ParameterAssignment]:
    """As Katib writes the values."""
    return [katib.ParameterAssignment(name=name, value=text_of(value)) for name, value in assignment.items()]


@dataclass(frozen=True)
class Service:
    """A service that is started for each line; `folder` None: where we are."""

    name: str
    command: list[str]
    address: str
    folder: Path | None = None

    @contextmanager
    def started(self) -> "Iterator[api_pb2_grpc.SuggestionStub]":
        """As a process."""
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(self.command, cwd=self.folder, stdout=quiet, stderr=quiet)
        try:
            with open_sync_channel(self.address) as channel:
                grpc.channel_ready_future(channel).result(timeout=60)
                yield api_pb2_grpc.SuggestionStub(channel)
        finally:
            process.kill()
            process.wait()


def measure(service: Service, algorithm: str, trials: int, calls: int) -> str:
    """Measure one line: warm median and the first answer after a restart, or why there is none."""
    experiment = Experiment(algorithm)
    with service.started() as stub:
        try:
            fill(experiment, stub, trials)
            warm = statistics.median(experiment.ask(stub, 1) for _ in range(calls))
        except grpc.RpcError as error:
            return error.code().name
    with service.started() as stub:
        try:
            return f"{warm:10.1f} {experiment.ask(stub, 1):10.1f}"
        except grpc.RpcError as error:
            return f"{warm:10.1f} {error.code().name:>10}"


def fill(experiment: Experiment, stub: "api_pb2_grpc.SuggestionStub", trials: int) -> None:
    """Give it a history that the service takes: any, or else its own. Raises RpcError."""
    experiment.make_up(trials)
    try:
        experiment.ask(stub, 1)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNKNOWN or not trials:
            raise
        experiment.trials.clear()
        while len(experiment.trials) < trials:
            experiment.ask(stub, min(BATCH, trials - len(experiment.trials)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", nargs="+", default=["random", "tpe"], metavar="NAME")
    parser.add_argument("--trials", nargs="+", type=int, default=[0, 100, 1000, 10000], metavar="N")
    parser.add_argument("--calls", type=int, default=20, metavar="N", help="warm calls a line")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--at", default="127.0.0.1:6789", metavar="ADDR", help="where the peers serve")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the peers' commands are run")
    args = parser.parse_args()
    print("milliseconds; load average", *(f"{load:.1f}" for load in os.getloadavg()))
    print(f"{'service':<12} {'algorithm':<22} {'finished':>8} {'warm p50':>10} {'restarted':>10}")
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        ours = f"unix:{folder}/d/s"
        services = [Service("ours", [sys.executable, "-m", "tunesmith.suggestion", "serve", "--listen", ours], ours)]
        for name, command in (peer.split("=", 1) for peer in args.peer):
            services.append(Service(name, shlex.split(command), args.at, args.folder))
        for algorithm, trials, service in itertools.product(args.algorithm, args.trials, services):
            told = measure(service, algorithm, trials, args.calls)
            print(f"{service.name:<12} {algorithm:<22} {trials:8,} {told}", flush=True)


if __name__ == "__main__":
    main()
