"""Katib's contract as we have it: the numbers on the wire are Katib's, and it is registered where nobody else is."""

import re

import pytest
from google.protobuf.descriptor import FieldDescriptor

from tunesmith.katib.v1beta1 import api_pb2

FILE = api_pb2.DESCRIPTOR

# Every message: its fields with their numbers; [] for repeated ones, and the type where it is not a string.
MESSAGES = """
Experiment: name 1, spec 2 ExperimentSpec
ExperimentSpec: parameter_specs 1 ParameterSpecs, objective 2 ObjectiveSpec, algorithm 3 AlgorithmSpec,
    early_stopping 4 EarlyStoppingSpec, parallel_trial_count 5 int32, max_trial_count 6 int32, nas_config 7 NasConfig
ExperimentSpec.ParameterSpecs: parameters[] 1 ParameterSpec
ParameterSpec: name 1, parameter_type 2 ParameterType, feasible_space 3 FeasibleSpace
FeasibleSpace: max 1, min 2, list[] 3, step 4, distribution 5 Distribution
ObjectiveSpec: type 1 ObjectiveType, goal 2 double, objective_metric_name 3, additional_metric_names[] 4
AlgorithmSpec: algorithm_name 1, algorithm_settings[] 2 AlgorithmSetting
AlgorithmSetting: name 1, value 2
EarlyStoppingSpec: algorithm_name 1, algorithm_settings[] 2 EarlyStoppingSetting
EarlyStoppingSetting: name 1, value 2
NasConfig: graph_config 1 GraphConfig, operations 2 Operations
NasConfig.Operations: operation[] 1 Operation
GraphConfig: num_layers 1 int32, input_sizes[] 2 int32, output_sizes[] 3 int32
Operation: operation_type 1, parameter_specs 2 ParameterSpecs
Operation.ParameterSpecs: parameters[] 1 ParameterSpec
Trial: name 1, spec 2 TrialSpec, status 3 TrialStatus
TrialSpec: objective 2 ObjectiveSpec, parameter_assignments 3 ParameterAssignments, labels[] 4 LabelsEntry
TrialSpec.ParameterAssignments: assignments[] 1 ParameterAssignment
ParameterAssignment: name 1, value 2
TrialStatus: start_time 1, completion_time 2, condition 3 TrialConditionType, observation 4 Observation
Observation: metrics[] 1 Metric
Metric: name 1, value 2
ReportObservationLogRequest: trial_name 1, observation_log 2 ObservationLog
ReportObservationLogReply:
ObservationLog: metric_logs[] 1 MetricLog
MetricLog: time_stamp 1, metric 2 Metric
GetObservationLogRequest: trial_name 1, metric_name 2, start_time 3, end_time 4
GetObservationLogReply: observation_log 1 ObservationLog
DeleteObservationLogRequest: trial_name 1
DeleteObservationLogReply:
GetSuggestionsRequest: experiment 1 Experiment, trials[] 2 Trial, current_request_number 4 int32,
    total_request_number 5 int32
GetSuggestionsReply: parameter_assignments[] 1 ParameterAssignments, algorithm 2 AlgorithmSpec,
    early_stopping_rules[] 3 EarlyStoppingRule
GetSuggestionsReply.ParameterAssignments: assignments[] 1 ParameterAssignment, trial_name 2, labels[] 3 LabelsEntry
ValidateAlgorithmSettingsRequest: experiment 1 Experiment
ValidateAlgorithmSettingsReply:
GetEarlyStoppingRulesRequest: experiment 1 Experiment, trials[] 2 Trial, db_manager_address 3
GetEarlyStoppingRulesReply: early_stopping_rules[] 1 EarlyStoppingRule
EarlyStoppingRule: name 1, value 2, comparison 3 ComparisonType, start_step 4 int32
ValidateEarlyStoppingSettingsRequest: early_stopping 1 EarlyStoppingSpec
ValidateEarlyStoppingSettingsReply:
SetTrialStatusRequest: trial_name 1
SetTrialStatusReply:
"""
ENUMS = {
    "ParameterType": "UNKNOWN_TYPE DOUBLE INT DISCRETE CATEGORICAL",
    "Distribution": "DISTRIBUTION_UNSPECIFIED UNIFORM LOG_UNIFORM NORMAL LOG_NORMAL",
    "ObjectiveType": "UNKNOWN MINIMIZE MAXIMIZE",
    "ComparisonType": "UNKNOWN_COMPARISON EQUAL LESS GREATER",
    "TrialStatus.TrialConditionType": (
        "CREATED RUNNING SUCCEEDED KILLED FAILED METRICSUNAVAILABLE EARLYSTOPPED UNKNOWN"
    ),
}
SERVICES = {
    "DBManager": ["ReportObservationLog", "GetObservationLog", "DeleteObservationLog"],
    "Suggestion": ["GetSuggestions", "ValidateAlgorithmSettings"],
    "EarlyStopping": ["GetEarlyStoppingRules", "SetTrialStatus", "ValidateEarlyStoppingSettings"],
}
_TYPES = {5: "int32", 1: "double", 9: ""}


def _messages() -> dict[str, str]:
    joined = re.sub(r",\n\s+", ", ", MESSAGES.strip())
    return {name: fields.strip() for name, _, fields in (line.partition(":") for line in joined.splitlines())}


def _fields(name: str) -> str:
    message = FILE.pool.FindMessageTypeByName(f"api.v1.beta1.{name}")
    return ", ".join(_field(field) for field in message.fields)


def _field(field: FieldDescriptor) -> str:
    kind = field.message_type or field.enum_type
    named = kind.name if kind is not None else _TYPES[field.type]
    mark = "[]" if field.is_repeated else ""
    return f"{field.name}{mark} {field.number} {named}".strip()


@pytest.mark.parametrize("name", _messages())
def test_fields_have_the_numbers_of_katib(name: str) -> None:
    assert _fields(name) == _messages()[name]


def test_there_are_no_other_messages() -> None:
    named = {name.partition(".")[0] for name in _messages()}
    assert set(FILE.message_types_by_name) == named


@pytest.mark.parametrize("name", ENUMS)
def test_enumerations_count_from_zero(name: str) -> None:
    values = FILE.pool.FindEnumTypeByName(f"api.v1.beta1.{name}").values
    assert [(value.number, value.name) for value in values] == list(enumerate(ENUMS[name].split()))


def test_services() -> None:
    found = {name: [method.name for method in one.methods] for name, one in FILE.services_by_name.items()}
    assert found == SERVICES


def test_registered_below_a_path_of_its_own() -> None:
    assert (FILE.name, FILE.package) == ("tunesmith/katib/v1beta1/api.proto", "api.v1.beta1")
