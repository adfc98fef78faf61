"""What may be done with a study or a trial in its present state: pure."""

from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.study import StudyState, TrialState


def actions(study: Study) -> frozenset[str]:
    """The names of what its user may do now."""
    found = {"edit", "delete"}
    if study.state is StudyState.RUNNING:
        found |= {"pause", "stop", "enqueue"}
    elif study.state is StudyState.PAUSED:
        found |= {"resume", "stop", "enqueue"}
    elif study.state is StudyState.CREATED:
        found |= {"stop"}
    return frozenset(found)


def trial_actions(study: Study, trial: Trial) -> frozenset[str]:
    """The same of a trial."""
    if trial.state in (TrialState.PENDING, TrialState.RUNNING):
        return frozenset({"stop"})
    again = trial.state in (TrialState.FAILED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE)
    return frozenset({"retry"}) if again and study.state is not StudyState.ENDING else frozenset()
