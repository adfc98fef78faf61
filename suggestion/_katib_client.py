"""Calls of suggestion services that speak Katib's contract, from threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.channel import open_sync_channel, rpc_errors, tls_for
from tunesmith.services.errors import NotOffered, TryAgain, TunesmithError

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds that a service gets for an answer, as in Katib."""
_MOST = 64
_HEALTH = "manager.v1beta1.Suggestion"


class KatibClients:
    """Channels by address: those used last stay open."""

    def __init__(self) -> None:
        """Begin without any."""
        self._channels: OrderedDict[str, grpc.Channel] = OrderedDict()
        self._lock = threading.Lock()

    def validate(self, address: str, experiment: katib.Experiment) -> None:
        """Ask whether an experiment can be served; one that cannot is an error of the service's.

        Raises TryAgain when nobody answers, NotOffered when whoever answers is no such service.
        """
        request = katib.ValidateAlgorithmSettingsRequest(experiment=experiment)
        try:
            self._call(address, lambda one: api_pb2_grpc.SuggestionStub(one).ValidateAlgorithmSettings(request))
        except NotOffered:
            if not self._is_katibs(address):
                raise NotOffered(
                    f"the server at {address} is no suggestion service: it speaks neither tunesmith.v1 nor Katib's "
                    "api.v1.beta1"
                ) from None

    def suggest(self, address: str, request: katib.GetSuggestionsRequest) -> katib.GetSuggestionsReply:
        """Ask for assignments. Raises TryAgain when nobody answers."""
        return self._call(address, lambda one: api_pb2_grpc.SuggestionStub(one).GetSuggestions(request))

    def _is_katibs(self, address: str) -> bool:
        """Katib takes a service that validates nothing for one that takes everything; by its health it is known."""
        request = health_pb2.HealthCheckRequest(service=_HEALTH)
        try:
            self._call(address, lambda one: health_pb2_grpc.HealthStub(one).Check(request))
        except TryAgain:
            raise
        except TunesmithError:
            return False
        return True

    def _call(self, address: str, call: Callable[[grpc.Channel], T]) -> T:
        try:
            with rpc_errors():
                return call(self._channel(address))
        except TryAgain as error:
            raise TryAgain(f"the suggestion service {address} does not answer: {error}") from error

    def _channel(self, address: str) -> grpc.Channel:
        with self._lock:
            if address not in self._channels:
                self._channels[address] = open_sync_channel(address, tls=tls_for(address), deadline=DEADLINE)
            self._channels.move_to_end(address)
            if len(self._channels) > _MOST:
                self._channels.popitem(last=False)  # closed when the calls on it have ended
            return self._channels[address]
