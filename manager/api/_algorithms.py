"""The calls about algorithms and rules."""

from tunesmith.manager.api._base import Calls
from tunesmith.manager.api._presence import present
from tunesmith.v1 import manager_pb2 as pb


class AlgorithmCalls(Calls):
    """Tell what documents may name."""

    @present
    async def ListAlgorithms(self, request: pb.ListAlgorithmsRequest, context: object) -> pb.ListAlgorithmsResponse:
        """What our own suggestion service offers; it is started when it does not run yet."""
        return pb.ListAlgorithmsResponse(algorithms=await self._context.suggester.algorithms())

    @present
    async def ListRules(self, request: pb.ListRulesRequest, context: object) -> pb.ListRulesResponse:
        """What our own early-stopping service offers; it is started when it does not run yet."""
        return pb.ListRulesResponse(rules=await self._context.decider.rules())
