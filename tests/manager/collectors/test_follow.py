"""Following files: every line once, under the same offset, however the file grew."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.manager.collectors import read_new
from tunesmith.manager.collectors.follow import LONGEST


def read_all(
    path: Path, offset: int = 0, *, last: bool = True, needles: list[bytes] | None = None
) -> list[tuple[int, bytes]]:
    lines = []
    while (chunk := read_new(path, offset, last=last, needles=needles)).offset != offset:
        assert not chunk.shrank
        lines += chunk.lines
        offset = chunk.offset
    return lines


def test_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    chunk = read_new(tmp_path / "none", 0, last=True)
    assert (chunk.lines, chunk.offset) == ([], 0)


def test_a_line_counts_once_it_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n\ntwo\r\nthr")
    chunk = read_new(path, 0, last=False)
    assert (chunk.lines, chunk.offset) == ([(4, b"one"), (9, b"two")], 10)
    assert read_new(path, 10, last=False).offset == 10
    last = read_new(path, 10, last=True)
    assert (last.lines, last.offset) == ([(13, b"thr")], 13)


def test_progress_bars_print_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\r10% loss=3\r20% loss=2")
    assert read_new(path, 0, last=False).lines == [(12, b"10% loss=3")]


def test_long_lines_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * (LONGEST + 10) + b"\n" + b"b" * LONGEST + b"\nc\n")
    ends = [(end, len(line)) for end, line in read_all(path)]
    first = LONGEST + 11
    assert ends == [(LONGEST, LONGEST), (first, 10), (first + LONGEST, LONGEST), (first + LONGEST + 3, 1)]


def test_a_line_without_an_end_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * (LONGEST + 10))
    chunk = read_new(path, 0, last=False)
    assert (len(chunk.lines), chunk.offset) == (1, LONGEST)


def test_more_than_one_chunk(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(300_000)))
    lines = read_all(path, last=False)
    assert [line for _, line in lines] == [b"line %d" % number for number in range(300_000)]
    assert lines[-1][0] == path.stat().st_size


def test_a_file_that_shrank_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"new\n")
    chunk = read_new(path, 100, last=False)
    assert (chunk.lines, chunk.offset) == ([(4, b"new")], 4)
    assert (chunk.start, chunk.shrank, chunk.head) == (0, True, b"new\n")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        read_new(tmp_path, 0, last=False)


LINE = st.binary(max_size=12) | st.sampled_from([b"loss=1", b"acc=2", b"x" * LONGEST, b"y" * (2 * LONGEST + 3)])
TEXT = st.lists(st.tuples(LINE, st.sampled_from([b"\n", b"\r\n", b"\r", b"", b"\n\n"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@settings(max_examples=60, deadline=None)
@given(text=TEXT, data=st.data())
def test_lines_and_offsets_do_not_depend_on_when_it_grew(text: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(text)
        whole = read_all(path)
        path.write_bytes(b"")
        pieces, offset = [], 0
        for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            with path.open("ab") as file:
                file.write(text[begin:end])
            while (chunk := read_new(path, offset, last=end == len(text))).offset != offset:
                pieces += chunk.lines
                offset = chunk.offset
        assert pieces == whole
        assert b"".join(line for _, line in whole) == text.replace(b"\n", b"").replace(b"\r", b"")
        assert [end for end, _ in whole] == sorted({end for end, _ in whole})


@settings(max_examples=60, deadline=None)
@given(text=TEXT, needles=st.lists(st.sampled_from([b"loss", b"acc", b"=", b"xx"]), max_size=3))
def test_needles_leave_out_lines_that_hold_none(text: bytes, needles: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(text)
        every, some = read_all(path), read_all(path, needles=needles)
        assert set(some) <= set(every)
        assert [found for found in some if any(needle in found[1] for needle in needles)] == [
            found for found in every if any(needle in found[1] for needle in needles)
        ]
