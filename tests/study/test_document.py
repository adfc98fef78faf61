"""Documents: what is read, every mistake with its place, and the way there and back."""

import copy
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.documents import CHANGES, HERE, RIGHT, SMALL
from tests.job_strategies import jobs

from tunesmith.study import (
    AlgorithmSpec,
    CategoricalDomain,
    CollectorSpec,
    Condition,
    DiscreteDomain,
    Distribution,
    DocumentError,
    DoubleDomain,
    FailureClass,
    IntDomain,
    Limits,
    MetricSpec,
    Mistake,
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


def wrong(text: str | bytes, **options: Any) -> list[str]:
    """The mistakes of a document, as they are shown."""
    with pytest.raises(DocumentError) as caught:
        read_study_job(text, **{"base": None, **options})
    return [str(mistake) for mistake in caught.value.mistakes]


def test_there_are_many_wrong_documents() -> None:
    assert len(CHANGES) > 130


@pytest.mark.parametrize(("old", "new", "mistakes"), CHANGES)
def test_a_mistake_alone(old: str, new: str, mistakes: list[str]) -> None:
    assert RIGHT.count(old) == 1
    assert wrong(RIGHT.replace(old, new)) == mistakes


def rounds() -> list[list[tuple[str, str, list[str]]]]:
    """Changes that do not touch one another's line: the n-th of each line make the n-th list.

    Left out are the lines on whose being right other rules wait (the version, the objective, the first parameters), the
    changes for which others wait (a name that cannot be read, a second objective), a cycle of conditions, which is
    looked for in right parameters only, and what moves the lines below.
    """
    by_line = defaultdict(list)
    for old, new, mistakes in CHANGES:
        line = RIGHT[: RIGHT.index(old)].count("\n") + 1
        moves = "\n" in new and line < RIGHT.count("\n")
        if not moves and not any(text in new for text in ("- batch", "objectives", "degree: 3")):
            by_line[line].append((old, new, mistakes))
    lines = [by_line[line] for line in by_line if line not in (1, 5, 8, 9)]
    return [[of_line[n] for of_line in lines if n < len(of_line)] for n in range(max(map(len, lines)))]


@pytest.mark.parametrize("together", rounds())
def test_mistakes_together(together: list[tuple[str, str, list[str]]]) -> None:
    text = RIGHT
    for old, new, _ in together:
        text = text.replace(old, new)
    found = wrong(text)
    assert sorted(found) == sorted(mistake for _, _, mistakes in together for mistake in mistakes)
    places = [[int(word) for word in line.rsplit("(line ", 1)[1][:-1].split(", column ")] for line in found]
    assert places == sorted(places)


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


class TestUnreadableParameters:
    """A parameter with a mistake gives no other part a mistake that it would not have."""

    def test_conditions_constraints_initial_and_placeholders(self) -> None:
        text = RIGHT.replace("values: [rbf, poly, linear]", "values: 7").replace(
            "  algorithm:", "  constraints: ['params.kernel == \"rbf\"', params.C <= ]\n  algorithm:"
        )
        assert [line.split(": ")[0] for line in wrong(text)] == ["spec.parameters[1].values", "spec.constraints[1]"]

    def test_a_name_that_cannot_be_read(self) -> None:
        text = RIGHT.replace("name: kernel", "name: [kernel]")
        assert wrong(text) == ["spec.parameters[1].name: must be a string, but got a list (line 9, column 14)"]

    def test_places_are_those_of_the_document(self) -> None:
        text = RIGHT.replace("min: 0.01", "min: low").replace("min: 2, max: 5", "min: 7, max: 5")
        assert [line.split(": ")[0] for line in wrong(text)] == ["spec.parameters[0].min", "spec.parameters[3].min"]

    def test_no_parameters_at_all(self) -> None:
        assert wrong(SMALL.replace("[{name: x, type: int, min: 1, max: 3}]", "[]")) == [
            "spec.parameters: must not be empty (line 7, column 15)"
        ]


def test_placeholders_have_their_own_place_in_blocks_and_quotes() -> None:
    text = (
        RIGHT.replace('"--C=${params.C}"', '"\\"a\\" ${params.C} ${a}"')
        .replace("    env: {", "    env:\n      SCRIPT: |\n        one\n        two ${b} ${c}\n      ")
        .replace('"1"}', '"1"')
    )
    assert [line.rsplit("(", 1)[1] for line in wrong(text)] == [
        "line 18, column 52)",
        "line 23, column 13)",
        "line 23, column 18)",
    ]


def test_a_pattern_is_not_too_long() -> None:
    (mistake,) = wrong(RIGHT.replace("kind: stdout", f"patterns: ['{'a' * 1001}']"))
    assert mistake.startswith("spec.collector.patterns[0]: must have at most 1000 characters, but got 'aaa")


def test_very_many_mistakes() -> None:
    keys = ", ".join(f"trails{number}: 1" for number in range(10_000))
    found = wrong(RIGHT.replace("trials: 60", keys))
    assert len(found) == 1001
    assert found[0].startswith("spec.limits.trails0: unknown field; did you mean trials?")
    assert found[999].startswith("spec.limits.trails999: unknown field; known are trials, parallel")
    assert found[1000] == "there are 9,000 mistakes more"


def test_a_message_of_any_length_is_cut() -> None:
    values = ", ".join(f"value{number}" for number in range(10_000))
    (mistake,) = wrong(
        RIGHT.replace("[rbf, poly, linear]", f"[rbf, poly, {values}]").replace("{C: 1, kernel: rbf}", "{kernel: x}")
    )
    assert mistake.startswith("spec.initial[0].kernel: must be one of ['rbf', 'poly', 'value0', ")
    assert len(mistake) < 600


def test_a_mistake_shows_what_is_known() -> None:
    assert str(Mistake("a.b", "m", 1, 2)) == "a.b: m (line 1, column 2)"
    assert str(Mistake("a.b", "m")) == "a.b: m"
    assert str(Mistake("", "m")) == "m"
    assert str(DocumentError([Mistake("a", "m"), Mistake("b", "n")])) == "a: m\nb: n"


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "null", "~"])
def test_nothing(text: str) -> None:
    assert wrong(text)[0].startswith("must be a StudyJob, but the document is empty")


