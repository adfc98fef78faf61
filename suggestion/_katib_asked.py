"""Which algorithm an experiment of Katib's asks for, and with which settings."""

from dataclasses import dataclass
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest, NotFound
from tunesmith.study import ParameterValue
from tunesmith.suggestion._algorithm import Algorithm
from tunesmith.suggestion._katib_rules import Refused, typed_settings
from tunesmith.suggestion._registry import Registry

HYPERBAND: Final = "hyperband"
RESOURCE: Final = "resource_name"
MOST: Final = "r_l"
STATE: Final = ("s_max", "b_l", "r", "n", "current_s", "current_i", "evaluating_trials")
"""Settings in which Katib's Hyperband keeps its state, and ours shows it; what comes back is not read."""
CARRIED: Final = ("bayesian.hedge",)
"""Labels of the last trial that Kubernetes does not allow: they travel as settings."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The algorithm of an experiment, by our name and by the client's, with its settings as they were given."""

    algorithm: Algorithm
    called: str
    given: tuple[katib.AlgorithmSetting, ...]

    @property
    def name(self) -> str:
        """Our name of the algorithm."""
        return self.algorithm.description.name

    def text(self, setting: str) -> str | None:
        """The text of a setting, the last one where it is repeated; None: it is not given."""
        return {one.name: one.value for one in self.given}.get(setting)

    def typed(self) -> dict[str, ParameterValue]:
        """The settings by type. Raises FixRequest with Katib's sentence."""
        try:
            values = typed_settings(self.called, self.algorithm.description, self.given)
        except Refused as error:
            raise FixRequest(str(error)) from error
        if self.name == HYPERBAND and "eta" in values and int(values["eta"]) <= 0:
            del values["eta"]  # Katib takes its default
        return values


def asked_of(spec: katib.ExperimentSpec, registry: Registry) -> Asked:
    """The algorithm that an experiment asks for, without the state that came back. Raises FixRequest."""
    called = spec.algorithm.algorithm_name
    try:
        algorithm = registry.get(called)
    except NotFound as error:
        raise FixRequest(f"unknown algorithm name {called[:100]}") from error
    state = CARRIED if algorithm.description.name != HYPERBAND else (*CARRIED, *STATE)
    given = tuple(one for one in spec.algorithm.algorithm_settings if one.name not in state)
    return Asked(algorithm, called, tuple(map(_plain_eta, given)))


def _plain_eta(setting: katib.AlgorithmSetting) -> katib.AlgorithmSetting:
    """Katib's Hyperband writes its eta as 3.0."""
    if setting.name == "eta" and setting.value.endswith(".0"):
        return katib.AlgorithmSetting(name="eta", value=setting.value[:-2])
    return setting
