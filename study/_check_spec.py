"""What must hold between the parts of a spec, told with every other mistake even where some parts cannot be read."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from tunesmith.study._cursor import Bad, Cursor, shorten
from tunesmith.study._domains import CategoricalDomain
from tunesmith.study._kinds_scalar import Value
from tunesmith.study._node import ScalarNode
from tunesmith.study._parameters import Parameter, SpaceError
from tunesmith.study._record import Values
from tunesmith.study._space import SearchSpace
from tunesmith.study._table_space import PARAMETER
from tunesmith.study._values import ParameterValue
from tunesmith.study._where import Where

_COUNTABLE = 10**5
_UNREADABLE = CategoricalDomain(())  # stands in for a parameter with a mistake, so that the others keep their places
_PROBLEM = re.compile(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?(?:\[(\d+)\])?(?:\.(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Known:
    """The parameters of a document. `broken`: indices of those that could not be read, as was told already."""

    parameters: tuple[Parameter, ...]
    broken: frozenset[int] = frozenset()

    @cached_property
    def sound(self) -> dict[str, Parameter]:
        """By name, those whose domain can be asked."""
        return {parameter.name: parameter for parameter in self.parameters if not parameter.domain.mistakes()}

    @cached_property
    def names(self) -> Mapping[str, None] | None:
        """All names, in order; None when one cannot be read, so that nobody is told that it does not exist."""
        names = dict.fromkeys(parameter.name for parameter in self.parameters)
        return None if "" in names or not names else names

    @cached_property
    def listing(self) -> str:
        """`; there are ...`, for whoever names another."""
        return f"; there are {shorten(', '.join(self.names or ()))}"


def read_known(at: Cursor, values: Values) -> Known:
    """The parameters of the spec at `at`, as far as they can be read."""
    if (parameters := values.get("parameters")) is not None:
        return Known(tuple(map(_canonical, parameters)))
    list_at = at.find("parameters")
    items = list_at.items() if list_at else []
    read = [PARAMETER.read(replace(item, log=[])) for item in items]  # a log of its own: the mistakes are told already
    broken = frozenset(index for index, value in enumerate(read) if isinstance(value, Bad))
    pairs = zip(items, read, strict=True)
    return Known(tuple(_stand_in(at) if isinstance(value, Bad) else _canonical(value) for at, value in pairs), broken)


def _stand_in(item: Cursor) -> Parameter:
    name = item.find("name")
    text = name.node.value if name and isinstance(name.node, ScalarNode) else ""
    return Parameter(text if isinstance(text, str) else "", _UNREADABLE)


def _canonical(parameter: Parameter) -> Parameter:
    """With its default as the domain has it: 3.0 when a double's default is written 3."""
    default, domain = parameter.default, parameter.domain
    if default is None or domain.mistakes() or domain.check(default):
        return parameter
    return replace(parameter, default=domain.canonical(default))


def make_space(at: Cursor, values: Values, known: Known) -> None:
    """Put the space in the place of its parts, and tell what is wrong with it as far as they can be read."""
    values.pop("parameters", None)
    constraints = values.pop("constraints", ()) if known.names else ()
    if not known.parameters:
        return
    try:
        values["space"] = SearchSpace(known.parameters, constraints)
    except SpaceError as error:
        for path, message in error.problems:
            where = _where(path)
            doubtful = known.names is None and "when" in where
            if not doubtful and not (where[0] == "parameters" and known.broken.intersection(where)):
                at.reach(where).refuse(message)


def _where(path: str) -> Where:
    """A path of the space's: what follows a second dot is one key, with all its dots."""
    match = _PROBLEM.match(path)
    if match is None:
        return ("parameters",)
    return tuple(int(step) if step.isdigit() else step for step in match.groups() if step is not None)


def check_initial(at: Cursor, values: Values, known: Known) -> None:
    """Check names and values of what is tried first, and make the values the domains' own: 1.0 for a double's 1."""
    sound, list_at = known.sound, at.find("initial")
    for item in list_at.items() if list_at else []:
        for name, entry in item.entries().items():
            if name in sound:
                _check_value(entry, sound[name])
            elif known.names is not None and name not in known.names:
                hint = entry.hint(name, known.names, known.listing)
                entry.refuse(f"must be a parameter of the space, but there is no `{name}`{hint}", item.key_mark(name))
    if "initial" in values:
        values["initial"] = tuple(_own_form(assignment, sound) for assignment in values["initial"])


def _check_value(entry: Cursor, parameter: Parameter) -> None:
    value = Value().read(replace(entry, log=[]))
    if not isinstance(value, Bad) and (rule := parameter.domain.check(value)):
        entry.refuse(rule)


def _own_form(assignment: dict[str, ParameterValue], sound: dict[str, Parameter]) -> dict[str, ParameterValue]:
    return {
        name: sound[name].domain.canonical(value) if name in sound and not sound[name].domain.check(value) else value
        for name, value in assignment.items()
    }


def check_limits(at: Cursor, values: Values, known: Known) -> None:
    """Tell of a study that would never end."""
    limits = values.get("limits")
    if limits and limits.trials is None and limits.duration is None and _endless(values, known):
        rule = "must be given, unless the space is finite or `duration` is given"
        at.reach(("limits", "trials")).refuse(rule)


def _endless(values: Values, known: Known) -> bool:
    counts = [parameter.domain.count() for parameter in known.sound.values()]
    finite = [count for count in counts if count is not None]
    if len(finite) < len(counts):
        return True
    if known.broken or "space" not in values or math.prod(finite) <= _COUNTABLE:
        return False
    return values["space"].count(_COUNTABLE) is None