@pytest.mark.parametrize(("text", "got"), [("[1]", "a list"), ("hello", "'hello'"), ("5", "5")])
def test_no_mapping(text: str, got: str) -> None:
    assert wrong(text) == [f"must be a StudyJob, but got {got} (line 1, column 1)"]


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


def paths(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a document."""
    yield where
    if isinstance(value, (dict, list)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(entry, (*where, key))


def put(document: Any, where: tuple[str | int, ...], value: Any) -> Any:
    """A document with another value at a path."""
    if not where:
        return value
    changed = copy.copy(document)
    changed[where[0]] = put(document[where[0]], where[1:], value)
    return changed


WHOLE = to_document(read_study_job(RIGHT.replace("type: int,", "type: int, step: 1, distribution: normal,"), base=None))
STRANGE: tuple[Any, ...] = (
    None,
    "",
    "x",
    "${",
    "a\0b",
    [],
    [None],
    {},
    {"x": None},
    0,
    -1,
    7.5,
    True,
    math.nan,
    math.inf,
    10**400,
    -(2**63),
)


@pytest.mark.parametrize("where", list(paths(WHOLE)), ids=str)
def test_strange_values_anywhere(where: tuple[str | int, ...]) -> None:
    for value in STRANGE:
        document = put(WHOLE, where, value)
        with suppress(DocumentError):
            assert read_document(to_document(read_document(document)))


@pytest.mark.parametrize("where", list(paths(WHOLE))[1:], ids=str)
def test_a_part_that_was_refused_already_is_refused_once(where: tuple[str | int, ...]) -> None:
    mark = "a value that has a tag"
    (mistake,) = wrong(json.dumps(put(WHOLE, where, mark)).replace(f'"{mark}"', "!tag x"))
    assert "must be a plain value, but got the tag !tag" in mistake


WORKERS = """apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: digits}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  limits: {trials: 3}
  trial: {workers: true}
"""


def test_trials_that_workers_run() -> None:
    job = read_study_job(WORKERS, base=Path("/work"))
    assert job.spec.trial == TrialTemplate(workers=True)  # and no folder
    assert to_document(job)["spec"]["trial"] == {"workers": True}
    assert read_study_job(document_yaml(job), base=None) == job


@pytest.mark.parametrize(
    ("trial", "mistakes"),
    [
        (
            "{workers: true, command: [a], workingDir: /b, env: {C: d}, resources: {cpu: 1}}",
            [
                "spec.trial.command: must be left out when `workers` is true, but got a list",
                "spec.trial.workingDir: must be left out when `workers` is true, but got '/b'",
                "spec.trial.env: must be left out when `workers` is true, but got a mapping",
                "spec.trial.resources: must be left out when `workers` is true, but got a mapping",
            ],
        ),
        ("{workers: 1}", ["spec.trial.workers: must be true or false, but got 1"]),
        ("{workers: false}", ["spec.trial.command: must be given, unless `workers` is true"]),
        (
            "{workers: true}\n  collector: {kind: jsonl}",
            [
                "spec.collector: must be left out when `trial.workers` is true: workers report their metrics, "
                "but got a mapping"
            ],
        ),
    ],
)
def test_workers_and_what_only_a_command_needs(trial: str, mistakes: list[str]) -> None:
    text = WORKERS.replace("{workers: true}", trial)
    with pytest.raises(DocumentError) as error:
        read_study_job(text, base=None)
    assert [f"{m.path}: {m.message}" for m in error.value.mistakes] == mistakes
    assert all(mistake.line for mistake in error.value.mistakes)
