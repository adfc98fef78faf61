"""What the early-stopping service answers at its port: our contract, and Katib's beside it."""

import grpc

from tunesmith.earlystop._katib import KatibEarlyStopping
from tunesmith.earlystop._katib_logs import ObservationLogs
from tunesmith.earlystop._katib_trials import KatibTrials
from tunesmith.earlystop._registry import Registry
from tunesmith.earlystop._service import EarlyStoppingService
from tunesmith.earlystop._studies import Held
from tunesmith.services.studies import Studies


class Offer:
    """Both contracts over the same rules."""

    def __init__(self, registry: Registry, studies: Studies[Held], logs: ObservationLogs, trials: KatibTrials) -> None:
        """Offer the registry's rules, and hold what `studies` has room for.

        Katib's DB managers are asked by `logs`, and `trials` are the ones that its controller made.
        """
        self._services = (EarlyStoppingService(registry, studies), KatibEarlyStopping(registry, logs, trials))

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the services to a server; the names include one that only health is asked for."""
        return [name for service in self._services for name in service.register(server)]
