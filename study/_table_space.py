"""What a document says of the search space: `parameters` and `constraints`."""

from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.study._domains import CategoricalDomain, DiscreteDomain, Distribution, Domain, DoubleDomain, IntDomain
from tunesmith.study._kinds_many import ListOf, MapOf
from tunesmith.study._kinds_scalar import Choice, Const, Number, Text, Value, Whole
from tunesmith.study._parameters import _NAME, Condition, Parameter
from tunesmith.study._record import Field, Record, Values, Variants

_DISTRIBUTION = Field(
    "distribution",
    Choice(Distribution),
    "How values are drawn between the bounds. The logarithmic ones need `min` above 0; the normal ones have their mean "
    "in the middle and a standard deviation of a sixth of the width.",
    Distribution.UNIFORM,
)


def _conditions(when: Mapping[str, tuple[Any, ...]]) -> tuple[Condition, ...]:
    return tuple(Condition(name, values) for name, values in when.items())


def _variant(word: str, summary: str, domain: Callable[..., Domain], fields: tuple[Field, ...]) -> Record[Parameter]:
    """The form of a parameter whose `type` is `word`; `fields` are its domain's."""

    def make(name: str, type: str, default: Any, when: Mapping[str, Any], **bounds: Any) -> Parameter:
        return Parameter(name, domain(**bounds), _conditions(when), default)

    def split(record: Record[Parameter], value: Parameter) -> Values:
        bounds = {item.attr: getattr(value.domain, item.attr) for item in fields}
        when = {condition.parameter: condition.values for condition in value.when}
        return {**bounds, "name": value.name, "type": word, "default": value.default, "when": when}

    return Record(
        make,
        (
            Field("name", Text(shape=_NAME.pattern), "Name of the parameter, as in `${params.NAME}`."),
            Field("type", Const(word), summary),
            *fields,
            Field("default", Value(), "What a user would use without tuning.", None),
            Field(
                "when",
                MapOf(ListOf(Value(), least=1, single=True)),
                "The parameter is active only when each parameter named here is active and has one of its values.",
                {},
            ),
        ),
        split,
    )


_VARIANTS = {
    "double": _variant(
        "double",
        "A real number in [min, max].",
        DoubleDomain,
        (
            Field("min", Number(), "The smallest value."),
            Field("max", Number(), "The largest value."),
            _DISTRIBUTION,
            Field("step", Number(), "Values are min + k * step. Absent: any number.", None),
        ),
    ),
    "int": _variant(
        "int",
        "A whole number in [min, max].",
        IntDomain,
        (
            Field("min", Whole(), "The smallest value."),
            Field("max", Whole(), "The largest value."),
            _DISTRIBUTION,
            Field("step", Whole(), "Values are min + k * step.", 1),
        ),
    ),
    "discrete": _variant(
        "discrete",
        "One of a list of numbers, which have an order.",
        DiscreteDomain,
        (Field("values", ListOf(Value(numbers=True), least=1, unique=True), "The numbers."),),
    ),
    "categorical": _variant(
        "categorical",
        "One of a list of values that have no order.",
        CategoricalDomain,
        (Field("values", ListOf(Value(), least=1, unique=True), "Strings, numbers or booleans."),),
    ),
}
_WORDS = {DoubleDomain: "double", IntDomain: "int", DiscreteDomain: "discrete", CategoricalDomain: "categorical"}

PARAMETER: Variants[Parameter] = Variants("type", _VARIANTS, lambda parameter: _WORDS[type(parameter.domain)])
PARAMETERS = Field("parameters", ListOf(PARAMETER, least=1), "What is searched.")
CONSTRAINTS = Field(
    "constraints",
    ListOf(Text()),
    "CEL expressions over `params.NAME`, all of which must hold. Numeric parameters are doubles: write 2.0 for 2 in "
    "arithmetic. One that names an inactive parameter holds.",
    (),
)
INITIAL = Field(
    "initial",
    ListOf(MapOf(Value())),
    "Assignments that are tried first, in this order. Parameters left out take their default, or are sampled.",
    (),
)
