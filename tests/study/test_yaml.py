"""YAML from people we do not know: what is read, what is refused, and where."""

import json
import subprocess
import sys
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.documents import HERE

from tunesmith.study import DocumentError, Mistake
from tunesmith.study._compose import MAX_DEPTH, MAX_NODES
from tunesmith.study._node import ListNode, MapNode, Node, ScalarNode
from tunesmith.study._yaml import MAX_BYTES, read_yaml


def plain(node: Node) -> Any:
    """The values of a tree."""
    match node:
        case ScalarNode(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key: plain(entry) for key, entry in entries.items()}
        case _:
            return "broken"


def read(text: str | bytes) -> Any:
    """The values of a text without mistakes."""
    log: list[Mistake] = []
    values = plain(read_yaml(text, log))
    assert log == []
    return values


def refused(text: str | bytes) -> list[str]:
    """The mistakes of a text."""
    log: list[Mistake] = []
    with suppress(DocumentError):
        read_yaml(text, log)
    return [str(mistake) for mistake in log]


class TestScalars:
    """The core schema of YAML 1.2."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1e-5", 1e-5),
            ("1E5", 1e5),
            ("-1.5e+3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-0.0", -0.0),
            ("7", 7),
            ("+7", 7),
            ("-7", -7),
            ("007", 7),
            ("0o17", 15),
            ("0x1F", 31),
            (".inf", float("inf")),
            ("-.Inf", float("-inf")),
            ("true", True),
            ("False", False),
            ("null", None),
            ("~", None),
            ("", None),
            ("yes", "yes"),
            ("no", "no"),
            ("on", "on"),
            ("1_000", "1_000"),
            ("1:30", "1:30"),
            ("2026-01-01", "2026-01-01"),
            ("0b1", "0b1"),
            ("1e", "1e"),
            (".", "."),
            ("+", "+"),
            ("-.5.", "-.5."),
            ("'7'", "7"),
            ('"true"', "true"),
            ("!!str 7", "7"),
            ("!!int '7'", 7),
            ("!!float 7", 7.0),
            ("!!float '1e3'", 1000.0),
            ("!!bool 'true'", True),
            ("!!null ''", None),
            ("|\n  a\n  b\n", "a\nb\n"),
            (">-\n  a\n  b\n", "a b"),
        ],
    )
    def test_values(self, text: str, value: object) -> None:
        found = read(f"a: {text}")["a"]
        assert found == value
        assert type(found) is type(value)

    def test_nan(self) -> None:
        assert read("a: .nan")["a"] != read("a: .NaN")["a"]

    def test_collections_may_have_their_tags(self) -> None:
        assert read("a: !!map {b: !!seq [1]}") == {"a": {"b": [1]}}


class TestPlaces:
    """Lines and columns, from 1."""

    def test_marks(self) -> None:
        node = read_yaml("a: 1\nb:\n  - x\n  - {c: 'y'}\n", [])
        assert isinstance(node, MapNode)
        items = node.entries["b"]
        assert isinstance(items, ListNode)
        inner = items.items[1]
        assert isinstance(inner, MapNode)
        value = inner.entries["c"]
        assert isinstance(value, ScalarNode)
        assert (node.keys["b"].line, node.keys["b"].column) == (2, 1)
        assert (value.mark.line, value.mark.column, value.source) == (4, 9, "'y'")

    def test_a_byte_order_mark_takes_no_column(self) -> None:
        assert refused("\ufeffa: !x 1".encode()) == ["a: must be a plain value, but got the tag !x (line 1, column 4)"]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            "a: !!python/object:x {b: 1}",
            ["a: must be a plain value, but got the tag !!python/object:x (line 1, column 4)"],
        ),
        ("a: !!python/name:x [ls]", ["a: must be a plain value, but got the tag !!python/name:x (line 1, column 4)"]),
        ("a: !foo 1", ["a: must be a plain value, but got the tag !foo (line 1, column 4)"]),
        ("a: !!binary aGk=", ["a: must be a plain value, but got the tag !!binary (line 1, column 4)"]),
        ("a: !!set {b}", ["a: must be a plain value, but got the tag !!set (line 1, column 4)"]),
        ("a: !!map [1]", ["a: must be a plain value, but got the tag !!map (line 1, column 4)"]),
        ("a: !!int x", ["a: must be what its tag !!int says, but got 'x' (line 1, column 4)"]),
        ("a: !!float 0x1F", ["a: must be what its tag !!float says, but got '0x1F' (line 1, column 4)"]),
        (
            "a: [!x 1, !y {b: !z 2}]",
            [
                "a[0]: must be a plain value, but got the tag !x (line 1, column 5)",
                "a[1].b: must be a plain value, but got the tag !z (line 1, column 18)",
                "a[1]: must be a plain value, but got the tag !y (line 1, column 11)",
            ],
        ),
        (
            "a: 1\nb: 2\na: 3",
            ["a: must stand once in its mapping, but stands at line 1, column 1 too (line 3, column 1)"],
        ),
        (
            '{"a": 1, "a": 2}',
            ["a: must stand once in its mapping, but stands at line 1, column 2 too (line 1, column 10)"],
        ),
        ("1: 2", ["a key must be a string, but got 1; put it in quotes (line 1, column 1)"]),
        ("a: {true: 2}", ["a: a key must be a string, but got true; put it in quotes (line 1, column 5)"]),
        ("a: {: 2}", ["a: a key must be a string, but got nothing; put it in quotes (line 1, column 6)"]),
        ("? [a]\n: 2", ["a key must be a string, but got a list or a mapping (line 1, column 3)"]),
        ("a: &b {c: 1}\nd:\n  <<: *b", ['d["<<"]: must not be used: YAML 1.2 has no merge keys (line 3, column 3)']),
        ("a: *b", ["an alias must name an anchor before it, but *b names nothing before it (line 1, column 4)"]),
        (
            "a: &b [*b]",
            ["an alias must name an anchor before it, but *b stands inside what it names (line 1, column 8)"],
        ),
        ("a: " + "9" * 1001, ["a: a number must have at most 1000 characters, but got 1001 (line 1, column 4)"]),
        ("a: 1\n---\nb: 1", ["must be one document, but a second one begins here (line 2, column 1)"]),
        ("", ["must be a StudyJob, but the document is empty"]),
        (
            "a: {b",
            [
                "must be YAML, but the parser says: while parsing a flow mapping: "
                "expected ',' or '}', but got '<stream end>' (line 1, column 6)"
            ],
        ),
        ("a: b: c", ["must be YAML, but the parser says: mapping values are not allowed here (line 1, column 5)"]),
        (
            "\tb: 1",
            [
                "must be YAML, but the parser says: while scanning for the next token: "
                "found character '\\t' that cannot start any token (line 1, column 1)"
            ],
        ),
        ("a: x\0y", ["must be text, but got the character U+0000 (line 1, column 5)"]),
        ("a: 1\nb: \x07", ["must be text, but got the character U+0007 (line 2, column 4)"]),
        ("a: \ud800", ["must be text, but got the character U+D800 (line 1, column 4)"]),
        (b"a: 1\nb: \xff", ["must be UTF-8 text, but got the byte 0xff (line 2, column 4)"]),
        ("a: 1".encode("utf-16"), ["must be UTF-8 text, but got the byte 0xff (line 1, column 1)"]),
        (b"\x7fELF\x02\x01\x01\0\0\0", ["must be text, but got the character U+007F (line 1, column 1)"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["must be UTF-8 text, but got the byte 0x89 (line 1, column 1)"]),
    ],
)
def test_refused(text: str | bytes, mistakes: list[str]) -> None:
    assert refused(text) == mistakes


def test_a_mistake_that_ends_the_reading_comes_after_the_others() -> None:
    assert [line.split(":")[0] for line in refused("a: !x 1\nb: {")] == ["a", "must be YAML, but the parser says"]


class TestLimits:
    """A text that nobody wrote by hand is refused before it costs anything."""

    def test_aliases_are_counted_as_what_they_name(self) -> None:
        assert read("a: &x [1, 2]\nb: [*x, *x]\nc: &y z\nd: *y") == {"a": [1, 2], "b": [[1, 2]] * 2, "c": "z", "d": "z"}

    def test_a_bomb(self) -> None:
        names = "abcdefghi"
        lines = [f"{names[0]}: &{names[0]} [{', '.join(['lol'] * 9)}]"]
        lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
        (mistake,) = refused("\n".join(lines))
        assert mistake.startswith(
            f"a document must have at most {MAX_NODES:,} values, each alias counted as what it names ("
        )

    def test_too_many_values(self) -> None:
        (mistake,) = refused("a: [" + "1," * (MAX_NODES + 1) + "]")
        assert mistake.startswith(f"a document must have at most {MAX_NODES:,} values")

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "{[", "[{a: ["])
    def test_too_deep(self, opening: str) -> None:
        (mistake,) = refused(opening * 100_000)
        assert mistake.startswith(f"lists and mappings must be nested at most {MAX_DEPTH} deep (line 1, column ")

    def test_as_deep_as_allowed(self) -> None:
        assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
        assert refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))

    def test_aliases_do_not_hide_depth(self) -> None:
        lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 60))]
        assert refused("\n".join(lines)) == [
            f"lists and mappings must be nested at most {MAX_DEPTH} deep (line {MAX_DEPTH}, column 12)"
        ]

    @pytest.mark.parametrize("text", ["a" * 10_000_000, b"\xff" * 10_000_000, "ä" * (MAX_BYTES // 2 + 1)])
    def test_too_large(self, text: str | bytes) -> None:
        (mistake,) = refused(text)
        assert mistake.startswith("a document must have at most 1 MiB (1,048,576 bytes), but got ")


class TestJson:
    """JSON is YAML."""

    def test_as_json_is_written(self) -> None:
        value = {"a": [1, -2.5e-3, True, None, 'x\n\t"\\/\u2028'], "b": {"c": {}, "d": []}, "ключ": "😀"}
        for options in ({}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"ensure_ascii": False}):
            assert read(json.dumps(value, **options)) == value

    def test_surrogate_pairs_become_one_character(self) -> None:
        assert read(r'{"a": "\ud83d\ude00"}') == {"a": "😀"}
        assert refused(r'{"a": "\/"}') == []

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
            max_leaves=20,
        ).map(lambda value: {"a": value})
    )
    @settings(deadline=None)
    def test_everything(self, value: object) -> None:
        assert read(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("program", "loaded"),
    [
        ("import tunesmith.study", []),
        ("from tunesmith.study import read_study_job", []),
        ("from tunesmith.study import *\nread_study_job(open(sys.argv[1]).read(), base=None)", ["ruamel"]),
    ],
)
def test_what_costs_time_is_loaded_when_it_is_needed(program: str, loaded: list[str]) -> None:
    heavy = ["cel", "google.protobuf", "numpy", "ruamel"]
    code = f"import sys\n{program}\nprint(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, HERE / "right.yaml"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == loaded
