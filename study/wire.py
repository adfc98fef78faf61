"""The vocabulary as protocol buffers and back. Import it as `tunesmith.study.wire`: only the edges need protobuf.

What comes in is untrusted: messages are turned into the document that says the same, and read as documents are, so that
a typed request and a YAML file get the same mistakes with the same paths (`spec.parameters[2].min`), as DocumentError.
"""

from tunesmith.study._wire_enums import (
    ATTEMPT_ENDING_FROM_PROTO,
    ATTEMPT_ENDING_TO_PROTO,
    DISTRIBUTION_FROM_PROTO,
    DISTRIBUTION_TO_PROTO,
    FAILURE_CLASS_FROM_PROTO,
    FAILURE_CLASS_TO_PROTO,
    OBJECTIVE_TYPE_FROM_PROTO,
    OBJECTIVE_TYPE_TO_PROTO,
    ON_COMPLETION_FROM_PROTO,
    ON_COMPLETION_TO_PROTO,
    STRATEGY_FROM_PROTO,
    STRATEGY_TO_PROTO,
    STUDY_STATE_FROM_PROTO,
    STUDY_STATE_TO_PROTO,
    TRIAL_STATE_FROM_PROTO,
    TRIAL_STATE_TO_PROTO,
)
from tunesmith.study._wire_read import job_from_proto, limits_from_proto, space_from_proto, spec_from_proto
from tunesmith.study._wire_spec import job_to_proto, limits_to_proto, space_to_proto, spec_to_proto
from tunesmith.study._wire_summary import (
    study_summary_from_proto,
    study_summary_to_proto,
    summary_from_proto,
    summary_to_proto,
)
from tunesmith.study._wire_value import (
    assignment_from_proto,
    assignment_to_proto,
    mistake_from_proto,
    mistake_to_proto,
    value_from_proto,
    value_to_proto,
)

__all__ = [
    "ATTEMPT_ENDING_FROM_PROTO",
    "ATTEMPT_ENDING_TO_PROTO",
    "DISTRIBUTION_FROM_PROTO",
    "DISTRIBUTION_TO_PROTO",
    "FAILURE_CLASS_FROM_PROTO",
    "FAILURE_CLASS_TO_PROTO",
    "OBJECTIVE_TYPE_FROM_PROTO",
    "OBJECTIVE_TYPE_TO_PROTO",
    "ON_COMPLETION_FROM_PROTO",
    "ON_COMPLETION_TO_PROTO",
    "STRATEGY_FROM_PROTO",
    "STRATEGY_TO_PROTO",
    "STUDY_STATE_FROM_PROTO",
    "STUDY_STATE_TO_PROTO",
    "TRIAL_STATE_FROM_PROTO",
    "TRIAL_STATE_TO_PROTO",
    "assignment_from_proto",
    "assignment_to_proto",
    "job_from_proto",
    "job_to_proto",
    "limits_from_proto",
    "limits_to_proto",
    "mistake_from_proto",
    "mistake_to_proto",
    "space_from_proto",
    "space_to_proto",
    "spec_from_proto",
    "spec_to_proto",
    "study_summary_from_proto",
    "study_summary_to_proto",
    "summary_from_proto",
    "summary_to_proto",
    "value_from_proto",
    "value_to_proto",
]
