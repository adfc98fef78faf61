"""The early-stopping service, and one module per rule.

A rule, ours or a third party's, needs what this face exports: a class under `@register` that has a `description` and
answers `check` and `weigh` (the protocol `Rule`).
"""

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._curves import Ended
from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._registry import Registry, load_registry, register
from tunesmith.earlystop._rule import Decision, Remarking, Rule, StudyView
from tunesmith.earlystop._settings import read_settings
from tunesmith.services.settings import SettingDescription, Settings, SettingType

__all__ = [
    "Curve",
    "Decision",
    "Ended",
    "Registry",
    "Remarking",
    "Rule",
    "RuleDescription",
    "SettingDescription",
    "SettingType",
    "Settings",
    "StudyView",
    "load_registry",
    "read_settings",
    "register",
]
