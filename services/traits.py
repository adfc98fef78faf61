"""Traits of configurations: numbers about 0 that a linear model can tell them apart by."""

from typing import TYPE_CHECKING, Final

from tunesmith.study import CategoricalDomain, Parameter, SearchSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST: Final = 64
"""Traits beyond it would take long to learn, from more trials than there are: then there are none."""


def traits_of(space: SearchSpace, units: "Floats") -> "Floats":
    """The traits (n, k) of points (n, d) in unit coordinates; all those of an inactive parameter are 0.

    A number is its place between -1 and 1, and its square; a category is itself against the others.
    """
    import numpy as np

    columns = [_traits(parameter, unit) for parameter, unit in zip(space.parameters, units.T, strict=True)]
    traits = np.vstack([*columns, np.empty((0, len(units)))]).T
    return np.nan_to_num(traits) if traits.shape[1] <= _MOST else np.empty((len(units), 0))


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
