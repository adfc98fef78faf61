"""Which studies are asked for: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.client._values import Study
from tunesmith.study import StudyState


@dataclass(frozen=True, slots=True)
class StudyChoice:
    """Some of the studies of a manager.

    Attributes:
        namespace: Only this one; empty: all.
        states: Only these; empty: all.
        labels: `key=value`, or only `key`; a study has all of them.
        search: Words that must all occur in its name, namespace, labels, objective or algorithm.
    """

    namespace: str = ""
    states: tuple[StudyState, ...] = ()
    labels: tuple[str, ...] = ()
    search: str = ""

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.namespace or self.states or self.labels or self.search.strip())

    def of(self, studies: Sequence[Study]) -> list[Study]:
        """Those that are chosen, the latest first; `studies` are in the order in which they were made."""
        return [study for study in reversed(studies) if self._wanted(study)]

    def _wanted(self, study: Study) -> bool:
        if self.namespace and study.namespace != self.namespace:
            return False
        if self.states and study.state not in self.states:
            return False
        if not all(_has(study, label) for label in self.labels):
            return False
        text = text_of(study)
        return all(word in text for word in self.search.lower().split())


def text_of(study: Study) -> str:
    """What a search looks at."""
    labels = [f"{key}={value}" for key, value in study.labels.items()]
    spec = study.spec
    return " ".join((study.name, study.namespace, *labels, spec.objective.metric, spec.algorithm.name)).lower()


def _has(study: Study, label: str) -> bool:
    key, given, value = label.partition("=")
    return key in study.labels and (not given or study.labels[key] == value)
