"""Tables fit an 80 column terminal, and say everything in a pipe."""

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from tunesmith.client import _output
from tunesmith.client._output import Column

COLUMNS = [Column("NAME"), Column("VALUE", right=True), Column("TEXT", folds=True)]
LONG = "C=0.123456 kernel=rbf gamma=0.0001 degree=3 batch=64 optimizer=adam schedule=cosine"


def test_a_table_in_a_pipe_is_one_line_a_row() -> None:
    assert _output.table_lines(COLUMNS, [["digits-1-abcde", "0.5", LONG], ["x", "12", ""]], None) == [
        "NAME            VALUE  TEXT",
        f"digits-1-abcde    0.5  {LONG}",
        "x                  12",
    ]


def test_a_table_on_a_terminal_folds_but_cuts_nothing() -> None:
    lines = _output.table_lines(COLUMNS, [["digits-1-abcde", "0.5", LONG]], 60)
    assert all(len(line) <= 60 for line in lines)
    assert "digits-1-abcde" in lines[1]
    assert "".join(line[23:] for line in lines[1:]).replace(" ", "") == LONG.replace(" ", "")


def test_wide_characters_are_two_columns() -> None:
    assert _output.table_lines(COLUMNS[:2], [["世界", "1"], ["abcd", "22"]], None) == [
        "NAME  VALUE",
        "世界      1",
        "abcd     22",
    ]


@pytest.mark.parametrize("text", ["plain", "Grüße", "\x1b[31m", "a\u202eb", "no", "1.0", "two\nlines"])
def test_json_and_yaml_say_the_same_and_are_safe(text: str) -> None:
    data: dict[str, Any] = {"z": text, "a": [1, 2.5, None, True, {}], "empty": []}
    as_json, as_yaml = _output.as_json(data), _output.as_yaml(data)
    assert json.loads(as_json) == YAML(typ="safe").load(as_yaml) == data
    assert list(YAML(typ="safe").load(as_yaml)) == ["z", "a", "empty"]
    assert "\x1b" not in as_json + as_yaml
    assert "\u202e" not in as_json + as_yaml


def test_a_json_number_is_never_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        _output.as_json({"value": float("nan")})
