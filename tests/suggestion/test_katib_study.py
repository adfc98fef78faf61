"""Whole experiments over Katib's contract: batches, restarts, long histories, and what Katib does not send back."""

import math
from collections import Counter

import grpc
import pytest
from tests.suggestion.katib_controller import STATUS, Controller, experiment, parameter
from tests.suggestion.process import ServiceProcess

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc

LOSS = katib.ObjectiveSpec(type=katib.MINIMIZE, objective_metric_name="loss")
MIXED = (
    parameter("--lr", katib.DOUBLE, "0.001", "1", distribution=katib.LOG_UNIFORM),
    parameter("layers", katib.INT, "1", "9"),
    parameter("optimizer", katib.CATEGORICAL, values=["sgd", "adam", "ftrl"]),
    parameter("momentum", katib.DOUBLE, "0", "1", "0.05"),
)
NAMES = (
    "random",
    "grid",
    "sobol",
    "tpe",
    "multivariate-tpe",
    "bayesianoptimization",
    "cmaes",
    "hyperband",
    "evolution",
    "auto",
)
SETTINGS = {
    "tpe": {"n_startup_trials": "4"},
    "multivariate-tpe": {"n_startup_trials": "4"},
    "bayesianoptimization": {"n_initial_points": "4", "n_points": "50"},
    "hyperband": {"r_l": "9", "resource_name": "epochs"},
    "evolution": {"population_size": "4", "sample_size": "2"},
    "grid": {"points": "40"},
}
EPOCHS = parameter("epochs", katib.INT, "1", "9")


def controller(service: ServiceProcess, algorithm: str, name: str, **changes: int) -> Controller:
    parameters = (*MIXED, EPOCHS) if algorithm == "hyperband" else MIXED
    asked = experiment(algorithm, SETTINGS.get(algorithm), parameters, name=name, objective=LOSS, **changes)
    return Controller(service.channel, asked)


def loss(values: dict[str, str]) -> float:
    return abs(math.log10(float(values["--lr"])) + 2) + abs(int(values["layers"]) - 4) + float(values["momentum"])


def round_of(run: Controller, count: int) -> list[str]:
    """Ask for trials, of which one fails and one loses its metrics now and then."""
    names = run.run(count)
    for name in names:
        place = len(run.order) - len(names) + names.index(name)
        if place % 7 == 3:
            run.end(name, None, STATUS.FAILED)
        elif place % 7 == 5:
            run.end(name, None, STATUS.METRICSUNAVAILABLE)
        else:
            run.end(name, loss(run.values(name)))
    return names


def points(run: Controller) -> list[str]:
    return [str(run.values(name)) for name in run.order]


def test_killed_between_any_two_requests(service: ServiceProcess) -> None:
    """The trials are listed in another order each time, and one that is killed answers like one that lives.

    No point comes twice: of those that Katib does not tell of, the algorithms that look at values cannot know, which
    meets none of these.
    """
    living = {name: controller(service, name, f"killed-{name}") for name in NAMES}
    with ServiceProcess() as other:
        killed = {name: controller(other, name, f"killed-{name}") for name in NAMES}
        for count in (3, 1, 6):
            for name in NAMES:
                round_of(living[name], count)
                round_of(killed[name], count)
            if count < 6:
                other.restart()
    for name in NAMES:
        assert points(killed[name]) == points(living[name]), name
        assert len(set(points(living[name]))) == 10, f"{name}: a point comes twice"


@pytest.mark.parametrize("algorithm", ["random", "grid", "sobol"])
def test_trials_that_katib_does_not_tell_of(service: ServiceProcess, algorithm: str) -> None:
    """Katib leaves out trials without metrics, and those that it has not created yet: their points come once, too."""
    space = [parameter("x", katib.INT, "1", "12")]
    run = Controller(service.channel, experiment(algorithm, {}, space, name=f"lost-{algorithm}", objective=LOSS))
    for place in range(12):
        (name,) = run.run(1)
        run.end(name, 1.0, STATUS.METRICSUNAVAILABLE if place % 3 == 1 else STATUS.SUCCEEDED)
    assert sorted(int(run.values(name)["x"]) for name in run.order) == list(range(1, 13))


@pytest.mark.parametrize("algorithm", NAMES)
def test_the_same_request_has_the_same_answer(service: ServiceProcess, algorithm: str) -> None:
    """But for the end of the trials' names: names are in one table of Katib's, whichever namespace they are from."""
    run = controller(service, algorithm, f"same-{algorithm}")
    round_of(run, 6)
    first, second = run.ask(3), run.ask(3)
    for one, other in zip(first.parameter_assignments, second.parameter_assignments, strict=True):
        assert one.assignments == other.assignments
        assert one.labels == other.labels
        assert one.trial_name != other.trial_name
        assert one.trial_name.rpartition("-")[0] == other.trial_name.rpartition("-")[0]


