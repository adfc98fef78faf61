"""Placeholders: what is filled in, what is left out, and what is never looked at."""

from dataclasses import replace
from typing import Any

import pytest

from tunesmith.study import CollectorSpec, TrialContext, TrialTemplate, render
from tunesmith.study._placeholders import placeholders

CONTEXT = TrialContext(
    study="digits",
    namespace="vision",
    trial="digits-7-abcde",
    number=7,
    attempt=2,
    seed=42,
    dir="/t/2",
    checkpoint_dir="/t/checkpoint",
    params={"lr": 1e-05, "n": 3, "fast": True, "kernel": "rbf", "a.b-c": 0.1, "evil": "${trial.name} $(rm) `x` $${n}"},
)


def command(*words: str, **params: Any) -> tuple[str, ...]:
    """The command of a trial; `params` are beside those of the context."""
    context = replace(CONTEXT, params={**CONTEXT.params, **params})
    return render(TrialTemplate(words), CollectorSpec(), context).command


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("--lr=${params.lr}", "--lr=1e-05"),
        ("${params.n}", "3"),
        ("${params.fast}", "true"),
        ("${params.kernel}/${params.n}", "rbf/3"),
        ("${params.a.b-c}", "0.1"),
        ("${trial.name}", "digits-7-abcde"),
        ("${trial.number}", "7"),
        ("${trial.attempt}", "2"),
        ("${trial.seed}", "42"),
        ("${trial.dir}", "/t/2"),
        ("${trial.checkpointDir}", "/t/checkpoint"),
        ("${study.namespace}/${study.name}", "vision/digits"),
        ("$${HOME}", "${HOME}"),
        ("$HOME $ $$ {} }", "$HOME $ $$ {} }"),
        ("$$${trial.number}", "$${trial.number}"),
        ("", ""),
    ],
)
def test_one_string(text: str, rendered: str) -> None:
    assert command(text) == (rendered,)


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert command("${params.evil}") == ("${trial.name} $(rm) `x` $${n}",)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e22, "1e+22"),
        (2.0, "2.0"),
        (1 / 3, "0.3333333333333333"),
        (False, "false"),
        (-5, "-5"),
        ("a b", "a b"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert command("${params.v}", v=value) == (text,)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--gamma=${params.gamma}", "x"], ["x"]),
        (["${params.gamma}${params.n}", "x"], ["x"]),
        (["--gamma", "${params.gamma}", "x"], ["x"]),
        (["-g", "${params.gamma}", "x"], ["x"]),
        (["--gamma", "${params.gamma}-${params.n}", "x"], ["--gamma", "x"]),
        (["--n=${params.n}", "${params.gamma}"], ["--n=3"]),
        (["--a=b", "${params.gamma}"], ["--a=b"]),
        (["--", "${params.gamma}"], ["--"]),
        (["-5", "${params.gamma}"], ["-5"]),
        (["train", "${params.gamma}"], ["train"]),
        (["--gamma", "${params.n}"], ["--gamma", "3"]),
        (["--gamma", "$${params.gamma}"], ["--gamma", "${params.gamma}"]),
    ],
)
def test_an_inactive_parameter_in_the_command(words: list[str], left: list[str]) -> None:
    assert command(*words) == tuple(left)


def test_elsewhere_an_inactive_parameter_is_empty() -> None:
    template = TrialTemplate(
        ("x",), "/w/${params.gamma}", {"G": "${params.gamma}", "H": "a${params.gamma}b", "${x}": "1"}
    )
    rendered = render(template, CollectorSpec("file", "m-${params.gamma}-${trial.number}"), CONTEXT)
    assert rendered.working_dir == "/w/"
    assert rendered.env == {"G": "", "H": "ab", "${x}": "1"}
    assert rendered.collector_path == "m--7"


def test_placeholders_of_a_string() -> None:
    found = list(placeholders("a ${b} $${c} ${d ${e}"))
    assert [(one.name, one.start, one.text) for one in found] == [("b", 2, "${b}"), (None, 13, "${"), ("e", 17, "${e}")]
