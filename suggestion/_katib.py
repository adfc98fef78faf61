"""Katib's Suggestion service, api.v1.beta1, over our algorithms: its controller may use this one in place of its own.

Each request brings the whole history and is answered from it alone. What is held of a study is a copy of the last
request, by which the trials that did not change need not be read again; it never changes an answer.
"""

import hashlib
from functools import partial
from typing import Any, Final

import grpc

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.server import HealthName
from tunesmith.services.studies import Studies
from tunesmith.services.turns import Turns
from tunesmith.services.workers import Kind, Workers
from tunesmith.suggestion._katib_check import check
from tunesmith.suggestion._katib_history import KatibHeld, advance, numbered
from tunesmith.suggestion._katib_lost import find_lost
from tunesmith.suggestion._katib_reply import reply
from tunesmith.suggestion._katib_study import KatibStudy, identity, study_of
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._studies import Held

SERVICE: Final[str] = katib.DESCRIPTOR.services_by_name["Suggestion"].full_name
HEALTH: Final = HealthName("manager.v1beta1.Suggestion")
"""The name under which Katib asks for the health of a suggestion service."""

Context = grpc.aio.ServicerContext[Any, Any]


class KatibSuggestion(api_pb2_grpc.SuggestionServicer):
    """Answers for the algorithms of a registry; holds studies and works as the SuggestionService beside it does."""

    def __init__(self, registry: Registry, studies: Studies[Held], workers: Workers) -> None:
        """Share what is held, and the threads, with the other contract."""
        self._registry, self._workers = registry, workers
        self._turns = Turns(studies, workers)

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the service to a server."""
        api_pb2_grpc.add_SuggestionServicer_to_server(self, server)
        return [SERVICE, HEALTH]

    async def ValidateAlgorithmSettings(
        self, request: katib.ValidateAlgorithmSettingsRequest, context: Context
    ) -> katib.ValidateAlgorithmSettingsReply:
        """Check an experiment that is to be."""
        await self._workers.run(Kind.QUICK, partial(check, request.experiment, self._registry))
        return katib.ValidateAlgorithmSettingsReply()

    async def GetSuggestions(self, request: katib.GetSuggestionsRequest, context: Context) -> katib.GetSuggestionsReply:
        """Propose as many assignments as are asked for."""
        uid = _uid(identity(request.experiment, self._registry), request)
        kind = self._registry.kind_of(request.experiment.spec.algorithm.algorithm_name)
        return await self._turns.take(uid, kind, partial(_take_turn, uid=uid, request=request, registry=self._registry))


def _uid(known: bytes, request: katib.GetSuggestionsRequest) -> str:
    """Under which a study is held: by the experiment, and by a trial, as several namespaces may have such a one."""
    first = min((trial.name for trial in request.trials), default="")
    return f"katib/{hashlib.blake2b(known + first.encode(errors='replace'), digest_size=16).hexdigest()}"


def _take_turn(
    held: Held | None, uid: str, request: katib.GetSuggestionsRequest, registry: Registry
) -> tuple[Held, katib.GetSuggestionsReply]:
    """Bring a study to the request's history, and ask its algorithm."""
    study: KatibStudy = study_of(request.experiment, registry)
    known = held if isinstance(held, KatibHeld) else None
    trials = numbered(request.trials, request.experiment.name)
    advanced = advance(known, uid, study, trials)
    find_lost(advanced, request.total_request_number - request.current_request_number)
    return advanced, reply(advanced, study, request)
