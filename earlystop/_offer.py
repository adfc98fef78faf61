"""What the early-stopping service answers at its port."""

import grpc

from tunesmith.earlystop._registry import Registry
from tunesmith.earlystop._service import EarlyStoppingService
from tunesmith.earlystop._studies import Held
from tunesmith.services.studies import Studies
from tunesmith.services.workers import Workers


class Offer:
    """Our contract over the rules of a registry."""

    def __init__(self, registry: Registry, studies: Studies[Held]) -> None:
        """Offer the registry's rules, and hold what `studies` has room for."""
        self._services = (EarlyStoppingService(registry, studies, Workers()),)

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the services to a server; the names include one that only health is asked for."""
        return [name for service in self._services for name in service.register(server)]
