"""Submits a study to a manager, watches it to its end, and prints what came out.

Uses nothing of Tunesmith's but its .proto files; see README.md for how the stubs are generated.
"""

import os
import sys
import uuid

import grpc

from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import manager_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

DOCUMENT = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: NAME}
spec:
  objective: {metric: loss, type: minimize}
  parameters:
    - {name: x, type: double, min: -2, max: 2}
    - {name: y, type: double, min: -2, max: 2}
  algorithm: {name: sobol, settings: {seed: 1}}
  limits: {trials: 8, parallel: 2}
  trial:
    command: [awk, -v, "x=${params.x}", -v, "y=${params.y}", "BEGIN { print \\"loss=\\" (1-x)^2 + 100*(y-x*x)^2 }"]
"""


def main(address: str, name: str) -> int:
    """Run the study; the exit status is 0 when it succeeded."""
    token = os.environ.get("TUNESMITH_TOKEN")
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address) as channel:
        manager = rpc.ManagerServiceStub(channel)
        document = DOCUMENT.replace("NAME", name)
        # The same request_id gives the same study, should the call be repeated.
        create = pb.CreateStudyRequest(request_id=uuid.uuid4().hex, document=document)
        key = manager.CreateStudy(create, metadata=metadata, timeout=60).study.key
        study = pb.Study()
        for update in manager.WatchStudy(pb.WatchStudyRequest(key=key), metadata=metadata):
            study = update.study
            print(f"{types.StudyState.Name(study.state)}: {study.counts.succeeded} of {study.counts.total} trials")
        best = ", ".join(f"{k}={v.double_value:.4f}" for k, v in sorted(study.best.assignment.values.items()))
        print(f"best: {study.best.name} with {study.best.value:.4f} at {best}")
        for metric in study.metrics:
            print(f"{metric.metric}: min {metric.min:.4f}, max {metric.max:.4f}, average {metric.average:.4f}")
    return 0 if study.state == types.STUDY_STATE_SUCCEEDED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "rosenbrock"))
