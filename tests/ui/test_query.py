"""Which trials are shown and in which order; the form and its document."""

from typing import Any

import pytest

from tunesmith.client._trial_values import Trial
from tunesmith.services.errors import FixRequest
from tunesmith.study import TrialState, wire
from tunesmith.ui._form import form_of, with_form
from tunesmith.ui._query import TrialQuery
from tunesmith.ui._words import prose
from tunesmith.ui.pages._new import starters
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types


def trial(number: int, value: float | None, **assignment: Any) -> Trial:
    message = pb.Trial(name=f"s-{number}-abcde", number=number, state=types.TRIAL_STATE_SUCCEEDED, value=value)
    message.assignment.CopyFrom(wire.assignment_to_proto(assignment))
    return Trial.from_proto(message)


TRIALS = [trial(0, 0.5, x=3.0, k="b"), trial(1, None, x=1.0), trial(2, 0.1, x=2.0, k="a")]


def numbers(**query: Any) -> list[int]:
    return [one.number for one in TrialQuery(**query).of(TRIALS)[0]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, [0, 1, 2]),
        ({"sort": "value"}, [2, 0, 1]),
        ({"sort": "value", "descending": True}, [0, 2, 1]),
        ({"sort": "params.x"}, [1, 2, 0]),
        ({"sort": "params.k", "descending": True}, [0, 2, 1]),
        ({"sort": "metrics.none"}, [0, 1, 2]),
        ({"search": "K=A"}, [2]),
        ({"states": (TrialState.FAILED,)}, []),
        ({"offset": 1, "limit": 1}, [1]),
        ({"offset": 9}, []),
    ],
)
def test_a_page_of_trials(query: dict[str, Any], wanted: list[int]) -> None:
    assert numbers(**query) == wanted


@pytest.mark.parametrize("sort", ["beauty", "params.", ".", "__class__"])
def test_an_order_that_is_none(sort: str) -> None:
    with pytest.raises(FixRequest, match="sort must be one of"):
        numbers(sort=sort)


@pytest.mark.parametrize("name", starters())
def test_a_form_that_changes_nothing_leaves_the_document_as_it_is(name: str) -> None:
    _, text = starters()[name]
    assert with_form(text, form_of(text)) == text


def test_a_form_changes_what_it_shows_and_nothing_else() -> None:
    _, text = starters()["03-conditional"]
    form = form_of(text)
    form["parameters"][0]["max"] = "10"
    form |= {"trials": "99", "goal": "", "command": 'python train.py "two words"', "duration": "2h"}
    changed = with_form(text, form)
    assert "{name: C, type: double, min: 0.01, max: 10, distribution: logUniform}" in changed
    assert "when: {kernel: [rbf, poly]}" in changed
    assert "goal" not in changed
    assert form_of(changed)["trials"] == 99
    assert form_of(changed)["command"] == "python train.py 'two words'"


def test_a_form_leaves_alone_what_it_cannot_show() -> None:
    """It sends all that it shows with every change; what a person did not touch is not read back from its text."""
    text = (
        "apiVersion: tunesmith.dev/v1\nkind: StudyJob\nspec:\n  parameters:\n"
        "    - {name: layers, type: categorical, values: ['64,64', '128']}\n"
        "    - {name: flag, type: categorical, values: [true, 1, '1']}\n"
        "  trial:\n    command: python train.py\n"
    )
    form = {name: "" if value is None else value for name, value in form_of(text).items()}
    changed = with_form(text, form | {"trials": "9"})
    assert changed == text + "  limits:\n    trials: 9\n"


def test_a_parameter_that_is_renamed_keeps_what_the_form_does_not_show() -> None:
    _, text = starters()["03-conditional"]
    form = form_of(text)
    [place] = [i for i, one in enumerate(form["parameters"]) if one["name"] == "gamma"]
    form["parameters"][place]["name"] = "width"
    assert with_form(text, form) == text.replace("name: gamma", "name: width")


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "a: &x [*x, *x]", "a: " + "[" * 500])
def test_a_text_that_is_no_document(text: str) -> None:
    with pytest.raises(FixRequest):
        form_of(text)


def test_an_empty_text_is_a_form_to_fill() -> None:
    made = with_form("", {"name": "x", "parameters": [{"name": "k", "type": "discrete", "values": "1, 2.5"}]})
    assert "- {name: k, type: discrete, values: [1, 2.5]}" in made
    assert form_of(made)["parameters"][0]["values"] == "1, 2.5"


def test_prose_is_escaped_and_its_code_is_marked() -> None:
    assert prose("take `a<b` & `c`") == "take <code>a&lt;b</code> &amp; <code>c</code>"
    assert prose("an open ` stays") == "an open ` stays"
