"""Several panels in one figure."""

from math import ceil
from typing import Any, Final

Domain = list[float]


def panels(count: int, columns: int, *, gap: tuple[float, float]) -> list[tuple[Domain, Domain]]:
    """Where the panels of a grid lie, row by row from the top: shares of the width and of the height.

    Args:
        count: How many.
        columns: How many beside one another at most.
        gap: Between two panels, of the width and of the height.
    """
    columns = max(min(columns, count), 1)
    rows = ceil(count / columns)
    across, down = _cuts(columns, gap[0]), _cuts(rows, gap[1])[::-1]
    return [(across[place % columns], down[place // columns]) for place in range(count)]


SHORT_BAR: Final = {"lenmode": "pixels", "len": 260, "y": 1, "yanchor": "top"}
"""Parts of a colour bar beside many panels: not longer than one of them."""


def _cuts(count: int, gap: float) -> list[Domain]:
    size = (1 - gap * (count - 1)) / count
    starts = [place * (size + gap) for place in range(count)]
    return [[round(start, 6), round(min(start + size, 1.0), 6)] for start in starts]


def named(letter: str, place: int) -> str:
    """What a trace calls the axis of a panel: `x`, `x2`, ..."""
    return letter if place == 0 else f"{letter}{place + 1}"


def key(letter: str, place: int) -> str:
    """What the layout calls it: `xaxis`, `xaxis2`, ..."""
    return f"{letter}axis" if place == 0 else f"{letter}axis{place + 1}"


def title(text: str, x: Domain, y: Domain) -> dict[str, Any]:
    """An annotation over a panel."""
    place = {"x": (x[0] + x[1]) / 2, "y": y[1], "xref": "paper", "yref": "paper"}
    return place | {"text": text, "showarrow": False, "xanchor": "center", "yanchor": "bottom", "yshift": 6}
