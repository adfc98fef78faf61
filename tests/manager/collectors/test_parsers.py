"""Lines in, metrics out, for every kind of collector."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.manager.collectors import Found, LineParser, make_collector
from tunesmith.study import CollectorSpec

INF = math.inf


def stdout(wanted: set[str] | None = None) -> LineParser:
    return make_collector(CollectorSpec("stdout"), None if wanted is None else frozenset(wanted))


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("loss=0.25", {"loss": 0.25}),
        ("loss = 0.25", {"loss": 0.25}),
        ("loss\t=  -2.5e-1 end", {"loss": -0.25}),
        ("a=+1 b=.5 c=5. d=1E3", {"a": 1, "b": 0.5, "c": 5, "d": 1000}),
        ("loss=0.3, acc=0.9;", {"loss": 0.3, "acc": 0.9}),
        ("(a=0.3) [b=0.9] {c=1} 'd=2' \"e=3\"", {"a": 0.3, "b": 0.9, "c": 1, "d": 2, "e": 3}),
        ("a=1,b=2|c=3;d=4", {"a": 1, "b": 2, "c": 3, "d": 4}),
        ("the loss=0.3. And", {"loss": 0.3}),
        ("val/loss=1 val.loss=2 val-loss=3 _x1=4", {"val/loss": 1, "val.loss": 2, "val-loss": 3, "_x1": 4}),
        ("a=inf b=-INF c=Infinity d=-infinity", {"a": INF, "b": -INF, "c": INF, "d": -INF}),
        ("loss=1e999", {"loss": INF}),
        ("step=10", {}),
        ("loss=0.5 loss=0.4", {"loss": 0.4}),
        ("\x1b[1;32mloss\x1b[0m=\x1b[31m0.25\x1b[0m", {"loss": 0.25}),
        ("epoch 3: loss=0.25", {"loss": 0.25}),
        ("2026-11-24T08:00:00Z accuracy=0.5", {"accuracy": 0.5}),
        ("acc=0.93%", {}),
        ("time=3s size=1,000 version=1.2.3 rate=1e-3/step x=1_000 y=0x10", {}),
        ("loss==0.3 loss=", {}),
        ("loss=nano loss=info", {}),
        ("python train.py --lr=0.1 -C=2", {}),
        ("http://x/?page=2&loss=3", {}),
        ("9lives=1", {}),
        ("é loss=0.5", {"loss": 0.5}),
        ("", {}),
    ],
)
def test_tokens(line: str, values: dict[str, float]) -> None:
    assert stdout().parse(line.encode()) == [(name, value, None) for name, value in values.items()]


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("step=10 loss=0.3", 10),
        ("loss=0.3 step = 10,", 10),
        ("step=1 step=2 loss=0.3", 2),
        ("step=1e2 loss=0.3", 100),
        ("step=0.5 loss=0.3", None),
        ("step=99999999999999999999 loss=0.3", None),
        ("--step=3 loss=0.3", None),
    ],
)
def test_a_step_on_the_line_is_its_metrics_step(line: str, step: int | None) -> None:
    assert stdout().parse(line.encode()) == [("loss", 0.3, step)]


def test_not_a_number_is_found() -> None:
    for text in ("nan", "NaN", "-nan", "+NAN"):
        ((name, value, _),) = stdout().parse(f"loss={text}".encode())
        assert name == "loss"
        assert math.isnan(value)


def test_only_wanted_names() -> None:
    parser = stdout({"loss", "top@5", "größe"})
    assert parser.parse("loss=1 train-loss=2 acc=3 top@5=4 größe=5 step=6".encode()) == [
        ("loss", 1, 6),
        ("top@5", 4, 6),
        ("größe", 5, 6),
    ]
    assert parser.parse(b"acc=3") == []


def test_a_step_that_is_wanted_is_a_metric() -> None:
    assert stdout({"loss", "step"}).parse(b"step=3 loss=1") == [("step", 3, None), ("loss", 1, None)]


def test_nothing_is_wanted() -> None:
    assert stdout(set()).parse(b"loss=1 step=3") == []


@pytest.mark.parametrize(
    ("patterns", "line", "found"),
    [
        ((r"(?P<name>\w+): (?P<value>\S+)",), "loss: 0.25 acc: 0.9", [("loss", 0.25, None), ("acc", 0.9, None)]),
        ((r"\[(?P<step>\d+)\] (?P<name>\w+) (?P<value>\S+)",), "[7] loss 0.25", [("loss", 0.25, 7)]),
        ((r"([\w|-]+)\s*=\s*(\S+)",), "loss = 0.25", [("loss", 0.25, None)]),  # as Katib has them
        ((r"a(?P<name>\w)(?P<value>\d)", r"(?P<name>\w)-(?P<value>\d)"), "ab1 c-2", [("b", 1, None), ("c", 2, None)]),
        ((r"(?P<name>\w+): (?P<value>\S+)(?: (?P<step>\d+))?",), "loss: high acc: 1", [("acc", 1, None)]),
        ((r"(?P<name>\w*): (?P<value>\S+)",), ": 0.25", []),
    ],
)
def test_patterns(patterns: tuple[str, ...], line: str, found: list[Found]) -> None:
    for kind in ("file", "stdout"):
        assert make_collector(CollectorSpec(kind, "log.txt", patterns), None).parse(line.encode()) == found


def test_patterns_find_only_what_is_wanted() -> None:
    spec = CollectorSpec("file", patterns=(r"(?P<name>\w+): (?P<value>\S+)",))
    assert make_collector(spec, frozenset({"acc"})).parse(b"loss: 0.25 acc: 0.9") == [("acc", 0.9, None)]


def test_a_pattern_sees_the_first_4_KiB_only() -> None:
    spec = CollectorSpec("file", patterns=(r"(?P<name>\w+): (?P<value>\S+)",))
    assert make_collector(spec, None).parse(b"a: 1" + b" " * 5000 + b"b: 2") == [("a", 1, None)]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(", "must be a regular expression"), (r"(?P<name>\w+)", "groups `name` and `value`"), ("x", "groups `name`")],
)
def test_a_pattern_that_is_none(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_collector(CollectorSpec("file", patterns=(pattern,)), None)


def test_a_file_without_patterns_has_tokens() -> None:
    assert make_collector(CollectorSpec("file", "log.txt"), None).parse(b"loss=1") == [("loss", 1, None)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"loss": 0.25, "acc": 1, "step": 3}', [("loss", 0.25, 3), ("acc", 1, 3)]),
        ('{"name": "loss", "value": 0.25, "step": 3}', [("loss", 0.25, 3)]),
        ('{"loss": 0.25, "global_step": 3}', [("loss", 0.25, 3)]),
        ('{"loss": 0.25, "step": null, "time": 12.5, "timestamp": 3}', [("loss", 0.25, None)]),
        ('{"loss": "0.25", "ok": true, "note": "fine", "nothing": null, "list": [1], "nested": {"x": 1}}', []),
        ('{"loss": Infinity}', [("loss", INF, None)]),
        ('{"loss": 1' + "0" * 400 + "}", [("loss", INF, None)]),
        ('{"loss": -1' + "0" * 400 + "}", [("loss", -INF, None)]),
        ('{"loss": 1' + "0" * 5000 + "}", []),
        ('{"\\ud800": 1, "": 2, "a\\u0000b": 3, "\\u00e9": 4}', [("é", 4, None)]),
        ('[{"loss": 1}]', []),
        ('{"loss": 0.2', []),
        ("[" * 60_000, []),
        ("", []),
    ],
)
def test_json_lines(line: str, found: list[Found]) -> None:
    assert make_collector(CollectorSpec("jsonl", "m.jsonl"), None).parse(line.encode()) == found


def test_numbers_in_strings_are_read_for_wanted_metrics() -> None:
    parser = make_collector(CollectorSpec("jsonl", "m.jsonl"), frozenset({"loss", "step"}))
    assert parser.parse(b'{"loss": "0.25", "acc": 1, "step": "3"}') == [("loss", 0.25, None), ("step", 3, None)]
    assert parser.parse(b'{"loss": "1_0"}') == []


def test_reports() -> None:
    line = b'{"time": 1.5, "step": 10, "metrics": {"loss": 0.3, "gap": "-Infinity", "x": null, "y": "?"}}'
    assert make_collector(CollectorSpec("reports"), None).parse(line) == [("loss", 0.3, 10), ("gap", -INF, 10)]
    assert make_collector(CollectorSpec("reports"), frozenset({"gap"})).parse(line) == [("gap", -INF, 10)]
    assert make_collector(CollectorSpec("reports"), None).parse(b'{"step": 1, "metrics": [1]}') == []


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`collector\.kind` must be one that is installed, but got 'push'"):
        make_collector(CollectorSpec("push"), None)


WORDS = [*b'loss step acc = \x1b[0m 0.5 - 1e3 nan { } " : , \\u0041'.split(), b" "]
PIECES = st.sampled_from(WORDS)
LINES = st.binary(max_size=200) | st.lists(PIECES | st.binary(max_size=3), max_size=30).map(b"".join)
WANTED = st.none() | st.frozensets(st.sampled_from(["loss", "step", "acc", "A"]))
KINDS = st.sampled_from(
    [
        CollectorSpec("stdout"),
        CollectorSpec("file", "f", (r"(?P<name>\w+)[=:\s]+(?P<value>\S+)",)),
        CollectorSpec("jsonl", "f"),
        CollectorSpec("reports"),
    ]
)


@given(spec=KINDS, wanted=WANTED, line=LINES)
def test_any_bytes_are_read_and_only_what_is_wanted_is_found(
    spec: CollectorSpec, wanted: frozenset[str] | None, line: bytes
) -> None:
    found = make_collector(spec, wanted).parse(line)
    names = [name for name, _, _ in found]
    assert len(set(names)) == len(names)
    assert wanted is None or wanted.issuperset(names)
    for name, value, step in found:
        assert name.encode()
        assert isinstance(value, float)
        assert step is None or -(2**63) < step < 2**63


@given(spec=KINDS, wanted=WANTED, line=LINES)
def test_a_line_without_a_needle_holds_no_metric(
    spec: CollectorSpec, wanted: frozenset[str] | None, line: bytes
) -> None:
    parser = make_collector(spec, wanted)
    if parser.needles is not None and not any(needle in line for needle in parser.needles):
        assert parser.parse(line) == []
