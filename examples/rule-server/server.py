"""An early-stopping service of one's own: a trial that is worse than every finished one was at its end is stopped.

Uses nothing of Tunesmith's but its .proto files; see README.md for how the stubs are generated. It keeps nothing
between calls, so any number of them may serve, and each may be restarted at any moment.
"""

import math
import sys
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tunesmith.v1 import early_stopping_pb2 as pb
from tunesmith.v1 import early_stopping_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

AFTER = 4
"""Reports before which no trial is stopped."""


class Laggards(rpc.EarlyStoppingServiceServicer):
    """The three calls of the contract."""

    def Describe(self, request, context):
        """Say what is offered."""
        rule = types.RuleDescription(name="laggards", summary="Stops what is worse than the worst one that finished.")
        return pb.EarlyStoppingServiceDescribeResponse(rules=[rule])

    def Validate(self, request, context):
        """Refuse what we cannot work with, every mistake at once, each with its place in the document."""
        wrong = error_details_pb2.BadRequest()
        for name in request.spec.early_stopping.settings:
            path = f"spec.earlyStopping.settings.{name}"
            wrong.field_violations.add(field=path, description="is no setting of laggards")
        if wrong.field_violations:
            refuse(context, code_pb2.INVALID_ARGUMENT, "; ".join(x.description for x in wrong.field_violations), wrong)
        return pb.EarlyStoppingServiceValidateResponse()

    def Decide(self, requests, context):
        """Answer a header, which is followed by the observations that came after its base revision."""
        header = next(requests).header
        if header.base_revision:  # the caller believes that we hold a part of them: we hold nothing
            held = error_details_pb2.ErrorInfo(reason="BASE_REVISION", metadata={"revision": "0", "digest": "0"})
            refuse(context, code_pb2.FAILED_PRECONDITION, "no observations are kept here", held)
        curves, finished = read(request.observations for request in requests)
        sign = -1 if header.spec.objectives[0].type == types.OBJECTIVE_TYPE_MAXIMIZE else 1
        worst = max((sign * value for value in finished.values()), default=math.inf)
        decisions = [decide(trial, curves.get(trial, {}), sign, worst) for trial in header.trials]
        return pb.DecideResponse(decisions=[decision for decision in decisions if decision])


def read(chunks):
    """Put the news together: values by trial and step, and the values of trials that succeeded."""
    curves, finished = {}, {}
    for chunk in chunks:
        for trial in chunk.restarted:
            curves.pop(trial, None)
            finished.pop(trial, None)
        for trial, step, value in zip(chunk.trials, chunk.steps, chunk.values, strict=True):
            curves.setdefault(trial, {}).setdefault(step, value)  # the first value of a step counts
        for trial in chunk.records:  # of trials that were made, and of those that ended
            finished.pop(trial.number, None)
            if trial.state == types.TRIAL_STATE_SUCCEEDED and trial.values:
                finished[trial.number] = trial.values[0]
    return curves, finished


def decide(trial, curve, sign, worst):
    """Compare the best of a trial with the worst of those that finished; None: there is nothing to compare."""
    losses = [sign * value for value in curve.values() if math.isfinite(value)]
    if len(losses) < AFTER or worst == math.inf:
        return None
    reason = (
        f"after {len(losses)} reports its best is {sign * min(losses):g}; the worst that finished: {sign * worst:g}"
    )
    return pb.Decision(trial=trial, stop=min(losses) > worst, reason=reason, step=max(curve))


def refuse(context, code, message, detail):
    """End the call with a status that carries a detail."""
    packed = any_pb2.Any()
    packed.Pack(detail)
    context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code, message=message, details=[packed])))


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(4))
    rpc.add_EarlyStoppingServiceServicer_to_server(Laggards(), server)
    print(f"serving at port {server.add_insecure_port(sys.argv[1])}", flush=True)
    server.start()
    server.wait_for_termination()
