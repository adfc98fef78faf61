"""Katib's own cases for GetSuggestions, of each of its services, as calls over a socket; and what values may be."""

from collections.abc import Mapping, Sequence
from itertools import chain

import grpc
import pytest
from tests.suggestion.katib_controller import STATUS, experiment, parameter
from tests.suggestion.process import ServiceProcess

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc

Parameters = Sequence[katib.ParameterSpec]
D, INT, CATEGORICAL, DISCRETE = katib.DOUBLE, katib.INT, katib.CATEGORICAL, katib.DISCRETE
ANY, U, LU, N, LN = katib.DISTRIBUTION_UNSPECIFIED, katib.UNIFORM, katib.LOG_UNIFORM, katib.NORMAL, katib.LOG_NORMAL
FIRST = (
    parameter("param-1", INT, "1", "5"),
    parameter("param-2", CATEGORICAL, values=["cat1", "cat2", "cat3"]),
    parameter("param-3", DISCRETE, values=["3", "2", "6"]),
)
FOUR = (*FIRST, parameter("param-4", D, "1", "5"))


def numbers(*rows: "tuple[katib.ParameterType.ValueType, str, str, str, katib.Distribution.ValueType]") -> Parameters:
    """Parameters from param-5 on, by type, minimum, maximum, step and distribution."""
    return [parameter(f"param-{place}", *row) for place, row in enumerate(rows, start=5)]


HYPEROPT = (
    *FOUR,
    *numbers(
        (D, "1", "5", "0.5", LU),
        (D, "1", "5", "", LU),
        (D, "5", "10", "0.8", U),
        (D, "5", "10", "", U),
        (D, "5", "10", "0.8", N),
        (D, "5", "10", "", N),
        (D, "5", "10", "0.8", LN),
        (D, "5", "10", "", LN),
        (INT, "1", "5", "", U),
        (INT, "1", "5", "0.8", U),
        (INT, "5", "10", "", LU),
        (INT, "5", "10", "0.01", LU),
        (INT, "5", "100", "", N),
        (INT, "5", "100", "0.01", N),
        (INT, "32", "64", "", LN),
        (INT, "32", "64", "0.01", LN),
        (D, "32", "64", "0.01", ANY),
        (INT, "32", "64", "0.01", ANY),
    ),
)
OPTUNA = (
    *FIRST,
    parameter("param-4", D, "1", "5", "1"),
    *numbers(
        (INT, "1", "5", "2", U),
        (INT, "1", "5", "", U),
        (INT, "1", "5", "2", LU),
        (INT, "1", "5", "", LU),
        (D, "1", "11", "2.5", U),
        (D, "1", "11", "2.5", LU),
        (D, "1", "5", "", U),
        (D, "1", "5", "", LU),
    ),
)
GOPTUNA = (parameter("param-1", INT, "-10", "10"), *FIRST[1:], parameter("param-4", D, "-1.5", "5.5"))
MAXIMIZE = katib.ObjectiveSpec(type=katib.MAXIMIZE, goal=0.9)
OF_A_TRIAL = katib.ObjectiveSpec(type=katib.MAXIMIZE, goal=0.9, objective_metric_name="metric-2")


def trial(name: str, values: Mapping[str, str], metrics: Mapping[str, str], succeeded: bool = False) -> katib.Trial:
    assignments = [katib.ParameterAssignment(name=key, value=value) for key, value in values.items()]
    observed = [katib.Metric(name=key, value=value) for key, value in metrics.items()]
    return katib.Trial(
        name=name,
        spec=katib.TrialSpec(
            objective=OF_A_TRIAL, parameter_assignments=katib.TrialSpec.ParameterAssignments(assignments=assignments)
        ),
        status=STATUS(
            condition=STATUS.SUCCEEDED if succeeded else STATUS.CREATED,
            observation=katib.Observation(metrics=observed),
        ),
    )


OLD = [
    trial(
        "test-asfjh",
        {"param-1": "2", "param-2": "cat1", "param-3": "2", "param-4": "3.44"},
        {"metric=1": "435", "metric=2": "5643"},
    ),
    trial(
        "test-234hs",
        {"param-1": "3", "param-2": "cat2", "param-3": "6", "param-4": "4.44"},
        {"metric=1": "123", "metric=2": "3028"},
    ),
]


def suggestions(
    service: ServiceProcess, asked: katib.Experiment, trials: Sequence[katib.Trial] = (), count: int = 2
) -> katib.GetSuggestionsReply:
    request = katib.GetSuggestionsRequest(experiment=asked, trials=trials, current_request_number=count)
    return api_pb2_grpc.SuggestionStub(service.channel).GetSuggestions(request, timeout=60)


def values(given: katib.GetSuggestionsReply.ParameterAssignments) -> dict[str, str]:
    return {one.name: one.value for one in given.assignments}


def problem(spec: katib.ParameterSpec, text: str) -> str | None:
    """What is wrong with a value; computed without any code of ours."""
    space = spec.feasible_space
    if space.list:
        return None if text in space.list else "not listed"
    number = int(text) if spec.parameter_type == INT else float(text)
    if not float(space.min) <= number <= float(space.max):
        return "out of bounds"
    step = float(space.step or 0)
    if step == 0 or (spec.parameter_type == INT and step < 1):
        return None
    steps = (number - float(space.min)) / step
    return None if abs(steps - round(steps)) < 1e-6 else "between two steps"


