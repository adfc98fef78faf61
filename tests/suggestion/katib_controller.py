"""What stands on the other side of Katib's contract: its controller, as far as a suggestion service can tell."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc

STATUS = katib.TrialStatus
DONE = (STATUS.SUCCEEDED, STATUS.FAILED, STATUS.KILLED, STATUS.EARLYSTOPPED, STATUS.METRICSUNAVAILABLE)
_LABEL = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")


def parameter(
    name: str,
    kind: "katib.ParameterType.ValueType",
    low: str = "",
    high: str = "",
    step: str = "",
    distribution: "katib.Distribution.ValueType" = katib.DISTRIBUTION_UNSPECIFIED,
    values: Sequence[str] = (),
) -> katib.ParameterSpec:
    space = katib.FeasibleSpace(min=low, max=high, step=step, distribution=distribution, list=values)
    return katib.ParameterSpec(name=name, parameter_type=kind, feasible_space=space)


def experiment(
    algorithm: str,
    settings: Mapping[str, str] | None = None,
    parameters: Sequence[katib.ParameterSpec] = (),
    *,
    name: str = "validation-test",
    objective: katib.ObjectiveSpec | None = None,
    trials: int = 0,
    parallel: int = 0,
) -> katib.Experiment:
    given = [katib.AlgorithmSetting(name=key, value=value) for key, value in (settings or {}).items()]
    spec = katib.ExperimentSpec(
        parameter_specs=katib.ExperimentSpec.ParameterSpecs(parameters=parameters),
        objective=objective,
        algorithm=katib.AlgorithmSpec(algorithm_name=algorithm, algorithm_settings=given),
        max_trial_count=trials,
        parallel_trial_count=parallel,
    )
    return katib.Experiment(name=name, spec=spec)


@dataclass
class Controller:
    """One experiment, driven as Katib drives it.

    Labels become labels of a Kubernetes object, and do not come back; trials are listed in any order, those without
    metrics not at all; times are in whole seconds; a reply of another number than asked for is an error.
    """

    channel: grpc.Channel
    experiment: katib.Experiment
    trials: dict[str, katib.Trial] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    clock: int = 0
    shuffle: random.Random = field(default_factory=lambda: random.Random(1))
    keeps_labels: bool = False
    on_kubernetes: bool = True

    def request(self, count: int) -> katib.GetSuggestionsRequest:
        filled = katib.Experiment()
        filled.CopyFrom(self.experiment)
        own = {one.name: one for one in filled.spec.algorithm.algorithm_settings}
        for name, value in self.settings.items():
            if name in own:
                own[name].value = value
            else:
                filled.spec.algorithm.algorithm_settings.add(name=name, value=value)
        told = [one for one in self.trials.values() if one.status.condition != STATUS.METRICSUNAVAILABLE]
        self.shuffle.shuffle(told)
        return katib.GetSuggestionsRequest(
            experiment=filled, trials=told, current_request_number=count, total_request_number=len(self.order) + count
        )

    def ask(self, count: int) -> katib.GetSuggestionsReply:
        """Ask without taking the answer up."""
        stub = api_pb2_grpc.SuggestionStub(self.channel)
        reply = stub.GetSuggestions(self.request(count), timeout=60, wait_for_ready=True)
        assert len(reply.parameter_assignments) == count, "The response contains unexpected trials"
        return reply

    def run(self, count: int) -> list[str]:
        """Ask, and take the answer up as trials that run; gives their names."""
        reply = self.ask(count)
        self.settings |= {one.name: one.value for one in reply.algorithm.algorithm_settings}
        return [self._create(one) for one in reply.parameter_assignments]

    def _create(self, given: katib.GetSuggestionsReply.ParameterAssignments) -> str:
        tail = "".join(self.shuffle.choices("bcdfghjklmnpqrstvwxz2456789", k=8))
        name = given.trial_name or f"{self.experiment.name}-{tail}"
        assert _NAME.fullmatch(name) or not self.on_kubernetes, name
        assert name not in self.trials
        for key, value in given.labels.items():
            assert _LABEL.fullmatch(key), key
            assert _VALUE.fullmatch(value), value
        assert sorted(one.name for one in given.assignments) == sorted(self.names)
        self.clock += 1
        self.trials[name] = katib.Trial(
            name=name,
            spec=katib.TrialSpec(
                objective=self.experiment.spec.objective,
                parameter_assignments=katib.TrialSpec.ParameterAssignments(assignments=given.assignments),
                labels=given.labels if self.keeps_labels else None,
            ),
            status=STATUS(start_time=self.time(), condition=STATUS.RUNNING),
        )
        self.order.append(name)
        self.labels[name] = dict(given.labels)
        return name

    def end(
        self, name: str, value: float | None, condition: "STATUS.TrialConditionType.ValueType" = STATUS.SUCCEEDED
    ) -> None:
        """End a trial; None: without a value."""
        self.clock += 1
        status = self.trials[name].status
        status.condition, status.completion_time = condition, self.time()
        if value is not None:
            metric = self.experiment.spec.objective.objective_metric_name
            status.observation.metrics.add(name="another", value="12.5")
            status.observation.metrics.add(name=metric, value=str(value))

    def time(self) -> str:
        return f"2026-01-01T{self.clock // 3600 % 24:02}:{self.clock // 60 % 60:02}:{self.clock % 60:02}Z"

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.experiment.spec.parameter_specs.parameters]

    def values(self, name: str) -> dict[str, str]:
        assignments = self.trials[name].spec.parameter_assignments.assignments
        return {one.name: one.value for one in assignments}