def test_without_names_and_labels_trials_are_counted(service: ServiceProcess) -> None:
    """A client that makes its own names gets other points each time, too."""
    run = controller(service, "random", "Not A Name Of Kubernetes")
    run.on_kubernetes = False
    for _ in range(3):
        round_of(run, 2)
    assert len(set(points(run))) == 6
    assert all(name.count("-") == 1 for name in run.order)


def test_the_seed_is_the_experiments_name_or_its_setting(service: ServiceProcess) -> None:
    def first(name: str, **settings: str) -> str:
        run = Controller(service.channel, experiment("random", settings, MIXED, name=name, objective=LOSS))
        run.run(1)
        return points(run)[0]

    assert first("one") != first("other")
    assert first("one", random_state="5") == first("other", random_state="5") != first("one", random_state="6")


def test_the_value_is_the_objectives_and_better_is_what_it_says(service: ServiceProcess) -> None:
    """Evolution's children have the values of the best trial, but for one: that trial differs by the direction."""
    found = {}
    for kind in (katib.MINIMIZE, katib.MAXIMIZE):
        objective = katib.ObjectiveSpec(type=kind, objective_metric_name="loss")
        settings = {"population_size": "2", "sample_size": "2"}
        space = [
            parameter("x", katib.DOUBLE, "0", "100", "100"),
            *(parameter(f"c{n}", katib.INT, "0", "1") for n in range(30)),
        ]
        run = Controller(service.channel, experiment("evolution", settings, space, name="best", objective=objective))
        parents = run.run(2)
        for name, value in zip(parents, ("1", "2"), strict=True):
            run.end(name, float(value))
        (child,) = run.run(1)
        same = {
            name: sum(run.values(name)[key] == value for key, value in run.values(child).items()) for name in parents
        }
        found[kind] = parents.index(max(same, key=lambda name: same[name]))
    assert found == {katib.MINIMIZE: 0, katib.MAXIMIZE: 1}


def test_nothing_new_is_left(service: ServiceProcess) -> None:
    """Katib asks for ever when it gets fewer than it asked for, so that points come again; all of them come first."""
    space = [parameter("x", katib.INT, "1", "5")]
    run = Controller(service.channel, experiment("grid", {}, space, name="small", objective=LOSS))
    for name in run.run(4):
        run.end(name, 1.0)
    names = run.run(3)
    assert [run.values(name)["x"] for name in run.order[:5]] == ["1", "2", "3", "4", "5"]
    assert ["tunesmith.dev/repeats" in run.labels[name] for name in names] == [False, True, True]
    assert len({run.values(name)["x"] for name in names}) == 3


def test_two_experiments_of_one_name_in_turns(service: ServiceProcess) -> None:
    """Two namespaces may have such; each is answered from its own request."""
    runs = [controller(service, "tpe", "twins") for _ in range(2)]
    runs[1].shuffle.seed(99)
    for _ in range(4):
        for factor, run in enumerate(runs):
            for name in run.run(2):
                run.end(name, (1 - 2 * factor) * loss(run.values(name)))
    alone = []
    for factor in range(2):
        with ServiceProcess() as fresh:
            run = controller(fresh, "tpe", "twins")
            for _ in range(4):
                for name in run.run(2):
                    run.end(name, (1 - 2 * factor) * loss(run.values(name)))
            alone.append(points(run))
    assert [points(run) for run in runs] == alone
    assert alone[0] != alone[1]


def test_a_trial_that_is_deleted(service: ServiceProcess) -> None:
    run = controller(service, "sobol", "deleted")
    round_of(run, 4)
    gone = run.order.pop()
    del run.trials[gone]
    reply = run.ask(2)
    assert reply.parameter_assignments[0].trial_name.startswith("deleted-3-")


