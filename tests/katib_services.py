"""Suggestion services that speak Katib's contract and not ours: `python tests/katib_services.py KIND PORT [FILE]`.

KIND `ours` is our own servicer. `stateful` is one as Katib's are: it proposes other points each time it is asked, keeps
a counter in the settings of the algorithm, knows its trials by the texts of their values, and raises at any other.
`rungs` also raises while trials of its run. FILE gets a line of JSON for each request.
"""

import asyncio
import json
import os
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc

RUNNING = (katib.TrialStatus.CREATED, katib.TrialStatus.RUNNING)


class Stateful(api_pb2_grpc.SuggestionServicer):
    """Proposes along a golden section, and never twice the same."""

    def __init__(self, log: Path, rungs: bool) -> None:
        self._log, self._rungs, self._counter = log, rungs, 0

    def ValidateAlgorithmSettings(self, request: Any, context: Any) -> katib.ValidateAlgorithmSettingsReply:
        for one in request.experiment.spec.algorithm.algorithm_settings:
            if one.name != "flavour":
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"unknown setting {one.name} for algorithm golden")
        return katib.ValidateAlgorithmSettingsReply()

    def GetSuggestions(self, request: Any, context: Any) -> katib.GetSuggestionsReply:
        settings = {one.name: one.value for one in request.experiment.spec.algorithm.algorithm_settings}
        told = {trial.name: _values(trial.spec.parameter_assignments) for trial in request.trials}
        self._counter = max(self._counter, int(settings.get("counter", 0)))
        for trial in request.trials:
            place = int(trial.spec.labels["place"])
            if told[trial.name] != _proposal(place):
                raise ValueError(f"An unknown trial has been passed: {told[trial.name]}")
        if self._rungs and any(trial.status.condition in RUNNING for trial in request.trials):
            self._note(request, settings, told, "refused")
            raise RuntimeError("There are some trials which are not completed yet")
        reply = katib.GetSuggestionsReply()
        for _ in range(request.current_request_number):
            given = reply.parameter_assignments.add(labels={"place": str(self._counter)})
            given.assignments.extend(
                katib.ParameterAssignment(name=name, value=value) for name, value in _proposal(self._counter).items()
            )
            self._counter += 1
        reply.algorithm.algorithm_settings.add(name="counter", value=str(self._counter))
        self._note(request, settings, told, [_values(one) for one in reply.parameter_assignments])
        return reply

    def _note(self, request: Any, settings: dict[str, str], told: Any, answer: Any) -> None:
        statuses = {trial.name: trial.status for trial in request.trials}
        name_of = katib.TrialStatus.TrialConditionType.Name
        line = {
            "pid": os.getpid(),
            "experiment": request.experiment.name,
            "settings": settings,
            "told": told,
            "places": {trial.name: int(trial.spec.labels["place"]) for trial in request.trials},
            "states": {name: name_of(status.condition) for name, status in statuses.items()},
            "losses": {name: [one.value for one in status.observation.metrics] for name, status in statuses.items()},
            "total": request.total_request_number,
            "answer": answer,
        }
        with self._log.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _proposal(counter: int) -> dict[str, str]:
    """Written as a service may: not as Python would write the same numbers."""
    return {"x": f"{counter * 0.618033 % 1:.5f}0", "n": f"0{counter % 7}", "kind": "ab"[counter % 2]}


def _values(message: Any) -> dict[str, str]:
    return {one.name: one.value for one in message.assignments}


def _serve_stateful(port: str, log: Path, rungs: bool) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    api_pb2_grpc.add_SuggestionServicer_to_server(Stateful(log, rungs), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


def _serve_ours(port: str) -> None:
    from tunesmith.services.server import serve
    from tunesmith.services.studies import Studies
    from tunesmith.services.workers import Workers
    from tunesmith.suggestion import load_registry
    from tunesmith.suggestion._katib import KatibSuggestion

    servicer = KatibSuggestion(load_registry(), Studies(), Workers())
    listen = [f"127.0.0.1:{port}"]
    asyncio.run(serve(servicer.register, listen=listen, token_check=None, ready=lambda _: print("serving", flush=True)))


if __name__ == "__main__":
    kind, port, *rest = sys.argv[1:]
    if kind == "ours":
        _serve_ours(port)
    else:
        _serve_stateful(port, Path(*rest), kind == "rungs")
