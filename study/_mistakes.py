"""One mistake of a document or a call: where, what must hold, what was found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A mistake that its author can correct."""

    path: str
    """Where it is, as `spec.parameters[2].min`; empty: the whole."""
    message: str
    """The rule, then the values."""
    line: int = 0
    """Line of the document, from 1; 0: unknown."""
    column: int = 0
    """Column of the document, from 1; 0: unknown."""
