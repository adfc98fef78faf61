"""Katib's own cases for ValidateAlgorithmSettings, of each of its services, as calls over a socket, with its texts."""

from collections.abc import Mapping, Sequence

import grpc
import pytest
from tests.suggestion.katib_controller import experiment, parameter
from tests.suggestion.process import ServiceProcess

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc

INT_5 = parameter("param-1", katib.INT, "1", "5")
TWO = (INT_5, parameter("param-2", katib.INT, "9", "10"))
EPOCHS = parameter("--num-epochs", katib.INT, "1", "9")
OK = None


def validate(service: ServiceProcess, asked: katib.Experiment) -> str | None:
    """What is refused; None: nothing. Every refusal is INVALID_ARGUMENT."""
    stub = api_pb2_grpc.SuggestionStub(service.channel)
    try:
        stub.ValidateAlgorithmSettings(katib.ValidateAlgorithmSettingsRequest(experiment=asked), timeout=30)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        return str(error.details())
    return OK


GREAT = "{} should be great or equal than zero"
GREATE = "{} should be greate or equal than zero"
BAYES = "{} is not supported in Bayesian optimization"

SETTINGS: list[tuple[str, str, Mapping[str, str], str | None]] = [
    # hyperopt
    ("tpe", "tpe", {"random_state": "10", "gamma": "0.25", "prior_weight": "1.0", "n_EI_candidates": "24"}, OK),
    ("unknown", "unknown", {}, "unknown algorithm name unknown"),
    ("random: a name", "random", {"unknown_conf": "1111"}, "unknown setting unknown_conf for algorithm random"),
    ("gamma", "tpe", {"gamma": "1.5"}, "gamma should be in the range of (0, 1)"),
    ("n_EI_candidates", "tpe", {"n_EI_candidates": "0"}, "n_EI_candidates should be great than zero"),
    ("tpe: random_state", "tpe", {"random_state": "-1"}, GREAT.format("random_state")),
    ("prior_weight", "tpe", {"prior_weight": "0"}, "prior_weight should be great than zero"),
    ("random: seed", "random", {"random_state": "10"}, OK),
    ("random: bad seed", "random", {"random_state": "-1"}, GREAT.format("random_state")),
    # skopt
    ("bayesian", "bayesianoptimization", {"random_state": "10"}, OK),
    (
        "bayesian: a name",
        "bayesianoptimization",
        {"unknown_conf": "1111"},
        "unknown setting unknown_conf for algorithm bayesianoptimization",
    ),
    (
        "base_estimator",
        "bayesianoptimization",
        {"base_estimator": "unknown estimator"},
        BAYES.format("base_estimator unknown estimator"),
    ),
    ("n_initial_points", "bayesianoptimization", {"n_initial_points": "-1"}, GREAT.format("n_initial_points")),
    ("acq_func", "bayesianoptimization", {"acq_func": "unknown"}, BAYES.format("acq_func unknown")),
    ("acq_optimizer", "bayesianoptimization", {"acq_optimizer": "unknown"}, BAYES.format("acq_optimizer unknown")),
    ("bayesian: seed", "bayesianoptimization", {"random_state": "-1"}, GREAT.format("random_state")),
    # optuna
    ("invalid", "invalid", {}, "unknown algorithm name invalid"),
    ("tpe of optuna", "tpe", {"n_startup_trials": "5", "n_ei_candidates": "24", "random_state": "1"}, OK),
    ("tpe: a name", "tpe", {"invalid": "5"}, "unknown setting invalid for algorithm tpe"),
    ("n_startup_trials", "tpe", {"n_startup_trials": "-1"}, GREATE.format("n_startup_trials")),
    ("n_ei_candidate", "tpe", {"n_ei_candidate": "-1"}, "unknown setting n_ei_candidate for algorithm tpe"),
    (
        "multivariate",
        "multivariate-tpe",
        {"n_startup_trials": "5", "n_ei_candidates": "24", "random_state": "1"},
        OK,
    ),
    ("multivariate: seed", "multivariate-tpe", {"random_state": "-1"}, GREATE.format("random_state")),
    # algorithms of Katib's that are not ours
    *((name, name, {}, f"unknown algorithm name {name}") for name in ("pbt", "enas", "darts")),
    # and ours, which Katib has not
    ("evolution", "evolution", {"population_size": "10", "random_state": "3"}, OK),
    ("auto", "auto", {"random_state": "3"}, OK),
    ("sobol", "sobol", {}, OK),
]


@pytest.mark.parametrize(("name", "settings", "told"), [row[1:] for row in SETTINGS], ids=[row[0] for row in SETTINGS])
def test_settings(service: ServiceProcess, name: str, settings: Mapping[str, str], told: str | None) -> None:
    assert validate(service, experiment(name, settings)) == told


def test_a_value_that_cannot_be_read(service: ServiceProcess) -> None:
    told = validate(service, experiment("tpe", {"prior_weight": "aaa"}))
    assert told == "failed to validate prior_weight(aaa): could not convert string to float: 'aaa'"


