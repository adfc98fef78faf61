"""One turn of a study: the history that came is put to what is held, then the algorithm is asked. Knows no gRPC."""

from collections.abc import Iterable, Sequence

from tunesmith.services.errors import FixRequest, ReportBug, TunesmithError
from tunesmith.study import DocumentError, Mistake, NoFeasiblePoint, wire
from tunesmith.suggestion._algorithm import Answer
from tunesmith.suggestion._check import read_study, seed_of
from tunesmith.suggestion._history import History
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._studies import Held, Job
from tunesmith.suggestion._wire import records_from_proto
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import types_pb2

MOST = 1000
"""Characters of an algorithm's own error that are passed on."""


def advance(
    held: Held | None, header: messages.SuggestHeader, trials: Iterable[messages.TrialRecord], registry: Registry
) -> Held:
    """Bring a study to the header's revision. What is held must fit, and is of no use any more when this raises."""
    if held is None or header.base_revision == 0:
        job = read_job(header.spec, registry)
        held = Held(header.study_uid, job, History(job.spec.space))
    elif held.job.message != header.spec:
        held = _respecified(held, read_job(header.spec, registry))
    if held.history.apply(records_from_proto(trials)):
        held.memo.clear()
    held.revision, held.digest = header.revision, header.digest
    return held


def ask(held: Held, names: Sequence[messages.TrialName]) -> Answer:
    """Ask the study's algorithm for trials that are not in the history.

    Whatever it raises is told to the caller, for whose study it is the end: this service holds no secrets.
    """
    wanted = [(name.name, name.number) for name in names]
    _check_new(held.history, wanted)
    try:
        return held.job.algorithm.suggest(held.view(), wanted)
    except NoFeasiblePoint as error:
        raise refused([Mistake("spec.constraints", str(error))]) from error
    except TunesmithError:
        raise
    except Exception as error:
        raise ReportBug(f"{type(error).__name__}: {str(error)[:MOST]}") from error


def read_job(message: types_pb2.StudySpec, registry: Registry) -> Job:
    """Read a spec. Raises FixRequest with every mistake in it, and NotFound for an algorithm that is not offered."""
    try:
        spec = wire.spec_from_proto(message)
        algorithm = registry.serving(spec.algorithm)
    except DocumentError as error:
        raise refused(error.mistakes) from error
    settings, mistakes = read_study(algorithm, spec)
    if mistakes:
        raise refused(mistakes)
    if (seed := seed_of(spec, settings)) is None:
        raise refused([Mistake("spec.seed", "must be set before anything is suggested, but is absent")])
    return Job(message, spec, algorithm, settings, seed)


def refused(mistakes: Sequence[Mistake]) -> FixRequest:
    """Make the error for a study with mistakes."""
    return FixRequest("; ".join(f"{mistake.path}: {mistake.message}" for mistake in mistakes), mistakes)


def _respecified(held: Held, job: Job) -> Held:
    """Give a study its edited spec. Only a changed space makes the history anew."""
    history = held.history
    if job.message.space != held.job.message.space:
        history = History(job.spec.space)
        history.apply(held.history.records.values())
    return Held(held.uid, job, history)


def _check_new(history: History, names: Sequence[tuple[str, int]]) -> None:
    """Raise FixRequest when a trial that is asked for has its assignment already, or two are called alike."""
    if len({name for name, _ in names}) < len(names):
        raise FixRequest("`names` must not repeat a name")
    for name, number in names:
        if number in history.records or history.number_of(name) is not None:
            raise FixRequest(f"a trial in the history cannot be asked for, but got (name={name!r}, number={number})")
