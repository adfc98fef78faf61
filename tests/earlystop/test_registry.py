"""What the registry finds, and that third parties' rules are found by entry points."""

import logging
import sys
from collections.abc import Sequence
from importlib import metadata
from types import ModuleType

import pytest

from tunesmith.earlystop import Decision, RuleDescription, Settings, StudyView, load_registry, register
from tunesmith.services.errors import NotFound
from tunesmith.study import Mistake, StudySpec

OURS = ["asha", "curve", "hyperband", "median", "patience", "percentile", "threshold", "wilcoxon"]


@register
class Constant:
    """A third party's rule."""

    description = RuleDescription("constant", "Always the same.", "", "", aliases=("same",))

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        return []


@register
class Clashing(Constant):
    """Wants a name of ours."""

    description = RuleDescription("medianstop", "", "", "")


def offer(patch: pytest.MonkeyPatch, rule: type) -> None:
    module = ModuleType("third_party")
    module.it = rule  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "third_party", module)
    point = metadata.EntryPoint("it", "third_party:it", "tunesmith.rules")
    patch.setattr(metadata, "entry_points", lambda group: [point] if group == "tunesmith.rules" else [])


def names() -> list[str]:
    return [rule.description.name for rule in load_registry()]


def test_our_rules_are_found() -> None:
    assert set(OURS) <= set(names())


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(NotFound, match=r"rule 'ahsa' is not offered here; did you mean 'asha'\? \(offered: asha, "):
        load_registry().get("ahsa")


def test_only_some_are_offered() -> None:
    registry = load_registry().only(["medianstop", "median", "asha"])
    assert [rule.description.name for rule in registry] == ["asha", "median"]


def test_third_parties_are_offered_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, Constant)
    assert load_registry().get("same").description.name == "constant"


def test_one_that_takes_a_name_of_ours_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    offer(monkeypatch, Clashing)
    with caplog.at_level(logging.ERROR):
        assert names() == OURS
    assert "its names are taken: medianstop" in caplog.text
