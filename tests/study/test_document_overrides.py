"""Documents: values of the command line in place of what is written."""

import pytest
from tests.documents import RIGHT, SMALL, wrong

from tunesmith.study import (
    Distribution,
    DoubleDomain,
    MetricSpec,
    Retry,
    Strategy,
    read_study_job,
)


class TestOverrides:
    """`--set path=value` and `--name`."""

    def test_values_are_yaml(self) -> None:
        job = read_study_job(
            RIGHT,
            base=None,
            overrides=[
                ("spec.limits.trials", "5"),
                ("spec.trial.command", "[echo, '${params.C}']"),
                ("spec.parameters[0].max", "10"),
                ('metadata.labels["a.b/c"]', "'1'"),
                ("spec.initial[1]", "{kernel: poly}"),
                ("spec.objective.goal", "null"),
                ("spec.retry", ""),
            ],
        )
        assert job.spec.limits.trials == 5
        assert job.spec.trial.command == ("echo", "${params.C}")
        assert job.spec.space.parameters[0].domain == DoubleDomain(0.01, 10, Distribution.LOG_UNIFORM)
        assert job.labels == {"team": "vision", "a.b/c": "1"}
        assert job.spec.initial == ({"C": 1.0, "kernel": "rbf"}, {"kernel": "poly"})
        assert job.spec.objective.goal is None
        assert job.spec.retry == Retry()

    def test_what_is_missing_on_the_way_is_made(self) -> None:
        job = read_study_job(SMALL, base=None, overrides=[("spec.trial.env.A", "b"), ("spec.metrics[0]", "m")])
        assert job.spec.trial.env == {"A": "b"}
        assert job.spec.metrics == (MetricSpec("m"),)

    def test_an_entry_of_a_list_can_be_removed(self) -> None:
        job = read_study_job(RIGHT, base=None, overrides=[("spec.metrics[0]", "null")])
        assert job.spec.metrics == (MetricSpec("fit-seconds", Strategy.AVERAGE),)

    def test_the_name(self) -> None:
        assert read_study_job(RIGHT, base=None, name="other").name == "other"
        assert read_study_job(SMALL.replace("metadata: {name: small}\n", ""), base=None, name="other").name == "other"
        assert wrong(RIGHT, name="Other")[0].endswith("but got 'Other'")

    @pytest.mark.parametrize(
        ("path", "value", "mistake"),
        [
            ("spec.limits.trials", "x", "spec.limits.trials: must be a whole number, but got 'x'"),
            ("spec.limits.trails", "5", "spec.limits.trails: unknown field; did you mean trials?"),
            ("limits.trials", "5", "limits: unknown field; known are apiVersion, kind, metadata, spec"),
            ("spec..x", "5", "spec..x: must be a path such as spec.parameters[2].min, but got 'spec..x'"),
            ("", "5", "must be a path such as spec.parameters[2].min, but got ''"),
            ("spec[0]", "5", "spec[0]: [0] must be in a list, but there is a mapping"),
            ("kind.x", "5", "kind.x: `x` must be in a mapping, but there is 'StudyJob'"),
            ("spec.metrics[5]", "a", "spec.metrics[5]: `index <= 2` must hold for this list, but got [5]"),
            (
                "spec.initial",
                "[!!python/x 1]",
                "spec.initial: must be a plain value, but got the tag !!python/x in '[!!python/x 1]'",
            ),
        ],
    )
    def test_mistakes(self, path: str, value: str, mistake: str) -> None:
        assert wrong(RIGHT, overrides=[(path, value)]) == [mistake]

    def test_a_value_that_is_no_yaml(self) -> None:
        (mistake,) = wrong(RIGHT, overrides=[("spec.limits", "{a")])
        assert mistake.startswith("spec.limits: must be YAML, but the parser says: while parsing a flow mapping")

    def test_mistakes_of_both_are_told(self) -> None:
        found = wrong(RIGHT.replace("goal: 0.99", "goal: x"), overrides=[("spec..x", "1")])
        assert [line.split(":")[0] for line in found] == ["spec..x", "spec.objective.goal"]