class TestHyperband:
    """Katib stores settings and values, and no labels: rungs and parents are found by these."""

    def drive(self, run: Controller, trials: int, parallel: int) -> list[tuple[str, str, str]]:
        running: list[str] = []
        while len(run.order) < trials or running:
            running += run.run(min(parallel - len(running), trials - len(run.order)))
            name = running.pop(0)
            run.end(name, loss(run.values(name)))
        return [
            (run.labels[name]["hyperband.bracket"], run.labels[name]["hyperband.rung"], run.values(name)["epochs"])
            for name in run.order
        ]

    @pytest.mark.parametrize("keeps_labels", [False, True])
    def test_brackets_are_those_of_the_paper(self, service: ServiceProcess, keeps_labels: bool) -> None:
        run = controller(service, "hyperband", f"paper-{keeps_labels}".lower())
        run.keeps_labels = keeps_labels
        found = Counter(self.drive(run, 9 + 3 + 1 + 3 + 1 + 3, 1))
        assert found == {
            ("2", "0", "1"): 9,
            ("2", "1", "3"): 3,
            ("2", "2", "9"): 1,
            ("1", "0", "3"): 3,
            ("1", "1", "9"): 1,
            ("0", "0", "9"): 3,
        }
        self.check_promotions(run)

    def check_promotions(self, run: Controller) -> None:
        """The best of the first rung are what the second one has; each says which trial it goes on from."""
        rungs = {rung: [n for n in run.order if self.place(run, n) == ("2", rung)] for rung in ("0", "1")}
        best = sorted(rungs["0"], key=lambda name: loss(run.values(name)))[:3]
        for name in rungs["1"]:
            parent = run.order[int(run.labels[name]["tunesmith.dev/parent"])]
            assert parent in best
            assert {**run.values(parent), "epochs": "3"} == run.values(name)

    def place(self, run: Controller, name: str) -> tuple[str, str]:
        return run.labels[name]["hyperband.bracket"], run.labels[name]["hyperband.rung"]

    def test_it_never_waits_however_many_run_and_is_killed(self) -> None:
        with ServiceProcess() as service:
            run = controller(service, "hyperband", "busy", trials=20, parallel=5)
            running: list[str] = []
            while len(run.order) < 20:
                running += run.run(min(5 - len(running), 20 - len(run.order)))
                run.end(running.pop(len(run.order) % len(running)), 1.0)
                if len(run.order) in (7, 13):
                    service.restart()
        assert len(set(points(run))) == 20

    def test_settings_are_those_that_katibs_keeps(self, service: ServiceProcess) -> None:
        run = controller(service, "hyperband", "settings")
        run.run(2)
        assert run.settings == {
            "eta": "3",
            "s_max": "2",
            "r_l": "9.0",
            "b_l": "27.0",
            "r": "1",
            "n": "9",
            "current_s": "2",
            "current_i": "0",
            "evaluating_trials": "0",
        }
        run.run(2)
        assert run.settings["evaluating_trials"] == "2"

    def test_a_resource_whose_bounds_katib_does_not_look_at(self, service: ServiceProcess) -> None:
        """Katib's own example has `r_l` 2 for a parameter from 1 to 1."""
        space = [MIXED[0], parameter("num-epochs", katib.INT, "1", "1")]
        settings = {"resource_name": "num-epochs", "eta": "2", "r_l": "2"}
        run = Controller(service.channel, experiment("hyperband", settings, space, name="example", objective=LOSS))
        for name in run.run(2):
            run.end(name, 0.5)
        run.run(1)
        assert [run.values(name)["num-epochs"] for name in run.order] == ["1", "1", "2"]


def long_history(name: str, trials: int, note: int) -> katib.GetSuggestionsRequest:
    asked = experiment("tpe", {}, MIXED, name=name, objective=LOSS)
    request = katib.GetSuggestionsRequest(experiment=asked, current_request_number=3, total_request_number=trials + 3)
    for place in range(trials):
        made = request.trials.add(name=f"{name}-{place}-abcde")
        assignments = made.spec.parameter_assignments.assignments
        for parameter_spec, value in zip(
            MIXED, (f"{0.001 + place / trials * 0.9}", str(1 + place % 9), "adam", "0.5"), strict=True
        ):
            assignments.add(name=parameter_spec.name, value=value)
        made.spec.labels["note"] = "n" * note
        made.spec.objective.CopyFrom(LOSS)
        made.status.condition = STATUS.SUCCEEDED
        made.status.completion_time = f"2026-01-01T{place // 3600:02}:{place // 60 % 60:02}:{place % 60:02}Z"
        made.status.observation.metrics.add(name="loss", value=str((place * 37 % 101) / 10))
    return request


def test_a_history_of_ten_million_bytes(service: ServiceProcess) -> None:
    """Katib's services stop at 4 MiB."""
    request = long_history("long", 10_000, note=900)
    assert request.ByteSize() > 10_000_000
    stub = api_pb2_grpc.SuggestionStub(service.channel)
    cold = stub.GetSuggestions(request, timeout=60)
    request.trials[77].status.observation.metrics[0].value = "-5"
    changed = stub.GetSuggestions(request, timeout=60)
    with ServiceProcess() as fresh:
        again = api_pb2_grpc.SuggestionStub(fresh.channel).GetSuggestions(request, timeout=60)
    for one, other in zip(changed.parameter_assignments, again.parameter_assignments, strict=True):
        assert one.assignments == other.assignments, "what is held has changed an answer"
    assert [one.assignments for one in cold.parameter_assignments] != [
        one.assignments for one in changed.parameter_assignments
    ], "a changed value went unnoticed"


def test_too_many_at_once(service: ServiceProcess) -> None:
    request = controller(service, "random", "many").request(10_001)
    with pytest.raises(grpc.RpcError) as refused:
        api_pb2_grpc.SuggestionStub(service.channel).GetSuggestions(request, timeout=30)
    assert refused.value.details() == "current_request_number must be at most 10000, but got 10001"


def test_health_has_the_name_by_which_katib_asks(service: ServiceProcess) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(service.channel)
    for name in ("manager.v1beta1.Suggestion", "api.v1.beta1.Suggestion", "tunesmith.v1.SuggestionService"):
        reply = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_names_services_only(service: ServiceProcess) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    found = set(ProtoReflectionDescriptorDatabase(service.channel).get_services())
    assert "api.v1.beta1.Suggestion" in found
    assert "manager.v1beta1.Suggestion" not in found
