"""Traits of configurations: numbers about 0 that a linear model can tell them apart by."""

from typing import TYPE_CHECKING, Final

from tunesmith.study import CategoricalDomain, Parameter, SearchSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_TRAITS: Final = 64
"""More would take long to learn, from more trials than there are: then there are none."""


def traits_of(space: SearchSpace, units: "Floats") -> "Floats":
    """The traits (n, k) of points (n, d) in unit coordinates; all those of an inactive parameter are 0.

    A number is its place between -1 and 1, and its square; a category is itself against the others. k is 0 where there
    would be more than MOST_TRAITS.
    """
    import numpy as np

    if sum(map(_count, space.parameters)) > MOST_TRAITS:
        return np.empty((len(units), 0))
    columns = [_traits(parameter, unit) for parameter, unit in zip(space.parameters, units.T, strict=True)]
    return np.nan_to_num(np.vstack([*columns, np.empty((0, len(units)))]).T)


def _count(parameter: Parameter) -> int:
    """How many traits a parameter has."""
    if not isinstance(parameter.domain, CategoricalDomain):
        return 2
    count = len(parameter.domain.values)
    return 1 if count == 2 else count


def _traits(parameter: Parameter, unit: "Floats") -> "Floats":
    """Those of one parameter, (k, n); NaN where it is inactive."""
    import numpy as np

    if isinstance(parameter.domain, CategoricalDomain):
        count = len(parameter.domain.values)
        cell = np.minimum(np.floor(unit * count), count - 1)
        own = (cell == np.arange(count)[:, None]) - 1 / count
        return np.where(np.isnan(unit), np.nan, own[1:] if count == 2 else own)
    place = 2 * unit - 1
    return np.array([place, place**2 - 1 / 3])
