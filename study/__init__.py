"""The vocabulary: search space, trial, metric, objective, the StudyJob document and its readers. Pure, no I/O."""

from typing import TYPE_CHECKING

from tunesmith.study._domains import (
    CategoricalDomain,
    DiscreteDomain,
    Distribution,
    Domain,
    DoubleDomain,
    IntDomain,
)
from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._placeholders import RenderedTrial, TrialContext, render
from tunesmith.study._space import (
    Assignment,
    Condition,
    NoFeasiblePoint,
    Parameter,
    ParameterValue,
    SearchSpace,
    SpaceError,
)
from tunesmith.study._spec import (
    AlgorithmSpec,
    CollectorSpec,
    Limits,
    MetricSpec,
    Objective,
    ObjectiveType,
    OnCompletion,
    Resources,
    Retry,
    RuleSpec,
    Strategy,
    StudyJob,
    StudySpec,
    TrialTemplate,
)
from tunesmith.study._states import (
    AttemptEnding,
    FailureClass,
    StudyState,
    TransitionError,
    TrialState,
    check_study_move,
    check_trial_move,
)
from tunesmith.study._summary import MetricSummary, StudyMetricSummary
from tunesmith.study._trial_range import TrialRange

if TYPE_CHECKING:
    from tunesmith.study._convert import Native, to_native
    from tunesmith.study._differences import spec_differences
    from tunesmith.study._document import document_yaml, read_document, read_study_job, to_document
    from tunesmith.study._schema import json_schema

_LATER = {  # the tables of the document cost more than all else here together, and most programs never read one
    "Native": "_convert",
    "document_yaml": "_document",
    "json_schema": "_schema",
    "read_document": "_document",
    "read_study_job": "_document",
    "spec_differences": "_differences",
    "to_document": "_document",
    "to_native": "_convert",
}

__all__ = [
    "AlgorithmSpec",
    "Assignment",
    "AttemptEnding",
    "CategoricalDomain",
    "CollectorSpec",
    "Condition",
    "DiscreteDomain",
    "Distribution",
    "DocumentError",
    "Domain",
    "DoubleDomain",
    "FailureClass",
    "IntDomain",
    "Limits",
    "MetricSpec",
    "MetricSummary",
    "Mistake",
    "Native",
    "NoFeasiblePoint",
    "Objective",
    "ObjectiveType",
    "OnCompletion",
    "Parameter",
    "ParameterValue",
    "RenderedTrial",
    "Resources",
    "Retry",
    "RuleSpec",
    "SearchSpace",
    "SpaceError",
    "Strategy",
    "StudyJob",
    "StudyMetricSummary",
    "StudySpec",
    "StudyState",
    "TransitionError",
    "TrialContext",
    "TrialRange",
    "TrialState",
    "TrialTemplate",
    "check_study_move",
    "check_trial_move",
    "document_yaml",
    "json_schema",
    "read_document",
    "read_study_job",
    "render",
    "spec_differences",
    "to_document",
    "to_native",
]


def __getattr__(name: str) -> object:
    """Load what reads and writes documents when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value
