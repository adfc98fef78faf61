"""A suggestion service of one's own: each trial is a step away from the best one so far, shorter from trial to trial.

Uses nothing of Tunesmith's but its .proto files; see README.md for how the stubs are generated. It keeps nothing
between calls, so any number of them may serve, and each may be restarted at any moment.
"""

import math
import random
import sys
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tunesmith.v1 import suggestion_pb2 as pb
from tunesmith.v1 import suggestion_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types


class Stepping(rpc.SuggestionServiceServicer):
    """The three calls of the contract."""

    def Describe(self, request, context):
        """Say what is offered; `tunesmith run` asks ahead of results unless `uses_values` is set."""
        can = types.Capabilities(uses_values=True)
        return pb.DescribeResponse(
            algorithms=[types.AlgorithmDescription(name="stepping", summary="Steps from the best.", capabilities=can)]
        )

    def Validate(self, request, context):
        """Refuse what we cannot work with, every mistake at once, each with its place in the document."""
        wrong = error_details_pb2.BadRequest()
        for place, one in enumerate(request.spec.space.parameters):
            if one.WhichOneof("domain") != "double_domain" or one.when:
                wrong.field_violations.add(
                    field=f"spec.parameters[{place}]", description="must be a double, always active"
                )
        for name in request.spec.algorithm.settings:
            wrong.field_violations.add(field=f"spec.algorithm.settings.{name}", description="is no setting of stepping")
        if request.spec.space.constraints:
            wrong.field_violations.add(field="spec.constraints", description="are not looked at by stepping")
        if wrong.field_violations:
            refuse(context, code_pb2.INVALID_ARGUMENT, "; ".join(x.description for x in wrong.field_violations), wrong)
        return pb.ValidateResponse()

    def Suggest(self, requests, context):
        """Answer a header, which is followed by the trials that changed since its base revision."""
        header = next(requests).header
        if header.base_revision:  # the caller believes that we hold a part of the history: we hold nothing
            held = error_details_pb2.ErrorInfo(reason="BASE_REVISION", metadata={"revision": "0", "digest": "0"})
            refuse(context, code_pb2.FAILED_PRECONDITION, "no history is kept here", held)
        trials = [trial for request in requests for trial in request.history.trials]
        ended = [trial for trial in trials if trial.values and math.isfinite(trial.values[0])]
        sign = -1 if header.spec.objectives[0].type == types.OBJECTIVE_TYPE_MAXIMIZE else 1
        best = min(ended, key=lambda trial: sign * trial.values[0], default=None)
        return pb.SuggestResponse(suggestions=[step(header.spec, name, best) for name in header.names])


def step(spec, name, best):
    """Propose a trial: a function of the study's seed, the trial's number, and the best trial."""
    made, draw = pb.Suggestion(name=name.name), random.Random(f"{spec.seed}/{name.number}")
    for parameter in spec.space.parameters:
        low, high = parameter.double_domain.min, parameter.double_domain.max
        value = draw.uniform(low, high)
        if best:
            middle = best.assignment.values[parameter.name].double_value
            value = min(high, max(low, draw.gauss(middle, (high - low) / (3 + name.number))))
        made.assignment.values[parameter.name].double_value = value
    made.explanation.model = "stepping"
    made.explanation.text = f"a step from trial {best.number}" if best else "anywhere: no trial has a value yet"
    return made


def refuse(context, code, message, detail):
    """End the call with a status that carries a detail."""
    packed = any_pb2.Any()
    packed.Pack(detail)
    context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code, message=message, details=[packed])))


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(4))
    rpc.add_SuggestionServiceServicer_to_server(Stepping(), server)
    print(f"serving at port {server.add_insecure_port(sys.argv[1])}", flush=True)
    server.start()
    server.wait_for_termination()
