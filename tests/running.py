"""A manager in a process of its own, and a synchronous client of it, for tests of the API."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.house import House

from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub


@dataclass
class Running:
    """A manager that answers; `stub` is a plain synchronous client of it."""

    house: House
    address: str
    stub: ManagerServiceStub

    def create(self, name: str, **spec: Any) -> pb.Study:
        document = json.dumps(job(name, **spec))
        return self.stub.CreateStudy(pb.CreateStudyRequest(document=document)).study

    def study(self, name: str) -> pb.Study:
        return self.stub.GetStudy(pb.GetStudyRequest(key=pb.StudyKey(name=name))).study

    def trials(self, name: str) -> list[pb.Trial]:
        return list(self.stub.ListTrials(pb.ListTrialsRequest(study=pb.StudyKey(name=name))).trials)

    def ended(self, name: str) -> pb.Study:
        """The study when it has ended."""
        *_, last = self.stub.WatchStudy(pb.WatchStudyRequest(key=pb.StudyKey(name=name)), timeout=60)
        return last.study


def job(name: str, script: str = "print('loss=1')", **spec: Any) -> dict[str, Any]:
    """A StudyJob of two quick trials; `spec` replaces parts of its spec."""
    base: dict[str, Any] = {
        "objective": {"metric": "loss", "type": "minimize"},
        "parameters": [{"name": "x", "type": "double", "min": 0, "max": 1}],
        "algorithm": {"name": "random", "settings": {"seed": 1}},
        "limits": {"trials": 2, "parallel": 2},
        "trial": {"command": [sys.executable, "-S", "-c", script, "${params.x}"]},
    }
    return {
        "apiVersion": "tunesmith.dev/v1",
        "kind": "StudyJob",
        "metadata": {"name": name},
        "spec": base | spec,
    }
