"""Which trials are shown; the form and its document."""

import pytest

from tunesmith.services.errors import FixRequest
from tunesmith.study import TrialState
from tunesmith.ui._form import form_of, with_form
from tunesmith.ui._query import TrialQuery, TrialRange
from tunesmith.ui._words import prose
from tunesmith.ui.pages._new import starters


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("value:0.1..0.5", TrialRange("value", 0.1, 0.5)),
        ("params.C:..10", TrialRange("params.C", None, 10.0)),
        ("metrics.a:b:-1e-3..", TrialRange("metrics.a:b", -0.001, None)),
        ("value:..", TrialRange("value")),
        ("params.gamma:?", TrialRange("params.gamma", missing=True)),
        ("params.gamma:1..?", TrialRange("params.gamma", 1.0, missing=True)),
        ('params.kernel:["a?"]?', TrialRange("params.kernel", values=("a?",), missing=True)),
        (
            'params.kernel:["rbf", true, 1, 0.5, "a:[b"]',
            TrialRange("params.kernel", values=("rbf", True, 1, 0.5, "a:[b")),
        ),
    ],
)
def test_a_range_of_an_address(text: str, wanted: TrialRange) -> None:
    assert TrialRange.of(text) == wanted
    assert TrialRange.of(wanted.text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "value",
        ":1..2",
        "value:1",
        "value:a..b",
        "value:nan..",
        "x:[",
        "x:[{}]",
        "x:[NaN]",
        'x:["\\ud800"]',
        f"x:[{10**30}]",
    ],
)
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(FixRequest, match=r"`range` must be `FIELD:MIN..MAX` or `FIELD:\[VALUE, ...\]`"):
        TrialRange.of(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("params.C:0.1..0.25", "C: 0.1 to 0.25"),
        ("value:..3", "value: at most 3"),
        ("duration:2..", "duration: at least 2"),
        ("value:..", "value: any"),
        ("params.gamma:?", "gamma: none"),
        ('params.kernel:["rbf", true]?', "kernel: rbf, true or none"),
    ],
)
def test_a_range_in_words(text: str, words: str) -> None:
    assert TrialRange.of(text).words == words


def test_the_address_of_other_pages() -> None:
    query = TrialQuery((TrialState.FAILED,), "a b", "value", True, 50, ranges=(TrialRange("value", 0.5),))
    assert query.address(offset=100) == "sort=value&order=desc&q=a+b&offset=100&state=Failed&range=value%3A0.5.."
    assert query.without(query.ranges[0]) == "sort=value&order=desc&q=a+b&state=Failed"


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


def test_a_form_writes_labels_conditions_and_settings() -> None:
    text = (
        "apiVersion: tunesmith.dev/v1\nkind: StudyJob\nmetadata: {name: x}\nspec:\n"
        "  algorithm: {name: tpe, settings: {seed: 7, startup: 5}}\n"
        "  earlyStopping: {name: median, settings: {startStep: 4}}\n"
        "  parameters:\n    - {name: n, type: int, min: 1, max: 3}\n    - {name: x, type: double, min: 0, max: 1}\n"
    )
    form = form_of(text)
    assert (form["settings"], form["ruleSettings"]) == ({"seed": "7", "startup": "5"}, {"startStep": "4"})
    form["parameters"][1] |= {"when": "n=2, 3", "default": "0.5"}
    form |= {"labels": "team=vision site=b", "settings": {"seed": "8", "startup": ""}}
    changed = with_form(text, form)
    assert "labels: {team: vision, site: b}" in changed
    assert "algorithm: {name: tpe, settings: {seed: 8}}" in changed
    assert "{name: x, type: double, min: 0, max: 1, when: {n: [2, 3]}, default: 0.5}" in changed
    shown = form_of(changed)
    assert (shown["labels"], shown["parameters"][1]["when"]) == ("team=vision site=b", "n=2,3")
    other = with_form(changed, shown | {"algorithm": "random", "settings": {}, "rule": "", "ruleSettings": {}})
    assert "algorithm: {name: random}" in other
    assert "earlyStopping" not in other


def test_a_condition_that_the_form_cannot_write_stays() -> None:
    text = "spec:\n  parameters:\n    - {name: x, type: double, min: 0, max: 1, when: {k: ['a,b']}}\n"
    form = form_of(text)
    assert form["parameters"][0]["when"] is None
    assert with_form(text, form) == text
