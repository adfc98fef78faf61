"""Kind `stdout`: what a trial prints, its errors included; `name=value`, or a document's patterns."""

from tunesmith.manager.collectors._parser import LineParser
from tunesmith.manager.collectors._patterns import PatternParser
from tunesmith.manager.collectors._registry import register
from tunesmith.manager.collectors._tokens import TokenParser
from tunesmith.study import CollectorSpec


@register("stdout")
def make(spec: CollectorSpec, wanted: frozenset[str] | None) -> LineParser:
    """The parser of a trial's output."""
    return PatternParser(spec.patterns, wanted) if spec.patterns else TokenParser(wanted)
