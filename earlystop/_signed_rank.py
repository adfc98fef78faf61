"""Wilcoxon's signed-rank test of pairs, one-sided.

F. Wilcoxon, Individual Comparisons by Ranking Methods, Biometrics Bulletin 1 (1945). Differences of zero are split:
half their ranks count for each side. `scipy.stats.wilcoxon(d, zero_method="zsplit", alternative="greater")` gives the
same; where there are ties, it takes the normal approximation from 14 pairs on, and this is exact up to 50.
"""

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXACT_UP_TO: Final = 50


def p_greater(differences: "Floats") -> float:
    """Probability of differences (n,) that lie so much above 0, or more, if their signs were chance."""
    import numpy as np

    ranks, ties = _ranks(np.abs(differences))
    zero = differences == 0
    above = float(ranks[differences > 0].sum())
    if zero.all():
        return 1.0
    if len(differences) <= EXACT_UP_TO:
        return _exact(np.rint(2 * ranks[~zero]).astype(int), round(2 * above))
    n = len(differences)
    variance = (n * (n + 1) * (2 * n + 1) - float((ties**3 - ties).sum()) / 2) / 24
    z = (above + float(ranks[zero].sum()) / 2 - n * (n + 1) / 4) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2)) / 2


def _ranks(sizes: "Floats") -> "tuple[Floats, Floats]":
    """Ranks from 1 on, ties having their average; and how many are tied at each size."""
    import numpy as np

    _, place, many = np.unique(sizes, return_inverse=True, return_counts=True)
    ends = np.cumsum(many)
    average: Floats = (2 * ends - many + 1) / 2
    return average[place], many.astype(float)


def _exact(doubled: "NDArray[np.int64]", above: int) -> float:
    """Share of all 2^n ways to choose signs whose positive doubled ranks sum to `above` or more."""
    import numpy as np

    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(ways)
        shifted[rank:] = ways[: len(ways) - rank]
        ways = (ways + shifted) / 2
    return float(ways[above:].sum())
