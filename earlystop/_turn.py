"""One turn of a study: the observations that came are put to what is held, then the rule is asked. Knows no gRPC."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tunesmith.earlystop._check import read_study
from tunesmith.earlystop._registry import Registry
from tunesmith.earlystop._rule import Decision, Rule
from tunesmith.earlystop._studies import Held, Job
from tunesmith.earlystop._wire import apply
from tunesmith.services.errors import BaseRevision, FixRequest, ReportBug, TunesmithError
from tunesmith.services.revisions import check_base
from tunesmith.study import DocumentError, Mistake, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import types_pb2

_log = logging.getLogger(__name__)

MOST = 1000
"""Characters of a rule's own error that are passed on."""


def check_fits(held: Held | None, header: messages.DecideHeader) -> None:
    """Raise BaseRevision when what follows cannot be put to what is held; nothing can once the objective is another."""
    check_base(held, header)
    if held is not None and header.base_revision and held.job.message.objectives != header.spec.objectives:
        raise BaseRevision(0, 0)


def advance(
    held: Held | None,
    header: messages.DecideHeader,
    chunks: Iterable[messages.ObservationChunk],
    registry: Registry,
) -> Held:
    """Bring a study to the header's revision. What is held must fit, and is of no use any more when this raises."""
    if held is None or header.base_revision == 0:
        held = Held(header.study_uid, read_job(header.spec, registry))
    elif held.job.message != header.spec:
        held = Held(held.uid, read_job(header.spec, registry), held.curves)
    apply(held.curves, chunks, held.view().sign)
    held.revision, held.digest = header.revision, header.digest
    return held


def ask(held: Held, trials: Sequence[int]) -> list[Decision]:
    """Ask the study's rule about trials; those that ended, or have no curve, are not weighed."""
    weighed, rule = [number for number in trials if number in held.curves.running], held.job.rule
    with its_mistakes(rule):
        found = sorted(rule.weigh(held.view(), weighed), key=lambda decision: decision.trial)
        numbers = [decision.trial for decision in found]
        decided = set(numbers)
    if len(decided) < len(numbers) or not decided <= set(weighed):
        name = rule.description.name
        raise ReportBug(f"rule {name!r} must decide once about trials of {weighed[:100]}, but got {numbers[:100]}")
    return found


@contextmanager
def its_mistakes(rule: Rule) -> Iterator[None]:
    """Whatever a rule raises, or answers that is no decision, is told to the caller: this service holds no secrets."""
    try:
        yield
    except TunesmithError:
        raise
    except Exception as error:
        _log.exception("rule %r failed", rule.description.name)
        raise ReportBug(f"rule {rule.description.name!r}: {type(error).__name__}: {str(error)[:MOST]}") from error


def read_job(message: types_pb2.StudySpec, registry: Registry) -> Job:
    """Read a spec. Raises FixRequest with every mistake in it, and NotFound for a rule that is not offered."""
    try:
        spec = wire.spec_from_proto(message)
    except DocumentError as error:
        raise refused(error.mistakes) from error
    if spec.early_stopping is None:
        raise refused([Mistake("spec.earlyStopping", "must be given, but is absent")])
    rule = registry.get(spec.early_stopping.name)
    with its_mistakes(rule):
        settings, mistakes = read_study(rule, spec)
    if mistakes:
        raise refused(mistakes)
    if spec.seed is None:
        raise refused([Mistake("spec.seed", "must be set before anything is decided, but is absent")])
    return Job(message, spec, rule, settings, spec.seed)


def refused(mistakes: Sequence[Mistake]) -> FixRequest:
    """Make the error for a study with mistakes."""
    return FixRequest("; ".join(f"{mistake.path}: {mistake.message}" for mistake in mistakes), mistakes)
