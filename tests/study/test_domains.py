"""Domains: the unit interval and back, steps, bounds, shares, and what is refused."""

from itertools import pairwise
from math import isclose, log10, ulp
from statistics import NormalDist

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.strategies import (
    categorical_domains,
    discrete_domains,
    distributions,
    domains,
    double_domains,
    int_domains,
    units,
)

from tunesmith.study import CategoricalDomain, DiscreteDomain, Distribution, Domain, DoubleDomain, IntDomain

UNIFORM, LOG_UNIFORM, NORMAL, LOG_NORMAL = Distribution


def _shares(domain: Domain, cells: int = 20_000) -> dict[object, float]:
    """The share of the unit interval that each value has."""
    found: dict[object, float] = {}
    for cell in range(cells):
        value = domain.decode((cell + 0.5) / cells)
        found[value] = found.get(value, 0.0) + 1 / cells
    return found


@given(domains(), units)
def test_what_is_decoded_is_in_the_domain_and_of_its_type(domain: Domain, unit: float) -> None:
    value = domain.decode(unit)

    assert domain.check(value) is None
    assert type(value) is type(domain.canonical(value))
    if isinstance(domain, DoubleDomain):
        assert type(value) is float
    if isinstance(domain, IntDomain):
        assert type(value) is int


@given(domains(), units)
def test_encoding_and_decoding_again_changes_nothing(domain: Domain, unit: float) -> None:
    value = domain.decode(unit)
    again = domain.decode(domain.encode(value))

    assert 0 <= domain.encode(value) <= 1
    if domain.count() is not None:
        assert again == value
        assert type(again) is type(value)
    else:
        assert isinstance(domain, DoubleDomain)
        assert isinstance(value, float)
        assert isinstance(again, float)
        assert isclose(again, value, rel_tol=1e-9, abs_tol=(domain.max - domain.min) * 1e-12)


@given(domains(finite=True))
def test_every_value_of_a_finite_domain_comes_back(domain: Domain) -> None:
    values = domain.choices()

    assert len(values) == domain.count()
    assert [domain.decode(domain.encode(value)) for value in values] == list(values)
    assert [domain.encode(value) for value in values] == sorted(domain.encode(value) for value in values)
    assert [domain.check(value) for value in values] == [None] * len(values)


@given(domains(), units)
def test_a_cell_is_where_its_value_comes_from(domain: Domain, unit: float) -> None:
    low, high = domain.borders(unit)

    if domain.count() is None:
        assert low == high == unit
        return
    assert 0 <= low <= high <= 1
    value = domain.decode(unit)
    assert domain.borders(domain.encode(value)) == (low, high)
    assert domain.encode(value) == pytest.approx((low + high) / 2, abs=1e-15)
    if high - low > 1e-9:
        assert domain.decode(low + (high - low) * 1e-3) == domain.decode(high - (high - low) * 1e-3) == value


@given(domains(finite=True))
@example(DoubleDomain(709335.0, 709335.4, LOG_UNIFORM, step=0.1))
def test_cells_cover_the_unit_interval_without_gaps(domain: Domain) -> None:
    borders = [domain.borders(domain.encode(value)) for value in domain.choices()]

    assert (borders[0][0], borders[-1][1]) == (0, 1)
    assert all(one[1] == pytest.approx(other[0], abs=rounding(domain)) for one, other in pairwise(borders))


def rounding(domain: Domain) -> float:
    """What the logarithm of a number may be off by, in parts of what lies between those of the bounds."""
    if not isinstance(domain, (DoubleDomain, IntDomain)) or not domain.distribution.log:
        return 1e-9
    logs = [log10(domain.min), log10(domain.max)]
    return max(1e-9, 4 * max(map(ulp, logs)) / max(logs[1] - logs[0], 1e-15))


@given(st.one_of(double_domains(), int_domains()), units, units)
def test_numbers_ascend_with_the_unit(domain: Domain, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert domain.decode(low) <= domain.decode(high)  # type: ignore[operator]


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308), distributions, units)
def test_any_bounds_that_are_accepted_work(one: float, other: float, distribution: Distribution, unit: float) -> None:
    low, high = sorted((abs(one), abs(other)) if distribution.log else (one, other))
    domain = DoubleDomain(low, high, distribution)
    if domain.mistakes():
        assert high - low == float("inf") or low == 0
        return
    value = domain.decode(unit)

    assert low <= value <= high
    assert 0 <= domain.encode(value) <= 1
    assert domain.decode(0) == low
    assert domain.decode(1) == high


