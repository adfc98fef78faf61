"""Numbers and times as people read them."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from tunesmith.client import _format


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (3, "3"),
        (2.0, "2"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "1e-07"),
        (123456789.5, "1.23457e+08"),
        (math.nan, "nan"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert _format.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0s"),
        (0.42, "0.4s"),
        (9.99, "10s"),
        (59.6, "1m 00s"),
        (185, "3m 05s"),
        (3720, "1h 02m"),
        (97200, "1d 03h"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert _format.duration(seconds) == text


def test_assignment_quotes_what_has_spaces() -> None:
    values: dict[str, float | str | bool] = {
        "C": 0.5,
        "kernel": "rbf",
        "name": "a b",
        "on": True,
        "empty": "",
        "bad": "\x1b[31m",
    }
    assert _format.assignment(values) == "C=0.5 kernel=rbf name='a b' on=true empty='' bad='\\x1b[31m'"


def test_times() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert _format.iso(moment) == "2026-01-02T03:04:05.678Z"
    assert _format.iso(None) is None
    assert _format.between(moment, moment + timedelta(seconds=75)) == "1m 15s"
    assert _format.between(moment, None) == "-"


def test_time_is_the_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        moment = datetime(2026, 1, 2, 20, 4, 5, tzinfo=UTC)
        assert _format.local_time(moment) == "2026-01-03 05:04:05"
        assert _format.local_time_zone(moment) == "2026-01-03 05:04:05 JST"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_plural() -> None:
    assert [_format.plural(n, "trial") for n in (0, 1, 1200)] == ["0 trials", "1 trial", "1,200 trials"]
