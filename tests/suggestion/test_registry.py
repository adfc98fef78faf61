"""What the registry finds, and what it does with third parties."""

import logging
import sys
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

import pytest

from tunesmith.services.errors import NotFound
from tunesmith.study import StudySpec
from tunesmith.suggestion import (
    AlgorithmDescription,
    Answer,
    Registry,
    Settings,
    StudyView,
    load_registry,
    register,
)


@register
class Constant:
    """A third party's algorithm."""

    description = AlgorithmDescription("constant", "Always the same.", "", "", aliases=("same",))

    def check(self, spec: StudySpec, settings: Settings) -> list[object]:
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        return Answer(())


class Unregistered(Constant):
    """Inherits the mark, but was not registered itself."""


@register
class Clashing(Constant):
    """Wants a name of ours."""

    description = AlgorithmDescription("qmc", "", "", "")


@register
class Broken(Constant):
    """Fails when it is made."""

    def __init__(self) -> None:
        raise RuntimeError("no licence")


@register
class Undescribed(Constant):
    """Has no description."""

    description = None  # type: ignore[assignment]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Make entry points that name objects of a module which exists only here."""

    def install(**objects: object) -> None:
        module = ModuleType("third_party")
        vars(module).update(objects)
        monkeypatch.setitem(sys.modules, "third_party", module)
        points = [metadata.EntryPoint(name, f"third_party:{name}", "tunesmith.algorithms") for name in objects]
        points.append(metadata.EntryPoint("absent", "no_such_module", "tunesmith.algorithms"))
        monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == "tunesmith.algorithms" else [])

    return install


def names(registry: Registry) -> list[str]:
    return [algorithm.description.name for algorithm in registry]


OURS = ["auto", "grid", "random", "sobol"]


def test_our_algorithms_are_found() -> None:
    assert set(OURS) <= set(names(load_registry()))


@pytest.mark.parametrize("alias", ["grid-search", "random-search", "quasi-random", "qmc"])
def test_aliases_lead_to_the_algorithm(alias: str) -> None:
    algorithm = load_registry().get(alias)
    assert alias in algorithm.description.aliases


def test_every_algorithm_is_described_for_people() -> None:
    for algorithm in load_registry():
        described = algorithm.description
        assert described.summary.endswith(".")
        assert "\n" not in described.summary
        assert len(described.description) > 100
        assert all(setting.meaning for setting in described.settings)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(NotFound, match=r"'gird' is not offered here; did you mean 'grid'\? \(offered: auto, "):
        load_registry().get("gird")


def test_only_some_are_offered() -> None:
    registry = load_registry().only(["sobol", "qmc", "grid"])
    assert names(registry) == ["grid", "sobol"]
    with pytest.raises(NotFound):
        registry.get("random")


def test_third_parties_are_offered_by_entry_points(offer, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    offer(Constant=Constant)
    registry = load_registry()
    assert registry.get("same") is registry.get("constant")
    assert "no_such_module" in caplog.text


def test_a_module_may_hold_several(offer) -> None:  # type: ignore[no-untyped-def]
    inner = ModuleType(__name__)
    inner.Constant, inner.Unregistered = Constant, Unregistered  # type: ignore[attr-defined]
    offer(inner=inner)
    assert "constant" in names(load_registry())


@pytest.mark.parametrize(
    ("algorithm", "why"),
    [
        (Clashing, "its names are taken: qmc"),
        (Broken, "no licence"),
        (Unregistered, "it holds nothing under @register"),
        (Undescribed, "cannot be used"),
        ("text", "it holds nothing under @register"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_logged(  # type: ignore[no-untyped-def]
    offer, caplog: pytest.LogCaptureFixture, algorithm: object, why: str
) -> None:
    offer(it=algorithm)
    with caplog.at_level(logging.ERROR):
        assert set(OURS) <= set(names(load_registry()))
    assert why in caplog.text
    assert "constant" not in names(load_registry())
