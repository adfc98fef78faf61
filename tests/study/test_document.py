"""Documents: what is read, with its defaults, and the way there and back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.documents import HERE, RIGHT, SMALL, wrong
from tests.job_strategies import jobs

from tunesmith.study import (
    AlgorithmSpec,
    CategoricalDomain,
    CollectorSpec,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    FailureClass,
    IntDomain,
    Limits,
    MetricSpec,
    Objective,
    ObjectiveType,
    Parameter,
    Resources,
    Retry,
    SearchSpace,
    Strategy,
    StudyJob,
    StudySpec,
    TrialTemplate,
    document_yaml,
    read_document,
    read_study_job,
    spec_differences,
    to_document,
)


def test_the_right_document() -> None:
    rbf_poly = Condition("kernel", ("rbf", "poly"))
    assert read_study_job(RIGHT, base=None) == StudyJob(
        name="digits-svc",
        namespace="vision",
        labels={"team": "vision"},
        spec=StudySpec(
            objectives=(Objective("accuracy", ObjectiveType.MAXIMIZE, 0.99, Strategy.MAX),),
            metrics=(MetricSpec("loss"), MetricSpec("fit-seconds", Strategy.AVERAGE)),
            space=SearchSpace(
                (
                    Parameter("C", DoubleDomain(0.01, 100, Distribution.LOG_UNIFORM)),
                    Parameter("kernel", CategoricalDomain(("rbf", "poly", "linear"))),
                    Parameter("gamma", DoubleDomain(1e-5, 1), (rbf_poly,)),
                    Parameter("degree", IntDomain(2, 5), (Condition("kernel", ("poly",)),), 3),
                    Parameter("batch", DiscreteDomain((32, 64, 128))),
                )
            ),
            algorithm=AlgorithmSpec("auto"),
            seed=7,
            limits=Limits(60, 4, 5, 7200, 600),
            retry=Retry(3, (FailureClass.PREEMPTED, FailureClass.LOST), 10),
            initial=({"C": 1.0, "kernel": "rbf"},),
            trial=TrialTemplate(
                ("python", "train.py", "--C=${params.C}", "--kernel=${params.kernel}"),
                "/work",
                {"OMP_NUM_THREADS": "1"},
                Resources(1, 1 << 30, 0),
            ),
            collector=CollectorSpec("stdout"),
        ),
    )


def test_what_is_not_given_has_its_default() -> None:
    job = read_study_job(SMALL, base=None)
    assert job.spec == StudySpec(
        objectives=(Objective("loss", ObjectiveType.MINIMIZE, None, Strategy.MIN),),
        space=SearchSpace((Parameter("x", IntDomain(1, 3)),)),
        trial=TrialTemplate(("run", "${params.x}")),
    )
    assert (job.namespace, job.labels) == ("default", {})


def test_defaults_are_not_shared_between_jobs() -> None:
    one, other = (read_study_job(SMALL, base=None) for _ in range(2))
    assert one.labels is not other.labels
    assert one.spec.trial.env is not other.spec.trial.env


def test_a_whole_number_for_a_double_becomes_one() -> None:
    job = read_study_job(RIGHT.replace("max: 100,", "max: 100, default: 5,"), base=None)
    assert type(job.spec.initial[0]["C"]) is float
    assert type(job.spec.space.parameters[0].default) is float


def test_whole_numbers_may_have_a_point_or_an_exponent() -> None:
    limits = read_study_job(RIGHT.replace("trials: 60", "trials: 1e3"), base=None).spec.limits
    assert (limits.trials, type(limits.trials)) == (1000, int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200),
        ("1h30m", 5400),
        ("90s", 90),
        ("500ms", 0.5),
        ("1.5", 1.5),
        ("1d", 86400),
        ("1.5h", 5400),
        ("90", 90),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    job = read_study_job(RIGHT.replace("duration: 2h", f"duration: {text}"), base=None)
    assert job.spec.limits.duration == seconds


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1Gi", 1 << 30),
        ("512Mi", 1 << 29),
        ("2G", 2 * 10**9),
        ("1.5k", 1500),
        ("1000", 1000),
        ("0.3Ki", 308),
        ("'7'", 7),
    ],
)
def test_memory(text: str, amount: int) -> None:
    job = read_study_job(RIGHT.replace("memory: 1Gi", f"memory: {text}"), base=None)
    assert job.spec.trial.resources.memory == amount


@pytest.mark.parametrize(("text", "amount"), [("0.5", 0.5), ("500m", 0.5), ("2", 2), ("'2'", 2)])
def test_processors(text: str, amount: float) -> None:
    assert read_study_job(RIGHT.replace("cpu: 1", f"cpu: {text}"), base=None).spec.trial.resources.cpu == amount


def test_numbers_in_commands_are_taken_as_they_are_written() -> None:
    job = read_study_job(RIGHT.replace("train.py,", "0.10, 007, 1e3, 0x1F, -5,").replace('"1"', "08"), base=None)
    assert job.spec.trial.command[1:6] == ("0.10", "007", "1e3", "0x1F", "-5")
    assert job.spec.trial.env == {"OMP_NUM_THREADS": "08"}


def test_metrics_absent_is_not_metrics_empty() -> None:
    line = "  metrics: [loss, {name: fit-seconds, strategy: average}]\n"
    assert read_study_job(RIGHT.replace(line, ""), base=None).spec.metrics is None
    empty = read_study_job(RIGHT.replace(line, "  metrics: []\n"), base=None)
    assert empty.spec.metrics == ()
    assert to_document(empty)["spec"]["metrics"] == []


def test_attempts_without_classes_retry_every_failure() -> None:
    job = read_study_job(RIGHT.replace("on: [preempted, lost], ", ""), base=None)
    assert job.spec.retry.on == tuple(FailureClass)


def test_one_objective_may_stand_in_the_list() -> None:
    text = RIGHT.replace("objective: {", "objectives: [{").replace("goal: 0.99}", "goal: 0.99}]")
    assert read_study_job(text, base=None) == read_study_job(RIGHT, base=None)


class TestLimits:
    """`trials` must be given, unless the study ends without it."""

    def test_a_small_space_ends_by_itself(self) -> None:
        assert read_study_job(SMALL, base=None).spec.limits.trials is None

    def test_a_space_too_large_to_be_tried_does_not(self) -> None:
        assert wrong(SMALL.replace("max: 3", "max: 100001")) == [
            "spec.limits.trials: must be given, unless the space is finite or `duration` is given (line 6, column 3)"
        ]

    def test_constraints_can_make_it_small(self) -> None:
        text = SMALL.replace("max: 3", "max: 100001").replace("  trial:", "  constraints: [params.x < 9.0]\n  trial:")
        assert read_study_job(text, base=None).spec.limits.trials is None

    def test_a_duration_is_enough(self) -> None:
        text = SMALL.replace("max: 3", "max: 100001").replace("  trial:", "  limits: {duration: 1h}\n  trial:")
        assert read_study_job(text, base=None).spec.limits.duration == 3600

    def test_nothing_is_told_of_a_space_that_cannot_be_read(self) -> None:
        found = wrong(SMALL.replace("max: 3", "max: many"))
        assert found == ["spec.parameters[0].max: must be a whole number, but got 'many' (line 7, column 50)"]


class TestWorkingDir:
    """It is absolute when it is read."""

    @pytest.mark.parametrize(
        ("given", "read"),
        [
            ("/abs//x", "/abs//x"),
            (".", "/base"),
            ("a/${trial.name}", "/base/a/${trial.name}"),
            ("../x", "/base/../x"),
            ('"${trial.dir}/x"', "${trial.dir}/x"),
        ],
    )
    def test_with_a_base(self, given: str, read: str) -> None:
        job = read_study_job(RIGHT.replace("workingDir: /work", f"workingDir: {given}"), base=Path("/base"))
        assert job.spec.trial.working_dir == read

    def test_absent(self) -> None:
        assert read_study_job(SMALL, base=Path("/base")).spec.trial.working_dir == "/base"
        assert read_study_job(SMALL, base=None).spec.trial.working_dir == ""


def exact(job: StudyJob) -> str:
    """Text that tells 1, 1.0 and true apart, which `==` does not."""
    return json.dumps(to_document(job), sort_keys=True)


@given(jobs())
@settings(deadline=None)
def test_a_job_survives_the_way_through_its_document(job: StudyJob) -> None:
    for read in (
        read_document(to_document(job)),
        read_study_job(document_yaml(job), base=None),
        read_study_job(json.dumps(to_document(job)), base=None),
    ):
        assert read == job
        assert exact(read) == exact(job)


def test_the_written_document() -> None:
    assert document_yaml(read_study_job(RIGHT, base=None)) == (HERE / "written.yaml").read_text()


def test_text_of_several_lines_stands_as_it_is() -> None:
    script = 'set -e\n\nfor i in 1 2; do\n  echo "$i"\ndone\n'
    job = read_study_job(RIGHT, base=None, overrides=[("spec.trial.command", json.dumps(["sh", "-c", script]))])
    text = document_yaml(job)
    lines = [
        "command:",
        "  - sh",
        '  - "-c"',
        "  - |",
        "    set -e",
        "",
        "    for i in 1 2; do",
        '      echo "$i"',
        "    done",
    ]
    assert "\n".join(f"    {line}".rstrip() for line in lines) in text
    assert read_study_job(text, base=None) == job


class TestDifferences:
    """What a changed file is told to have changed."""

    OLD = read_study_job(RIGHT, base=None).spec

    def test_none(self) -> None:
        assert spec_differences(self.OLD, self.OLD) == []

    def test_a_seed_that_was_drawn_is_none(self) -> None:
        assert spec_differences(self.OLD, replace(self.OLD, seed=None)) == []
        assert spec_differences(replace(self.OLD, seed=None), self.OLD) == [
            ("spec.algorithm.settings.seed", "(not given)", "7")
        ]

    def test_some(self) -> None:
        text = (
            RIGHT.replace("trials: 60, ", "trials: 70, ")
            .replace("max: 100", "max: 10")
            .replace("train.py", "other.py")
            .replace("    - {name: batch, type: discrete, values: [32, 64, 128]}\n", "")
            .replace("goal: 0.99", "strategy: latest")
            .replace("failed: 5, ", "")
        )
        assert spec_differences(self.OLD, read_study_job(text, base=None).spec) == [
            ("spec.objective.goal", "0.99", "(not given)"),
            ("spec.objective.strategy", "max", "latest"),
            ("spec.parameters[0].max", "100.0", "10.0"),
            ("spec.parameters[4]", "{name: batch, type: discrete, values: [32, 64, 128]}", "(not given)"),
            ("spec.limits.trials", "60", "70"),
            ("spec.limits.failed", "5", "(not given)"),
            (
                "spec.trial.command",
                '[python, train.py, "--C=${params.C}", "--kernel=${params.kernel}"]',
                '[python, other.py, "--C=${params.C}", "--kernel=${params.kernel}"]',
            ),
        ]