CASES: list[tuple[str, str, Mapping[str, str], int, Sequence[katib.ParameterSpec], str | None]] = [
    ("cmaes", "cmaes", {"restart_strategy": "ipop", "sigma": "0.1", "random_state": "10"}, 20, TWO, OK),
    (
        "a name",
        "cmaes",
        {"invalid": "invalid", "sigma": "0.1"},
        100,
        TWO,
        "unknown setting invalid for algorithm cmaes",
    ),
    (
        "restart_strategy",
        "cmaes",
        {"restart_strategy": "invalid", "sigma": "0.1"},
        15,
        TWO,
        "restart_strategy invalid is not supported in CMAES optimization",
    ),
    ("sigma", "cmaes", {"restart_strategy": "None", "sigma": "-10"}, 55, TWO, GREATE.format("sigma")),
    ("seed", "cmaes", {"sigma": "0.2", "random_state": "-20"}, 25, TWO, GREATE.format("random_state")),
    (
        "one parameter",
        "cmaes",
        {"sigma": "0.2"},
        5,
        [INT_5],
        "cmaes only supports two or more dimensional continuous search space.",
    ),
    ("random", "random", {"random_state": "10"}, 23, TWO, OK),
    ("grid", "grid", {"random_state": "10"}, 5, [INT_5], OK),
    ("grid: a name", "grid", {"invalid": "invalid"}, 33, [], "unknown setting invalid for algorithm grid"),
    ("grid: seed", "grid", {"random_state": "-1"}, 10, [], GREAT.format("random_state")),
    (
        "grid: no step",
        "grid",
        {"random_state": "1"},
        26,
        [parameter("param-1", katib.DOUBLE, "1", "5")],
        "failed to validate parameters(param-1): Param param-1 step is nil; For discrete search space, all parameters "
        "must include step",
    ),
    (
        "grid: too many trials",
        "grid",
        {"random_state": "1"},
        26,
        [INT_5, parameter("param-2", katib.DOUBLE, "1", "5", "1")],
        "Max Trial Count: 26 > all possible search combinations: 25",
    ),
    ("grid: points of ours", "grid", {"points": "3"}, 3, [parameter("param-1", katib.DOUBLE, "1", "5")], OK),
    ("a parameter twice", "sobol", {}, 5, [INT_5, INT_5], "Detect duplicated parameter name: param-1"),
    ("hyperband", "hyperband", {"r_l": "9", "resource_name": "--num-epochs"}, 5, [EPOCHS], OK),
    ("hyperband: 1 epoch", "hyperband", {"r_l": "2", "eta": "2", "resource_name": "param-1"}, 2, [INT_5], OK),
    ("no r_l", "hyperband", {"resource_name": "--num-epochs"}, 5, [EPOCHS], "r_l and resource_name must be set."),
    ("no resource", "hyperband", {"r_l": "9"}, 5, [EPOCHS], "r_l and resource_name must be set."),
    (
        "r_l",
        "hyperband",
        {"r_l": "many", "resource_name": "--num-epochs"},
        5,
        [EPOCHS],
        "r_l must be a positive float number.",
    ),
    (
        "no such resource",
        "hyperband",
        {"r_l": "9", "resource_name": "epochs"},
        5,
        [EPOCHS],
        "value of resource_name setting must be in parameters.",
    ),
]


@pytest.mark.parametrize(
    ("name", "settings", "trials", "parameters", "told"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_experiments(
    service: ServiceProcess,
    name: str,
    settings: Mapping[str, str],
    trials: int,
    parameters: Sequence[katib.ParameterSpec],
    told: str | None,
) -> None:
    assert validate(service, experiment(name, settings, parameters, trials=trials)) == told


WRONG: list[tuple[katib.ParameterSpec, str]] = [
    (parameter("lr", katib.DOUBLE, "5", "1"), "parameter lr: min: `min <= max` must hold, but got (min=5, max=1)"),
    (parameter("lr", katib.DOUBLE, "one", "5"), "parameter lr: min must be a number, but got 'one'"),
    (parameter("lr", katib.INT, "1", "5.5"), "parameter lr: max must be a whole number, but got '5.5'"),
    (
        parameter("lr", katib.DOUBLE, "0", "5", distribution=katib.LOG_NORMAL),
        "parameter lr: min: `min > 0` must hold for logNormal, but got (min=0, max=5)",
    ),
    (parameter("lr", katib.CATEGORICAL), "parameter lr: values: must list at least one value"),
    (
        parameter("lr", katib.UNKNOWN_TYPE),
        "parameter lr: the type must be double, int, discrete or categorical, but got 0",
    ),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_what_katib_lets_pass_and_nobody_can_search(
    service: ServiceProcess, wrong: katib.ParameterSpec, told: str
) -> None:
    assert validate(service, experiment("random", {}, [INT_5, wrong])) == told
