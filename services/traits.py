"""Traits of configurations: numbers about 0 that a linear model can tell them apart by."""

from typing import TYPE_CHECKING, Final

from tunesmith.study import CategoricalDomain, Parameter, SearchSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_TRAITS: Final = 64
"""More would take long to learn, from more trials than there are: then there are fewer, or none."""


def traits_of(space: SearchSpace, units: "Floats") -> "Floats":
    """The traits (n, k) of points (n, d) in unit coordinates; all those of an inactive parameter are 0.

    A number is its place between -1 and 1, and the square of that; a category is itself against the others. Where there
    would be more than MOST_TRAITS, squares are left out; where there still would be, k is 0.
    """
    import numpy as np

    squares = next((kept for kept in (True, False) if _count(space, squares=kept) <= MOST_TRAITS), None)
    if squares is None:
        return np.empty((len(units), 0))
    each = zip(space.parameters, units.T, strict=True)
    columns = [_traits(parameter, unit, squares=squares) for parameter, unit in each]
    return np.nan_to_num(np.vstack([*columns, np.empty((0, len(units)))]).T)


def _count(space: SearchSpace, *, squares: bool) -> int:
    """How many traits the parameters have together."""
    return sum(_count_of(parameter, squares=squares) for parameter in space.parameters)


def _count_of(parameter: Parameter, *, squares: bool) -> int:
    if not isinstance(parameter.domain, CategoricalDomain):
        return 1 + squares
    count = len(parameter.domain.values)
    return 1 if count == 2 else count


def _traits(parameter: Parameter, unit: "Floats", *, squares: bool) -> "Floats":
    """Those of one parameter, (k, n); NaN where it is inactive."""
    import numpy as np

    if isinstance(parameter.domain, CategoricalDomain):
        count = len(parameter.domain.values)
        cell = np.minimum(np.floor(unit * count), count - 1)
        own = (cell == np.arange(count)[:, None]) - 1 / count
        return np.where(np.isnan(unit), np.nan, own[1:] if count == 2 else own)
    place = 2 * unit - 1
    return np.array([place, place**2 - 1 / 3]) if squares else place[None]