def check(asked: katib.Experiment, reply: katib.GetSuggestionsReply, count: int = 2) -> None:
    parameters = asked.spec.parameter_specs.parameters
    assert len(reply.parameter_assignments) == count
    for given in reply.parameter_assignments:
        found = values(given)
        assert list(found) == [one.name for one in parameters]
        assert {one.name: problem(one, found[one.name]) for one in parameters} == {one.name: None for one in parameters}
    assert len({str(values(given)) for given in reply.parameter_assignments}) == count, "a batch of the same points"


CASES: list[tuple[str, str, Mapping[str, str], Parameters, Sequence[katib.Trial]]] = [
    (
        "hyperopt",
        "tpe",
        {"random_state": "10", "gamma": "0.25", "prior_weight": "1.0", "n_EI_candidates": "24"},
        HYPEROPT,
        OLD,
    ),
    ("skopt", "bayesianoptimization", {"random_state": "10"}, FOUR, OLD),
    ("hyperband", "hyperband", {"r_l": "10", "resource_name": "--num-epochs"}, FOUR, OLD),
    *(("goptuna " + name, name, {"random_state": "10"}, GOPTUNA, []) for name in ("cmaes", "tpe", "random", "sobol")),
]


@pytest.mark.parametrize(
    ("name", "settings", "parameters", "trials"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_one_request(
    service: ServiceProcess,
    name: str,
    settings: Mapping[str, str],
    parameters: Parameters,
    trials: Sequence[katib.Trial],
) -> None:
    asked = experiment(name, settings, parameters, name="test", objective=MAXIMIZE)
    check(asked, suggestions(service, asked, trials))


PARZEN = {"n_startup_trials": "20", "n_ei_candidates": "10", "random_state": "71"}
OPTUNA_CASES: list[tuple[str, Mapping[str, str]]] = [
    ("tpe", PARZEN),
    ("multivariate-tpe", PARZEN),
    ("cmaes", {"restart_strategy": "ipop", "sigma": "2", "random_state": "71"}),
    ("random", {"random_state": "71"}),
    ("grid", {"random_state": "71"}),
]


@pytest.mark.parametrize(("name", "settings"), OPTUNA_CASES)
def test_two_requests(service: ServiceProcess, name: str, settings: Mapping[str, str]) -> None:
    """The second has the answers to the first as trials, under names that the client made."""
    parameters = OPTUNA if name != "grid" else OPTUNA[:4]
    asked = experiment(name, settings, parameters, name="test", objective=MAXIMIZE)
    first = suggestions(service, asked)
    check(asked, first)
    told = [
        trial(called, values(given), {"metric-1": "435", "metric-2": value}, succeeded=True)
        for called, given, value in zip(
            ["test-asfjh", "test-234hs"], first.parameter_assignments, ["5643", "3028"], strict=True
        )
    ]
    second = suggestions(service, asked, told)
    check(asked, second)
    both = chain(first.parameter_assignments, second.parameter_assignments)
    assert len({str(values(given)) for given in both}) == 4


@pytest.mark.parametrize("kind", [D, INT], ids=["double", "int"])
@pytest.mark.parametrize("distribution", [N, LN], ids=["normal", "logNormal"])
def test_distributions_that_katibs_optuna_refuses(
    service: ServiceProcess,
    kind: "katib.ParameterType.ValueType",
    distribution: "katib.Distribution.ValueType",
) -> None:
    """Half of the values lie within two thirds of a deviation of the middle: of the logarithms, for logNormal."""
    space = [parameter("x", kind, "1", "1000000", distribution=distribution)]
    reply = suggestions(service, experiment("random", {}, space, name="bell", objective=MAXIMIZE), count=200)
    found = sorted(float(values(given)["x"]) for given in reply.parameter_assignments)
    if distribution == LN:
        assert found[50] == pytest.approx(212, rel=0.6)  # logUniform: 32
        assert found[150] == pytest.approx(4720, rel=0.6)  # logUniform: 31,623
    else:
        assert found[50] == pytest.approx(387_600, rel=0.15)  # uniform: 250,000
        assert found[150] == pytest.approx(612_400, rel=0.15)  # uniform: 750,000


def test_values_are_written_as_they_were_listed(service: ServiceProcess) -> None:
    listed = ["1e-3", "0.10", "2.0", "10"]
    asked = experiment(
        "grid", {}, [parameter("x", DISCRETE, values=listed), parameter("y", CATEGORICAL, values=["1", "1.0", "a b"])]
    )
    reply = suggestions(service, asked, count=12)
    check(asked, reply, 12)
    assert {values(given)["x"] for given in reply.parameter_assignments} == set(listed)


def test_names_that_ours_could_not_have(service: ServiceProcess) -> None:
    asked = experiment("sobol", {}, [parameter("--lr", D, "0", "1"), parameter("ü ${x}", INT, "0", "9")])
    check(asked, suggestions(service, asked))


REFUSED: list[tuple[katib.Experiment, str]] = [
    (experiment("pbt", {}, FOUR), "unknown algorithm name pbt"),
    (experiment("tpe", {"gamma": "2"}, FOUR), "gamma should be in the range of (0, 1)"),
    (experiment("random"), "parameters: must be 1 to 1000 parameters, but got 0"),
]


@pytest.mark.parametrize(("asked", "told"), REFUSED)
def test_what_cannot_be_answered(service: ServiceProcess, asked: katib.Experiment, told: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        suggestions(service, asked)
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, told)


def test_the_others_are_not_implemented_yet(service: ServiceProcess) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        api_pb2_grpc.EarlyStoppingStub(service.channel).GetEarlyStoppingRules(katib.GetEarlyStoppingRulesRequest())
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
