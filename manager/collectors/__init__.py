"""How metrics get out of what a trial writes: one interface, one file per kind, and one way to follow a file."""

from tunesmith.manager.collectors._beginning import Beginning
from tunesmith.manager.collectors._parser import Found, LineParser
from tunesmith.manager.collectors._registry import make_collector, register
from tunesmith.manager.collectors.follow import Chunk, read_new

__all__ = ["Beginning", "Chunk", "Found", "LineParser", "make_collector", "read_new", "register"]
