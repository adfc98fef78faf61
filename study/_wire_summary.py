"""Metric summaries on the wire, where a mean stands for the total."""

from tunesmith.study._summary import MetricSummary, StudyMetricSummary
from tunesmith.v1 import types_pb2


def summary_to_proto(summary: MetricSummary) -> types_pb2.MetricSummary:
    """The summary; numbers that are not there stay absent."""
    return types_pb2.MetricSummary(
        metric=summary.metric,
        min=summary.min,
        max=summary.max,
        average=summary.average,
        latest=summary.latest,
        first=summary.first,
        count=summary.count,
        non_finite=summary.non_finite,
    )


def summary_from_proto(message: types_pb2.MetricSummary) -> MetricSummary:
    """The summary. Its total is the mean times the count, so that the mean is right up to rounding."""
    return MetricSummary(
        message.metric,
        min=message.min if message.HasField("min") else None,
        max=message.max if message.HasField("max") else None,
        total=message.average * message.count,
        latest=message.latest if message.HasField("latest") else None,
        first=message.first if message.HasField("first") else None,
        count=message.count,
        non_finite=message.non_finite,
    )


def study_summary_to_proto(summary: StudyMetricSummary) -> types_pb2.StudyMetricSummary:
    """The summary."""
    return types_pb2.StudyMetricSummary(
        metric=summary.metric, min=summary.min, max=summary.max, average=summary.average, count=summary.count
    )


def study_summary_from_proto(message: types_pb2.StudyMetricSummary) -> StudyMetricSummary:
    """The summary. Its total is the mean times the count."""
    return StudyMetricSummary(message.metric, message.min, message.max, message.average * message.count, message.count)
