"""What the suggestion service answers at its port: our contract, and Katib's beside it."""

import grpc

from tunesmith.services.studies import Studies
from tunesmith.services.workers import Workers
from tunesmith.suggestion._katib import KatibSuggestion
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._service import SuggestionService
from tunesmith.suggestion._studies import Held


class Offer:
    """Both contracts over the same algorithms, with the same threads and one bound on what is held."""

    def __init__(self, registry: Registry, studies: Studies[Held]) -> None:
        """Offer the registry's algorithms, and hold what `studies` has room for."""
        workers = Workers()
        self._services = (SuggestionService(registry, studies, workers), KatibSuggestion(registry, studies, workers))

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the services to a server; the names include one that only health is asked for."""
        return [name for service in self._services for name in service.register(server)]
