"""Hyperband: its exact schedule, and what its trials do to it."""

import dataclasses
from collections import Counter
from fractions import Fraction
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.suggestion.studies import Study

from tunesmith.study import (
    AlgorithmSpec,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    Domain,
    DoubleDomain,
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.suggestion import Answer, Status
from tunesmith.suggestion._brackets import Place, Plan, bracket, levels
from tunesmith.suggestion._check import read_study, warnings
from tunesmith.suggestion.algorithms.hyperband import Hyperband

RATE = Parameter("rate", DoubleDomain(1e-4, 1, Distribution.LOG_UNIFORM))


def make_study(
    resource: Domain | None = None, trials: int | None = None, constraints: tuple[str, ...] = (), **more: ParameterValue
) -> Study:
    """A study whose trials run until they are told to end."""
    resource = resource or IntDomain(1, 9)
    return Study(
        make_spec(SearchSpace((RATE, Parameter("epochs", resource)), constraints), trials, **more),
        cycle([TrialState.RUNNING]),
    )


def make_spec(space: SearchSpace, trials: int | None = None, **more: ParameterValue) -> StudySpec:
    return StudySpec(
        objectives=(Objective("accuracy", ObjectiveType.MAXIMIZE),),
        space=space,
        trial=TrialTemplate(("true",)),
        algorithm=AlgorithmSpec("hyperband", {"resource_name": "epochs", **more}),
        limits=Limits(trials=trials),
        seed=5,
    )


def run_all(study: Study, count: int, state: TrialState = TrialState.SUCCEEDED) -> Answer:
    """Run trials one after the other; a larger rate is better."""
    for _ in range(count):
        answer = study.run(1)
        for number in study.pending:
            study.end(number, state, float(study.records[number].assignment["rate"]))
    return answer


def seen(study: Study) -> Counter[tuple[str, str, float]]:
    """How many trials there are of each bracket s, rung and resource."""
    return Counter(
        (record.labels["hyperband.bracket"], record.labels["hyperband.rung"], float(record.assignment["epochs"]))
        for record in study.records.values()
    )


class TestSchedule:
    def test_it_is_table_1_of_the_paper(self) -> None:
        plan = Plan("epochs", 3, levels(IntDomain(1, 81), 3))
        table = [[(rung.size, plan.levels[rung.level]) for rung in one.rungs] for one in plan.brackets]
        assert table == [
            [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
            [(27, 3), (9, 9), (3, 27), (1, 81)],
            [(9, 9), (3, 27), (1, 81)],
            [(6, 27), (2, 81)],
            [(5, 81)],
        ]
        assert [one.s for one in plan.brackets] == [4, 3, 2, 1, 0]

    @given(s_max=st.integers(0, 40), eta=st.integers(2, 10), data=st.data())
    def test_every_rung_keeps_exactly_one_of_eta(self, s_max: int, eta: int, data: st.DataObject) -> None:
        s = data.draw(st.integers(0, s_max))
        one = bracket(s, s_max, eta)
        assert len(one.rungs) == s + 1
        assert one.rungs[-1].level == s_max
        assert all(lower.size == eta * upper.size for lower, upper in zip(one.rungs, one.rungs[1:], strict=False))
        assert (s_max + 1) * eta**s - (s + 1) * eta**s < one.rungs[0].size * (s + 1) <= (s_max + 1) * eta**s

    @given(least=st.integers(1, 50), more=st.integers(0, 10**6), eta=st.integers(2, 10))
    def test_resources_of_whole_numbers(self, least: int, more: int, eta: int) -> None:
        domain = IntDomain(least, least + more)
        found = levels(domain, eta)
        assert all(type(level) is int for level in found)
        assert sorted(set(found)) == list(found)
        assert (found[0] >= least, found[-1]) == (True, least + more)
        exact = [Fraction(least + more, eta**k) for k in range(64) if least * eta**k <= least + more]
        assert all(min(abs(level - one) for one in exact) <= Fraction(1, 2) for level in found)
        assert len(found) == len({round(one) for one in exact}) or any(one.denominator == 2 for one in exact)

    @pytest.mark.parametrize(
        ("domain", "eta", "most", "expected"),
        [
            (IntDomain(1, 1), 3, None, (1,)),
            (IntDomain(1, 2), 3, None, (2,)),
            (IntDomain(1, 10), 3, None, (1, 3, 10)),
            (IntDomain(1, 100), 3, 9, (1, 3, 9)),
            (IntDomain(10, 100, step=10), 3, None, (10, 30, 100)),
            (IntDomain(10, 100, step=10), 2, 95, (10, 20, 40, 90)),
            (DoubleDomain(0.1, 0.9), 3, None, (0.1, 0.3, 0.9)),
            (DoubleDomain(0.1, 0.9, Distribution.LOG_UNIFORM), 3, 0.85, (0.85 / 3, 0.85)),
            (DoubleDomain(0.1, 1.0, step=0.1), 3, None, (0.1, 0.3, 1.0)),
            (DiscreteDomain((1, 100)), 3, None, (1, 100)),
            (DiscreteDomain((1, 2, 4, 10)), 3, None, (1, 4, 10)),
            (DiscreteDomain((0.5, 4.5)), 3, None, (0.5, 4.5)),
            (IntDomain(1, 3**33), 3, None, tuple(3**k for k in range(34))),
        ],
    )
    def test_resources_are_values_of_the_parameter(
        self, domain: Domain, eta: int, most: float | None, expected: tuple[float, ...]
    ) -> None:
        found = levels(domain, eta, most)
        assert found == pytest.approx(expected, abs=0, rel=1e-15)
        assert all(domain.check(level) is None for level in found)

    def test_labels_name_places(self) -> None:
        plan = Plan("epochs", 3, (1, 3, 9))
        places = [Place(index, rung) for index in range(7) for rung in range(len(plan.bracket(index).rungs))]
        assert [plan.place(plan.labels(place)) for place in places] == places
        good = {"hyperband.iteration": "0", "hyperband.bracket": "2", "hyperband.rung": "1"}
        assert plan.place(good) == Place(0, 1)
        for name in good:
            for text in ("3", "-1", "", "1.0", "٣", "9" * 16):
                if (name, text) != ("hyperband.iteration", "3"):
                    assert plan.place({**good, name: text}) is None


class TestStudy:
    def test_an_iteration_is_the_schedule_and_then_comes_the_next(self) -> None:
        study = make_study()
        run_all(study, 9 + 3 + 1 + 3 + 1 + 3)
        assert seen(study) == {
            ("2", "0", 1): 9,
            ("2", "1", 3): 3,
            ("2", "2", 9): 1,
            ("1", "0", 3): 3,
            ("1", "1", 9): 1,
            ("0", "0", 9): 3,
        }
        run_all(study, 1)
        assert study.records[20].labels == {
            "hyperband.iteration": "1",
            "hyperband.bracket": "2",
            "hyperband.rung": "0",
        }

    def test_the_best_are_promoted_with_nothing_else_changed(self) -> None:
        study = make_study()
        run_all(study, 13)
        rates = {number: float(study.records[number].assignment["rate"]) for number in range(9)}
        best = sorted(rates, key=lambda number: -rates[number])[:3]
        assert [study.records[number].parent for number in range(9, 13)] == [*best, 9]
        for number in range(9, 13):
            record = study.records[number]
            assert record.parent is not None
            parent = study.records[record.parent]
            assert record.assignment == {**parent.assignment, "epochs": 9 if number == 12 else 3}

    def test_it_says_why(self) -> None:
        study = make_study()
        begins = study.run(1).suggestions[0].explanation.text
        assert begins.startswith("one of 9 configurations with which bracket s=2 of iteration 0 begins, drawn")
        study.end(0, TrialState.SUCCEEDED, 0.5)
        run_all(study, 8)
        study.end(3, TrialState.SUCCEEDED, 7.25)
        text = study.run(1).suggestions[0].explanation.text
        assert (
            text == "trial 3 again with epochs=3: with 7.25 it is number 1 of 9 in rung 0 of bracket s=2 of iteration 0"
        )

    def test_failed_trials_are_the_worst_and_block_nothing(self) -> None:
        study = make_study()
        study.run(9)
        ends = [TrialState.FAILED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE, TrialState.EARLY_STOPPED] * 2
        for number, state in enumerate(ends):
            study.end(number, state, 100.0)
        study.end(8, TrialState.SUCCEEDED, 0.01)
        first, second = study.run(2).suggestions
        assert first.parent == 8
        assert second.labels["hyperband.bracket"] == "1"  # nobody else is fit for promotion

    def test_where_all_fail_the_next_bracket_begins(self) -> None:
        study = make_study()
        run_all(study, 20, TrialState.FAILED)
        assert not [record for record in study.records.values() if record.parent is not None]

    def test_not_a_number_is_no_success(self) -> None:
        study = make_study()
        study.run(9)
        for number in range(9):
            study.end(number, TrialState.SUCCEEDED, float("nan"))
        assert study.run(1).suggestions[0].parent is None

    def test_a_rung_waits_for_its_last_trial_while_the_next_bracket_runs(self) -> None:
        study = make_study()
        study.run(9)
        for number in range(8):
            study.end(number, TrialState.SUCCEEDED, float(number))
        (other,) = study.run(1).suggestions
        assert (other.parent, other.labels["hyperband.bracket"]) == (None, "1")
        study.end(8, TrialState.SUCCEEDED, -1.0)
        assert [one.parent for one in study.run(4).suggestions] == [7, 6, 5, None]

    def test_trials_that_are_left_are_kept_for_promotions(self) -> None:
        study = make_study(trials=13)
        study.run(9)
        answer = study.ask(4)
        assert (answer.status, answer.suggestions) == (Status.WAIT, ())
        assert "the trials left (4) are for promotions" in answer.message
        for number in range(9):
            study.end(number, TrialState.SUCCEEDED, float(number))
        answer = study.run(4)
        assert [one.parent for one in answer.suggestions] == [8, 7, 6]
        assert answer.status is Status.WAIT
        for number in (9, 10, 11):
            study.end(number, TrialState.SUCCEEDED, float(number))
        assert study.run(1).suggestions[0].parent == 11

    def test_with_trials_to_spare_the_next_bracket_begins(self) -> None:
        study = make_study(trials=15)
        study.run(9)
        answer = study.ask(4)
        assert len(answer.suggestions) == 2
        assert answer.status is Status.WAIT

    def test_nothing_is_kept_for_promotions_that_cannot_come(self) -> None:
        study = make_study(trials=13)
        run_all(study, 9, TrialState.FAILED)
        assert run_all(study, 4, TrialState.FAILED).status is Status.OK

    def test_a_retried_trial_takes_part_again(self) -> None:
        study = make_study()
        run_all(study, 13, TrialState.FAILED)
        study.end(0, TrialState.PENDING, 0.0)
        assert study.run(1).suggestions[0].parent is None
        study.end(0, TrialState.SUCCEEDED, 1.0)
        assert study.run(1).suggestions[0].parent == 0

    def test_own_trials_take_part_where_their_resource_fits(self) -> None:
        study = make_study()
        study.add({"rate": 0.999, "epochs": 1})
        study.add({"rate": 0.9999, "epochs": 2})
        study.end(0, TrialState.SUCCEEDED, 5.0)
        study.run(8)
        for number in range(1, 10):
            study.end(number, TrialState.SUCCEEDED, -number)
        assert [one.parent for one in study.run(3).suggestions] == [0, 2, 3]

    def test_lies_in_labels_are_seen(self) -> None:
        """Trials that claim a promotion: of nobody, of the wrong rung, with another assignment, for the second time."""
        study = make_study()
        run_all(study, 9)
        best = max(range(9), key=lambda number: study.records[number].values[0])
        honest = {**study.records[best].assignment, "epochs": 3}
        labels = {"hyperband.iteration": "0", "hyperband.bracket": "2", "hyperband.rung": "1"}
        study.add(honest, labels, None)
        study.add(honest, labels, 77)
        study.add({**honest, "rate": 0.5}, labels, best)
        study.add({**honest, "epochs": 4}, labels, best)
        study.add(honest, {**labels, "hyperband.rung": "2"}, best)
        second = study.ask(2).suggestions[1]
        study.restart()
        assert study.ask(2).suggestions[1] == second
        assert [one.labels["hyperband.rung"] for one in study.ask(4).suggestions] == ["1", "1", "1", "0"]
        study.add(honest, labels, best)  # the truth
        assert [one.labels["hyperband.rung"] for one in study.ask(3).suggestions] == ["1", "1", "0"]
        study.add(honest, labels, best)
        assert [one.labels["hyperband.rung"] for one in study.ask(3).suggestions] == ["1", "1", "0"]

    def test_labels_that_change_are_read_anew(self) -> None:
        study = make_study()
        run_all(study, 9)
        study.records[4] = dataclasses.replace(study.records[4], labels={"hyperband.rung": "x"})
        study.history.apply([study.records[4]])
        warm = study.ask(3)
        study.restart()
        assert study.ask(3) == warm

    def test_constraints_on_the_resource_are_kept(self) -> None:
        """What is not allowed at the largest resource is not begun with, while there are others."""
        study = make_study(constraints=("params.epochs * params.rate <= 2.0",))
        run_all(study, 60)
        assert {one[2] for one in seen(study)} == {1, 3, 9}
        assert all(float(one["rate"]) * 9 <= 2 for one in study.assignments)

    def test_a_configuration_is_not_begun_with_twice(self) -> None:
        space = SearchSpace(
            (Parameter("kernel", CategoricalDomain(tuple("abcdefghijklmno"))), Parameter("epochs", IntDomain(1, 9)))
        )
        study = Study(make_spec(space), cycle([TrialState.FAILED]))
        study.run(15)
        assert len({one["kernel"] for one in study.assignments}) == 15

    def test_r_l_is_the_largest_resource(self) -> None:
        study = make_study(IntDomain(1, 100), r_l=9)
        run_all(study, 20)
        assert max(float(one["epochs"]) for one in study.assignments) == 9


class TestCheck:
    @pytest.mark.parametrize(
        ("domain", "settings", "path", "why"),
        [
            (IntDomain(0, 9), {}, "resource_name", "`min > 0` of the parameter must hold, but got (min=0)"),
            (CategoricalDomain((1, 3)), {}, "resource_name", "but got a categorical one"),
            (IntDomain(1, 9), {"resource_name": "epoch"}, "resource_name", "one of the parameters (rate, epochs, x)"),
            (IntDomain(1, 9), {"r_l": 10}, "r_l", "(r_l=10.0, min=1, max=9)"),
            (IntDomain(1, 9), {"r_l": 0.5}, "r_l", "`min <= r_l <= max` of 'epochs' must hold"),
            (IntDomain(1, 9), {"eta": 1}, "eta", "`eta >= 2` must hold"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, domain: Domain, settings: dict[str, ParameterValue], path: str, why: str
    ) -> None:
        space = SearchSpace((RATE, Parameter("epochs", domain), Parameter("x", IntDomain(1, 2))))
        _, (mistake,) = read_study(Hyperband(), make_spec(space, None, **settings))
        assert mistake.path == f"spec.algorithm.settings.{path}"
        assert why in mistake.message

    def test_the_resource_is_required(self) -> None:
        spec = make_spec(SearchSpace((RATE,)))
        spec = dataclasses.replace(spec, algorithm=AlgorithmSpec("hyperband"))
        _, (mistake,) = read_study(Hyperband(), spec)
        assert mistake.path == "spec.algorithm.settings.resource_name"
        assert mistake.message == "must name the parameter that carries the resource, but is absent"

    def test_the_resource_depends_on_nothing_and_nothing_on_it(self) -> None:
        kernel = Parameter("kernel", CategoricalDomain(("a", "b")))
        for parameters, why in [
            (
                (kernel, Parameter("epochs", IntDomain(1, 9), (Condition("kernel", ("a",)),))),
                "the parameter has `when`",
            ),
            (
                (Parameter("epochs", IntDomain(1, 9)), dataclasses.replace(RATE, when=(Condition("epochs", (3,)),))),
                "'rate'",
            ),
        ]:
            _, (mistake,) = read_study(Hyperband(), make_spec(SearchSpace(parameters)))
            assert why in mistake.message

    def test_too_few_trials_for_an_iteration_are_remarked_on(self) -> None:
        space = SearchSpace((RATE, Parameter("epochs", IntDomain(1, 9))))
        for trials, remarks in [(19, 1), (20, 0), (None, 0)]:
            spec = make_spec(space, trials)
            settings, _ = read_study(Hyperband(), spec)
            found = warnings(Hyperband(), spec, settings)
            assert len(found) == remarks
            assert all("takes 20 trials, its first bracket 13, and `limits.trials` is 19" in one for one in found)
