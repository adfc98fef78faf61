"""Settings against their description."""

import math

import pytest

from tunesmith.study import ParameterValue
from tunesmith.suggestion import AlgorithmDescription, SettingDescription, SettingType, read_settings

DESCRIBED = AlgorithmDescription(
    "some",
    "",
    "",
    "",
    settings=(
        SettingDescription("points", SettingType.INT, "", default=5, min=2, max=100),
        SettingDescription("rate", SettingType.DOUBLE, "", min=0.5),
        SettingDescription("kernel", SettingType.STRING, "", default="rbf", choices=("rbf", "poly")),
        SettingDescription("warm", SettingType.BOOL, "", default=False, aliases=("warm_start", "hot")),
    ),
)


def test_defaults_are_filled_in() -> None:
    settings, mistakes = read_settings(DESCRIBED, {})
    assert not mistakes
    assert dict(settings) == {"points": 5, "rate": None, "kernel": "rbf", "warm": False, "seed": None}


def test_whole_numbers_are_taken_either_way() -> None:
    settings, mistakes = read_settings(DESCRIBED, {"points": 7.0, "rate": 3})
    assert not mistakes
    assert (settings.integer("points"), settings.number("rate")) == (7, 3.0)
    assert isinstance(settings["rate"], float)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("point", 7, "algorithm 'some' has no setting 'point'; did you mean 'points'?"),
        ("zzz", 7, "algorithm 'some' has no setting 'zzz'; it has: kernel, points, rate, seed, warm"),
        ("points", 1, "`points >= 2` must hold, but got 1"),
        ("points", 101, "`points <= 100` must hold, but got 101"),
        ("points", "7", "must be of type int, but got '7'"),
        ("points", 7.5, "must be of type int, but got 7.5"),
        ("points", True, "must be of type int, but got True"),
        ("rate", math.nan, "must be finite, but got nan"),
        ("rate", math.inf, "must be finite, but got inf"),
        ("rate", 10**400, "must be finite, but got inf"),
        ("rate", 0.25, "`rate >= 0.5` must hold, but got 0.25"),
        ("kernel", "rbg", "must be one of rbf, poly, but got 'rbg'"),
        ("kernel", 1, "must be of type string, but got 1"),
        ("warm", 0, "must be of type bool, but got 0"),
    ],
)
def test_a_mistake_gives_the_rule_and_the_value(name: str, value: ParameterValue, message: str) -> None:
    _, mistakes = read_settings(DESCRIBED, {name: value})
    assert [(mistake.path, mistake.message) for mistake in mistakes] == [(f"spec.algorithm.settings.{name}", message)]


@pytest.mark.parametrize("name", ["warm", "warm_start", "hot"])
def test_a_setting_has_its_value_under_its_own_name_however_it_was_called(name: str) -> None:
    settings, mistakes = read_settings(DESCRIBED, {name: True})
    assert not mistakes
    assert settings["warm"] is True
    assert set(settings) == {"points", "rate", "kernel", "warm", "seed"}


def test_every_algorithm_takes_the_seed_as_katib_calls_it() -> None:
    settings, mistakes = read_settings(DESCRIBED, {"random_state": 7.0})
    assert not mistakes
    assert settings.integer("seed") == 7


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"random_state": -1}, "random_state", "`random_state >= 0` must hold, but got -1"),
        ({"warmstart": True}, "warmstart", "algorithm 'some' has no setting 'warmstart'; did you mean 'warm'?"),
        ({"randomstat": 7}, "randomstat", "algorithm 'some' has no setting 'randomstat'; did you mean 'random_state'?"),
        ({"hott": True}, "hott", "algorithm 'some' has no setting 'hott'; did you mean 'hot'?"),
        (
            {"warm": True, "hot": True},
            "hot",
            "must not be given beside 'warm', which is another name of the same setting",
        ),
    ],
)
def test_a_mistake_speaks_of_the_name_that_was_given(given: dict[str, ParameterValue], path: str, message: str) -> None:
    _, mistakes = read_settings(DESCRIBED, given)
    assert [(mistake.path, mistake.message) for mistake in mistakes] == [(f"spec.algorithm.settings.{path}", message)]


def test_reading_by_the_wrong_type_is_an_error_of_the_program() -> None:
    settings, _ = read_settings(DESCRIBED, {})
    for name in ("rate", "kernel", "warm"):
        with pytest.raises(TypeError):
            settings.integer(name)
    for name in ("rate", "kernel", "warm"):
        with pytest.raises(TypeError):
            settings.number(name)
