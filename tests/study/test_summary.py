"""Summaries: the same numbers that a scan would give."""

from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.study import MetricSummary, Strategy, StudyMetricSummary


@given(st.lists(st.floats()))
def test_a_summary_says_what_a_scan_would(values: list[float]) -> None:
    summary = MetricSummary("loss")
    for value in values:
        summary = summary.add(value)
    finite = [value for value in values if isfinite(value)]

    assert summary.count == len(finite)
    assert summary.non_finite == len(values) - len(finite)
    assert summary.min == min(finite, default=None)
    assert summary.max == max(finite, default=None)
    assert summary.first == (finite[0] if finite else None)
    assert summary.latest == (finite[-1] if finite else None)
    assert isfinite(summary.total)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_the_average_is_the_mean_and_within_the_bounds(values: list[float]) -> None:
    summary, study = MetricSummary("loss"), StudyMetricSummary.of("loss", values[0])
    for value in values:
        summary = summary.add(value)
    for value in values[1:]:
        study = study.add(value)

    assert summary.average == pytest.approx(sum(values) / len(values), abs=1e-3)
    assert study == StudyMetricSummary("loss", min(values), max(values), study.total, len(values))
    assert study.average == pytest.approx(summary.average)
    assert study.min <= study.average <= study.max


def test_rounding_never_leaves_the_bounds() -> None:
    summary = MetricSummary("loss").add(0.1).add(0.1).add(0.1)

    assert summary.total / 3 > 0.1
    assert summary.average == 0.1


def test_huge_values_keep_the_total_finite() -> None:
    assert MetricSummary("loss").add(1.7e308).add(1.7e308).average is not None
    assert isfinite(StudyMetricSummary.of("loss", -1.7e308).add(-1.7e308).average)


@pytest.mark.parametrize(
    ("strategy", "value"),
    [(Strategy.MIN, 1.0), (Strategy.MAX, 5.0), (Strategy.AVERAGE, 3.0), (Strategy.LATEST, 3.0)],
)
def test_the_strategy_chooses_the_number(strategy: Strategy, value: float) -> None:
    assert MetricSummary("loss").add(5).add(1).add(nan).add(3).value(strategy) == value
    assert MetricSummary("loss").add(nan).add(inf).value(strategy) is None


def test_a_study_summary_leaves_out_what_is_not_finite() -> None:
    assert StudyMetricSummary.of("loss", 1).add(nan).add(-inf) == StudyMetricSummary.of("loss", 1)
