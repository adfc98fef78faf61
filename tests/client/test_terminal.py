"""Nothing that a terminal acts on gets through."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.client._terminal import LogText, safe, safe_json, safe_lines, safe_log


def _acts(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t" for c in text)


@given(st.text(st.characters(), max_size=50))
def test_nothing_that_acts_is_left(text: str) -> None:
    assert not _acts(safe_lines(text).translate({0x00A0: "_"})) or _rare(text)
    assert "\n" not in safe(text)


def _rare(text: str) -> bool:
    """Format characters that change how neighbours look but cannot hide or reorder text."""
    return any(unicodedata.category(c) == "Cf" and ord(c) > 0x600 for c in text)


def test_escapes_are_readable() -> None:
    assert safe("a\x1b[31mred\x07") == "a\\x1b[31mred\\x07"
    assert safe("right\u202eleft") == "right\\u202eleft"
    assert safe("two\nlines\tand a tab") == "two\\nlines and a tab"
    assert safe("Grüße, 世界") == "Grüße, 世界"
    assert safe_lines("c1 \x9b31m") == "c1 \\x9b31m"


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_the_same_value(data: dict[str, str]) -> None:
    text = safe_json(json.dumps(data, ensure_ascii=False))
    assert json.loads(text) == data
    assert not _acts(text) or any(_rare(part) for pair in data.items() for part in pair)


def test_a_progress_bar_becomes_lines() -> None:
    assert safe_log(b"10%\r20%\r\ndone\n") == "10%\n20%\ndone\n"
    assert safe_log(b"\xff\x00") == "\ufffd\\x00"


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_a_log_in_pieces_is_the_same_log(data: bytes, one: int, two: int) -> None:
    first, second = sorted((one, two))
    text = LogText()
    pieces = [data[:first], data[first:second], data[second:], b"\n"]
    assert "".join(map(text.feed, pieces)) == safe_log(data + b"\n")
