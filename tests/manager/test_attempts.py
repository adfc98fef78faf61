"""What a followed file says, however it is written: each row once, and none taken for another."""

from pathlib import Path

import pytest

from tunesmith.manager._attempts import Source, sources_of
from tunesmith.study import CollectorSpec

SPEC = CollectorSpec(kind="file", path="log")
Row = tuple[str, float, int]


class Followed:
    """A collector's file in an attempt's folder, and the rows that a store would hold of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "log"
        self.offsets: dict[str, int] = {}
        self.stored: dict[tuple[str, int, str], float] = {}
        self.source = self.begin()

    def begin(self) -> Source:
        return sources_of(SPEC, "log", None, self.folder, self.offsets)[0]

    def restart(self) -> None:
        self.source = self.begin()

    def look(self) -> list[float]:
        """As the loop does: read when something is unread, store what is not there yet; the values that are new."""
        new = []
        while self.source.unread and (piece := self.source.read(1.0, last=False)) is not None:
            self.offsets[piece.source] = piece.offset
            for row in piece.rows:
                key = row.source, row.sequence, row.metric
                if key not in self.stored:
                    self.stored[key] = row.value
                    new.append(row.value)
        return new

    def write(self, *values: float) -> list[float]:
        self.path.write_text("".join(f"loss={value}\n" for value in values))
        return self.look()


@pytest.fixture
def file(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


def test_what_is_appended_is_new(file: Followed) -> None:
    assert file.look() == []
    assert file.write(1, 2) == [1, 2]
    assert file.write(1, 2, 3) == [3]
    assert file.look() == []
    assert set(file.offsets) == {"file:log"}


def test_a_file_that_was_written_anew_has_new_rows(file: Followed) -> None:
    file.write(1, 2, 3)
    assert file.write(4) == [4]
    assert file.write(4, 5, 6, 7) == [5, 6, 7]
    assert file.write(8, 9) == [8, 9]
    assert file.offsets == {"file:log": 21, "file:log#1": 28, "file:log#2": 14}


def test_one_that_was_seen_when_it_was_empty_too(file: Followed) -> None:
    file.write(1, 2, 3)
    assert file.write() == []
    assert file.write(4, 5, 6, 7) == [4, 5, 6, 7]


def test_a_file_that_is_always_written_as_a_whole_repeats_nothing(file: Followed) -> None:
    """As a table that is saved after each epoch: what is seen of it half written is what was there before."""
    file.write(1, 2, 3)
    assert file.write() == []
    assert file.write(1, 2) == []
    assert file.write(1, 2, 3, 4) == [4]
    assert set(file.offsets) == {"file:log"}


def test_a_long_file_that_was_written_anew_has_new_rows(file: Followed) -> None:
    many = [float(number) for number in range(10_000, 12_000)]
    file.write(*many)
    assert file.write(*many[1:-1]) == many[1:-1]


@pytest.mark.parametrize("seen", [True, False])
def test_a_manager_that_starts_again_goes_on_in_the_last_of_them(file: Followed, seen: bool) -> None:
    file.write(1, 2, 3)
    if seen:
        file.write(4)
        file.restart()
        assert file.look() == []
        assert file.write(4, 5) == [5]
    else:  # it was written anew meanwhile
        file.path.write_text("loss=4\n")
        file.restart()
        assert file.look() == [4]
        assert file.write(4, 5) == [5]
    file.restart()
    assert file.write(6) == [6]
    assert set(file.offsets) == {"file:log", "file:log#1", "file:log#2"}


def test_what_was_read_and_not_stored_is_read_again(file: Followed) -> None:
    file.write(1, 2, 3)
    file.path.write_text("loss=4\n")
    before = file.source.offset
    assert file.source.read(1.0, last=False) is not None
    file.source.offset = before  # the store was away
    assert file.look() == [4]
