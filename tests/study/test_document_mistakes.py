"""Documents: every mistake is told, once, with its place."""

import copy
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.documents import CHANGES, RIGHT, SMALL, wrong

from tunesmith.study import (
    DocumentError,
    Mistake,
    read_document,
    read_study_job,
    to_document,
)


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
