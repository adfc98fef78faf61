"""Katib's EarlyStopping service, api.v1.beta1, over our median: its controller may use this one in place of its own.

The contract has one kind of rule: a bound that a trial's best value must not be worse than after so many reports. The
bound is a median here, where Katib's own service gives a mean.
"""

import statistics
from typing import Any, Final

import grpc

from tunesmith.earlystop._katib_logs import ObservationLogs
from tunesmith.earlystop._katib_settings import median_settings
from tunesmith.earlystop._katib_trials import KatibTrials
from tunesmith.earlystop._registry import Registry
from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.server import HealthName

SERVICE: Final[str] = katib.DESCRIPTOR.services_by_name["EarlyStopping"].full_name
HEALTH: Final = HealthName("manager.v1beta1.EarlyStopping")

Context = grpc.aio.ServicerContext[Any, Any]


class KatibEarlyStopping(api_pb2_grpc.EarlyStoppingServicer):
    """Answers for the median rule of a registry; every other name is unknown to Katib."""

    def __init__(self, registry: Registry, logs: ObservationLogs, trials: KatibTrials) -> None:
        """Read what trials reported from `logs`, and write their status to `trials`."""
        self._registry, self._logs, self._trials = registry, logs, trials

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the service to a server."""
        api_pb2_grpc.add_EarlyStoppingServicer_to_server(self, server)
        return [SERVICE, HEALTH]

    async def ValidateEarlyStoppingSettings(
        self, request: katib.ValidateEarlyStoppingSettingsRequest, context: Context
    ) -> katib.ValidateEarlyStoppingSettingsReply:
        """Check the settings of an experiment that is to be."""
        median_settings(request.early_stopping, self._registry)
        return katib.ValidateEarlyStoppingSettingsReply()

    async def GetEarlyStoppingRules(
        self, request: katib.GetEarlyStoppingRulesRequest, context: Context
    ) -> katib.GetEarlyStoppingRulesReply:
        """Give the rule for the trials that are about to begin; none while too few trials have succeeded."""
        succeeded = [trial.name for trial in request.trials if trial.status.condition == katib.TrialStatus.SUCCEEDED]
        if not succeeded:
            return katib.GetEarlyStoppingRulesReply()
        spec = request.experiment.spec
        given, objective = median_settings(spec.early_stopping, self._registry), spec.objective
        metric, address = objective.objective_metric_name, request.db_manager_address
        averages = await self._logs.averages(address, succeeded, metric, given.start_step)
        if len(averages) < given.min_trials_required:
            return katib.GetEarlyStoppingRulesReply()
        rule = katib.EarlyStoppingRule(
            name=metric,
            value=repr(statistics.median(averages)),
            comparison=katib.LESS if objective.type == katib.MAXIMIZE else katib.GREATER,
            start_step=given.start_step,
        )
        return katib.GetEarlyStoppingRulesReply(early_stopping_rules=[rule])

    async def SetTrialStatus(self, request: katib.SetTrialStatusRequest, context: Context) -> katib.SetTrialStatusReply:
        """Say in Kubernetes that a trial was stopped early."""
        await self._trials.mark_stopped(request.trial_name)
        return katib.SetTrialStatusReply()
