"""The algorithm of a study whose endpoint speaks Katib's contract: whatever that service proposes.

Such a service is no function of its request: what it has proposed is committed, and never asked for again. What it must
be told of its trials later is in their labels.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest, NotOffered, TryAgain, TunesmithError
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._katib_client import KatibClients
from tunesmith.suggestion._katib_space import alike, codecs_for, experiment_of
from tunesmith.suggestion._katib_told import NAME, SETTINGS, Told, remembered, settings_of, told_of
from tunesmith.suggestion._katib_values import Codec, text_of
from tunesmith.suggestion._points import EXACT_UP_TO
from tunesmith.suggestion.algorithms.random import EXHAUSTED

_PARENT = "pbt.suggestion.katib.kubeflow.org/parent"
"""Label of Katib's population based training: the trial whose checkpoint a trial starts from."""


class KatibAdapter:
    """Asks the service at a study's endpoint."""

    description = AlgorithmDescription(
        name="katib",
        summary="Whatever a service that speaks Katib's contract proposes.",
        description="",
        source="",
        capabilities=Capabilities(conditional=False, constraints=False, uses_values=True),
        any_settings=True,
    )

    def __init__(self) -> None:
        """Call nobody yet."""
        self._clients = KatibClients()

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse what cannot be written in Katib's contract."""
        return list(alike(codecs_for(spec.space)))

    def confirm(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Ask the service."""
        given = {name: text_of(value) for name, value in spec.algorithm.settings.items()}
        try:
            self._clients.validate(spec.algorithm.endpoint, experiment_of(spec, "validation", given))
        except NotOffered as error:
            return [Mistake("spec.algorithm.endpoint", str(error))]
        except TryAgain:
            raise
        except TunesmithError as error:
            return [Mistake("spec.algorithm", str(error))]
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Tell the service all that is known of its trials, and pass on what it proposes."""
        count = study.spec.space.count(EXACT_UP_TO)
        if count is not None and count <= len(study.tried):
            return Answer((), Status.EXHAUSTED, EXHAUSTED)
        told, settings = told_of(study), settings_of(study)
        request = katib.GetSuggestionsRequest(
            experiment=experiment_of(study.spec, f"study-{study.uid}", settings),
            trials=[told.trials[number] for number in sorted(told.trials)],
            current_request_number=len(names),
            total_request_number=len(told.proposed) + len(names),
        )
        waits = any(not study.history[number].state.final for number in told.proposed)
        try:
            reply = self._clients.suggest(study.spec.algorithm.endpoint, request)
        except (TryAgain, FixRequest, NotOffered) as error:
            raise _named(error, study.spec) from error
        except TunesmithError as error:  # Katib asks again after any error; some services want trials to end first
            if waits:
                return Answer((), Status.WAIT, str(_named(error, study.spec)))
            raise _named(error, study.spec) from error
        return _answer(study, names, told, settings, reply, waits)


def _named(error: TunesmithError, spec: StudySpec) -> TunesmithError:
    """The error with the address that it comes from."""
    if isinstance(error, TryAgain):
        return error  # it is named already
    kind = NotOffered if isinstance(error, NotOffered) else FixRequest
    return kind(f"the suggestion service {spec.algorithm.endpoint} failed: {error}")


def _answer(
    study: StudyView,
    names: Sequence[tuple[str, int]],
    told: Told,
    settings: dict[str, str],
    reply: katib.GetSuggestionsReply,
    waits: bool,
) -> Answer:
    """Read what was proposed."""
    given, endpoint = reply.parameter_assignments, study.spec.algorithm.endpoint
    if len(given) > len(names):
        raise FixRequest(f"{endpoint} proposed {len(given)} assignments, but was asked for {len(names)}")
    codecs = codecs_for(study.spec.space)
    suggestions = [_suggestion(study, name, one, codecs, told) for (name, _), one in zip(names, given, strict=False)]
    if suggestions and reply.algorithm.algorithm_settings:
        state = settings | {one.name: one.value for one in reply.algorithm.algorithm_settings}
        labels = {**suggestions[-1].labels, SETTINGS: json.dumps(state)}
        suggestions[-1] = replace(suggestions[-1], labels=labels)
    status = Status.OK
    if len(suggestions) < len(names):
        status = Status.WAIT if waits or suggestions else Status.EXHAUSTED
    message = f"{endpoint} proposed {len(suggestions)} of the {len(names)} assignments that it was asked for"
    return Answer(tuple(suggestions), status, "" if status is Status.OK else message)


def _suggestion(
    study: StudyView,
    name: str,
    given: katib.GetSuggestionsReply.ParameterAssignments,
    codecs: tuple[Codec, ...],
    told: Told,
) -> Suggestion:
    """One proposal, held to the search space. Raises FixRequest for one that is no point of it."""
    endpoint, known = study.spec.algorithm.endpoint, {codec.name: codec for codec in codecs}
    texts = {one.name: one.value for one in given.assignments}
    read = {key: known[key].read(text) if key in known else text for key, text in texts.items()}
    if problems := study.spec.space.problems(read):
        shown = ", ".join(f"{key}={text[:40]}" for key, text in list(texts.items())[:20])
        raise FixRequest(f"{endpoint} proposed ({shown}), which the search space does not allow: {problems[0]}")
    assignment = study.spec.space.canonical(read)
    explanation = Explanation("katib", f"proposed by {study.spec.algorithm.name} at {endpoint}")
    labels = remembered(given, assignment, codecs, name)
    return Suggestion(name, assignment, explanation, labels, _parent(study, told, given.labels.get(_PARENT)))


def _parent(study: StudyView, told: Told, name: str | None) -> int | None:
    """The number of the trial that the service calls so."""
    if not name:
        return None
    numbers = [number for number in told.proposed if study.history[number].labels[NAME] == name]
    return numbers[0] if numbers else None
