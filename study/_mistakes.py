"""One mistake of a document or a call: where, what must hold, what was found. All of them at once are an error."""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_MISTAKES = 1000


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

    def __str__(self) -> str:
        """`path: message (line L, column C)`, without what is not known."""
        place = f" (line {self.line}, column {self.column})" if self.line else ""
        return f"{self.path}: {self.message}{place}" if self.path else f"{self.message}{place}"


class DocumentError(ValueError):
    """A document, or a message that stands for one, with mistakes: its author corrects them, nothing was created."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """All mistakes that were found, in the order of the document; of more than a thousand, the first."""
        kept = sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column))[:MAX_MISTAKES]
        if len(kept) < len(mistakes):
            kept.append(Mistake("", f"there are {len(mistakes) - len(kept):,} mistakes more"))
        self.mistakes = tuple(kept)
        super().__init__("\n".join(map(str, self.mistakes)))
