"""The suggestion service, and one module per algorithm.

An algorithm, ours or a third party's, needs what this face exports: a class under `@register` that has a `description`
and answers `check` and `suggest` (the protocol `Algorithm`).
"""

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.suggestion._algorithm import (
    Algorithm,
    Answer,
    Explanation,
    Remarking,
    Status,
    StudyView,
    Suggestion,
    TrialRecord,
)
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._points import Drawn, Points
from tunesmith.suggestion._registry import Registry, load_registry, register
from tunesmith.suggestion._settings import read_settings

__all__ = [
    "Algorithm",
    "AlgorithmDescription",
    "Answer",
    "Capabilities",
    "Drawn",
    "Explanation",
    "Points",
    "Registry",
    "Remarking",
    "SettingDescription",
    "SettingType",
    "Settings",
    "Status",
    "StudyView",
    "Suggestion",
    "TrialRecord",
    "load_registry",
    "read_settings",
    "register",
]
