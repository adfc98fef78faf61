"""Kind `file`: a text file that a trial appends to; a document's patterns, or `name=value` without any."""

from tunesmith.manager.collectors._parser import LineParser
from tunesmith.manager.collectors._patterns import PatternParser
from tunesmith.manager.collectors._registry import register
from tunesmith.manager.collectors._tokens import TokenParser
from tunesmith.study import CollectorSpec


@register("file")
def make(spec: CollectorSpec, wanted: frozenset[str] | None) -> LineParser:
    """The parser of a trial's file."""
    return PatternParser(spec.patterns, wanted) if spec.patterns else TokenParser(wanted)