@given(st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53), st.integers(1, 2**53), distributions, st.data())
def test_any_int_bounds_that_are_accepted_work(
    one: int, other: int, step: int, distribution: Distribution, data: st.DataObject
) -> None:
    low, high = sorted((abs(one), abs(other)) if distribution.log else (one, other))
    domain = IntDomain(low, high, distribution, step)
    if domain.mistakes():
        return
    place = data.draw(st.integers(0, (high - low) // step))
    value = low + place * step

    assert domain.check(value) is None
    assert domain.decode(domain.encode(value)) == value


@pytest.mark.parametrize("distribution", Distribution)
def test_the_largest_grids_still_come_back(distribution: Distribution) -> None:
    last = {UNIFORM: 2**50, LOG_UNIFORM: 2**40, NORMAL: 2**32, LOG_NORMAL: 2**32}[distribution]
    domain = IntDomain(1, last, distribution)
    values = [1, 2, 3, last // 3, last // 2, last - 1, last]

    assert domain.mistakes() == []
    assert [domain.decode(domain.encode(value)) for value in values] == values
    assert IntDomain(1, last + 1, distribution).mistakes()[0][0] == "step"


def test_steps_do_not_drift() -> None:
    domain = DoubleDomain(0, 1, step=0.1)

    assert list(domain.choices()) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert domain.decode(0.3) == 0.3
    assert domain.check(3 * 0.1) is None
    assert domain.canonical(3 * 0.1) == 0.3
    assert domain.decode(domain.encode(3 * 0.1)) == 0.3


@given(double_domains(finite=True), units)
def test_steps_never_pass_the_maximum(domain: DoubleDomain, unit: float) -> None:
    assert domain.step is not None
    values = domain.choices()
    value = domain.decode(unit)

    assert value in list(values)
    assert values[0] == domain.min
    assert values[-1] <= domain.max < values[-1] + domain.step + 4 * ulp(domain.max)
    assert isclose(value, domain.min + round((value - domain.min) / domain.step) * domain.step, abs_tol=1e-9)


def test_a_maximum_between_two_steps_is_not_a_value() -> None:
    assert list(DoubleDomain(0, 1, step=0.3).choices()) == [0.0, 0.3, 0.6, 0.9]
    assert list(IntDomain(1, 10, step=4).choices()) == [1, 5, 9]
    assert IntDomain(1, 10, step=4).decode(1) == 9
    assert IntDomain(1, 10, step=4).check(10) == (
        "`value = min + k * step` must hold for a whole k, but got (value=10, min=1, step=4)"
    )


def test_whole_numbers_have_equal_shares() -> None:
    assert _shares(IntDomain(3, 6)) == pytest.approx({3: 0.25, 4: 0.25, 5: 0.25, 6: 0.25})
    assert _shares(DoubleDomain(0, 1, step=0.5)) == pytest.approx({0.0: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3}, abs=1e-3)
    assert _shares(CategoricalDomain(("a", True, 1))) == pytest.approx({"a": 1 / 3, True: 2 / 3}, abs=1e-3)


def test_log_uniform_has_equal_shares_of_each_decade() -> None:
    domain = DoubleDomain(0.01, 100, LOG_UNIFORM)

    assert [domain.decode(unit) for unit in (0, 0.25, 0.5, 0.75, 1)] == [0.01, 0.1, 1, 10, 100]
    shares = _shares(IntDomain(1, 1000, LOG_UNIFORM))
    assert shares[1] > 2 * shares[2] * 0.9
    assert isclose(sum(share for value, share in shares.items() if int(str(value)) <= 31), 0.5, abs_tol=0.06)


def test_normal_has_the_mean_in_the_middle_and_six_sigmas_between_the_bounds() -> None:
    domain = DoubleDomain(10, 70, NORMAL)
    normal = NormalDist(40, 10)
    inside = normal.cdf(70) - normal.cdf(10)

    assert domain.decode(0.5) == pytest.approx(40)
    for value in (15.0, 30.0, 50.0, 69.0):
        assert domain.encode(value) == pytest.approx((normal.cdf(value) - normal.cdf(10)) / inside)


def test_normal_with_steps_keeps_its_sigma() -> None:
    normal = NormalDist(2, 1 / 3)
    inside = normal.cdf(3.5) - normal.cdf(0.5)

    assert _shares(IntDomain(1, 3, NORMAL))[2] == pytest.approx((normal.cdf(2.5) - normal.cdf(1.5)) / inside, abs=1e-3)


def test_log_normal_is_normal_in_the_logarithm() -> None:
    domain = DoubleDomain(1e-4, 1, LOG_NORMAL)

    assert domain.decode(0.5) == pytest.approx(1e-2)
    assert domain.encode(1e-3) == pytest.approx(DoubleDomain(-4, 0, NORMAL).encode(-3.0))


def test_log_with_steps() -> None:
    domain = DoubleDomain(0.1, 1, LOG_UNIFORM, step=0.1)
    shares = _shares(domain)

    assert sorted(map(float, shares)) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]  # type: ignore[arg-type]
    assert shares[0.1] > shares[0.2] > shares[0.5] > shares[1.0]


def test_a_single_value_is_allowed() -> None:
    for domain in (
        DoubleDomain(2, 2),
        DoubleDomain(2, 2, LOG_NORMAL),
        IntDomain(2, 2),
        DoubleDomain(2, 2.05, NORMAL, 0.1),
    ):
        assert domain.mistakes() == []
        assert domain.count() == 1
        assert list(domain.choices()) == [2]
        assert domain.decode(0.7) == 2
        assert domain.encode(2) == 0.5


def test_quantiles_of_a_continuum_have_the_bounds() -> None:
    assert list(DoubleDomain(0, 1).choices(5)) == [0, 0.25, 0.5, 0.75, 1]
    assert list(DoubleDomain(0.01, 100, LOG_UNIFORM).choices(3)) == [0.01, 1, 100]
    assert list(DoubleDomain(0, 1).choices(1)) == [0.5]
    assert list(DoubleDomain(1, 1 + 2**-52).choices(9)) == [1, 1 + 2**-52]
    with pytest.raises(ValueError, match="points >= 1"):
        DoubleDomain(0, 1).choices()


def test_large_grids_are_lazy() -> None:
    values = IntDomain(0, 2**49).choices()
    steps = DoubleDomain(0, 1e9, step=0.001).choices()

    assert len(values) == 2**49 + 1
    assert len(steps) == 10**12 + 1
    assert steps[123_456_789_012] == 123456789.012
    assert list(steps[-2:]) == [999999999.999, 1e9]
    with pytest.raises(IndexError):
        steps[10**12 + 1]


def test_listed_values_keep_their_kind() -> None:
    domain = CategoricalDomain((1, True, "1", 2.5))

    assert [domain.decode(domain.encode(value)) for value in domain.values] == [1, True, "1", 2.5]
    assert [type(domain.decode(unit)) for unit in (0, 0.3, 0.6, 0.9)] == [int, bool, str, float]
    assert type(domain.canonical(1.0)) is int
    assert domain.check(False) == "must be one of [1, true, '1', 2.5], but got false"
    assert CategoricalDomain((1,)) != CategoricalDomain((True,))
    assert CategoricalDomain((1,)) == CategoricalDomain((1.0,))
    assert len({CategoricalDomain((1,)), CategoricalDomain((1.0,)), CategoricalDomain((True,))}) == 2


def test_discrete_values_are_in_order() -> None:
    assert DiscreteDomain((64, 16, 32)).values == (16, 32, 64)
    assert DiscreteDomain((64, 16, 32)) == DiscreteDomain((16, 32, 64))
    assert DiscreteDomain((64, 16, 32)).decode(0) == 16


@given(st.one_of(discrete_domains, categorical_domains))
def test_drawn_listed_domains_have_no_mistakes(domain: Domain) -> None:
    assert domain.mistakes() == []


@pytest.mark.parametrize("unit", [-0.1, 1.1, 1 + 2**-52, float("inf"), float("-inf")])
def test_units_are_clipped(unit: float) -> None:
    for domain in (IntDomain(1, 5), DoubleDomain(1, 5), DoubleDomain(1, 5, LOG_UNIFORM), DiscreteDomain((1, 5))):
        assert domain.decode(unit) == (1 if unit < 0 else 5)


def test_a_unit_that_is_no_number_is_refused() -> None:
    for domain in (IntDomain(1, 5), DoubleDomain(1, 5, NORMAL), CategoricalDomain(("a",))):
        with pytest.raises(ValueError, match="nan"):
            domain.decode(float("nan"))


@pytest.mark.parametrize(
    ("domain", "field", "rule"),
    [
        (DoubleDomain(3, 1), "min", "`min <= max` must hold, but got (min=3, max=1)"),
        (DoubleDomain(float("nan"), 1), "min", "must be a finite number, but got nan"),
        (DoubleDomain(0, float("inf")), "max", "must be a finite number, but got inf"),
        (DoubleDomain(True, 2), "min", "must be a finite number, but got true"),
        (DoubleDomain("0", 2), "min", "must be a finite number, but got '0'"),  # type: ignore[arg-type]
        (DoubleDomain(0, 10**400), "max", f"must be a finite number, but got {10**400}"),
        (DoubleDomain(0, 1, LOG_UNIFORM), "min", "`min > 0` must hold for logUniform, but got (min=0, max=1)"),
        (IntDomain(0, 1, LOG_NORMAL), "min", "`min > 0` must hold for logNormal, but got (min=0, max=1)"),
        (DoubleDomain(-1e308, 1e308), "max", "`max - min` must be a finite number, but got (min=-1e+308, max=1e+308)"),
        (DoubleDomain(0, 1, step=0), "step", "`step > 0` must hold, but got (min=0, max=1, step=0)"),
        (IntDomain(0, 1, step=-1), "step", "`step > 0` must hold, but got (min=0, max=1, step=-1)"),
        (
            DoubleDomain(0, 1, step=1e-300),
            "step",
            "`(max - min) / step < 2^50` must hold for uniform, but got (min=0, max=1, step=1e-300)",
        ),
        (
            DoubleDomain(1e20, 1e20 + 1e5, step=1),
            "step",
            "`step` must be large enough for doubles to tell the values apart, "
            "but got (min=1e+20, max=1.000000000000001e+20, step=1)",
        ),
        (IntDomain(1, 2.5), "max", "must be a whole number from -2^53 to 2^53, but got 2.5"),  # type: ignore[arg-type]
        (IntDomain(0, 2**60), "max", f"must be a whole number from -2^53 to 2^53, but got {2**60}"),
        (IntDomain(0, 3, step=0.5), "step", "must be a whole number from -2^53 to 2^53, but got 0.5"),  # type: ignore[arg-type]
        (
            DoubleDomain(0, 1, "log"),  # type: ignore[arg-type]
            "distribution",
            "must be one of [uniform, logUniform, normal, logNormal], but got 'log'",
        ),
        (CategoricalDomain(()), "values", "must list at least one value"),
        (
            CategoricalDomain(("a", "b", "a")),
            "values[2]",
            "must not be listed twice, but values[0] and values[2] are both 'a'",
        ),
        (
            CategoricalDomain((float("nan"),)),
            "values[0]",
            "must be a string, a finite number or a boolean, but got nan",
        ),
        (
            DiscreteDomain((2, 1, 1.0)),
            "values[1]",
            "must not be listed twice, but values[0] and values[1] are both 1",
        ),
        (
            DiscreteDomain((1, "a")),  # type: ignore[arg-type]
            "values[1]",
            "must be a finite number (a categorical parameter takes others), but got 'a'",
        ),
    ],
)
def test_mistakes_name_the_field_and_the_rule(domain: Domain, field: str, rule: str) -> None:
    assert domain.mistakes() == [(field, rule)]


def test_all_mistakes_of_a_domain_are_told() -> None:
    assert [field for field, _ in DoubleDomain(float("nan"), "1", step=True).mistakes()] == ["min", "max", "step"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("domain", "value", "rule"),
    [
        (DoubleDomain(0.01, 100), 200, "`min <= value <= max` must hold, but got (value=200, min=0.01, max=100)"),
        (DoubleDomain(0, 1), float("nan"), "must be a finite number, but got nan"),
        (DoubleDomain(0, 1), True, "must be a finite number, but got true"),
        (DoubleDomain(0, 1), None, "must be a finite number, but got None"),
        (IntDomain(0, 5), 2.5, "must be a whole number from -2^53 to 2^53, but got 2.5"),
        (IntDomain(0, 5), "2", "must be a whole number from -2^53 to 2^53, but got '2'"),
        (IntDomain(0, 5), False, "must be a whole number from -2^53 to 2^53, but got false"),
        (DiscreteDomain((1, 2)), 3, "must be one of [1, 2], but got 3"),
        (DiscreteDomain((1, 2)), True, "must be one of [1, 2], but got true"),
        (CategoricalDomain(("a", "b")), "c", "must be one of ['a', 'b'], but got 'c'"),
        (CategoricalDomain(("a", "b")), ["a"], "must be one of ['a', 'b'], but got ['a']"),
    ],
)
def test_a_value_outside_is_named_with_the_rule(domain: Domain, value: object, rule: str) -> None:
    assert domain.check(value) == rule
    with pytest.raises(ValueError, match="must"):
        domain.encode(value)  # type: ignore[arg-type]


def test_whole_numbers_may_be_written_as_doubles() -> None:
    domain = IntDomain(1.0, 5.0)  # type: ignore[arg-type]

    assert domain == IntDomain(1, 5)
    assert domain.check(3.0) is None
    assert domain.canonical(3.0) == 3
    assert type(domain.canonical(3.0)) is int
    assert type(DoubleDomain(1, 5).min) is float
