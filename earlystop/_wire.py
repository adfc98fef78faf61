"""Between our values and the messages of the contract; nothing else here knows both."""

from collections.abc import Iterable
from itertools import chain
from sys import intern

from tunesmith.earlystop._curves import Curves, Ended
from tunesmith.earlystop._rule import Decision, Rule
from tunesmith.services.errors import FixRequest
from tunesmith.services.learning_curves import bounded
from tunesmith.services.settings_wire import setting_to_proto
from tunesmith.study import Assignment, DocumentError, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import suggestion_pb2, types_pb2


def apply(curves: Curves, chunks: Iterable[messages.ObservationChunk], sign: int) -> None:
    """Put news to what is held. Raises FixRequest for news that no caller should send, and leaves it half done.

    `sign`: what a value is multiplied by to be a loss.
    """
    for chunk in chunks:
        _check(chunk)
        curves.restart(chunk.restarted)
        losses = [-value for value in chunk.values] if sign < 0 else chunk.values
        curves.observe(chunk.trials, chunk.steps, losses)
        for record in chunk.records:
            curves.end(record.number, _ended(record, sign))
            if record.HasField("assignment"):
                curves.give(record.number, _assignment(record))


def _check(chunk: messages.ObservationChunk) -> None:
    trials, steps, values = len(chunk.trials), len(chunk.steps), len(chunk.values)
    if not trials == steps == values:
        rule = "the columns of observations must be of one length"
        raise FixRequest(f"{rule}, but got (trials={trials}, steps={steps}, values={values})")
    least = min(chain(chunk.restarted, chunk.trials), default=0)
    if least < 0:
        raise FixRequest(f"trials must have numbers of 0 or more, but got {least}")


def _ended(record: suggestion_pb2.TrialRecord, sign: int) -> Ended | None:
    """Read how a trial ended; None: it runs again."""
    state = wire.TRIAL_STATE_FROM_PROTO.get(record.state)
    if state is None or record.number < 0:
        rule = "the record of a trial must have a state and `number >= 0`"
        raise FixRequest(f"{rule}, but got (number={record.number}, state={record.state})")
    if not state.final:
        return None
    return Ended(state, bounded(sign * record.values[0]) if record.values else None)


def _assignment(record: suggestion_pb2.TrialRecord) -> Assignment:
    try:
        found = wire.assignment_from_proto(record.assignment, f"trials[{record.number}].assignment")
    except DocumentError as error:
        raise FixRequest(str(error), error.mistakes) from error
    return {intern(name): value for name, value in found.items()}  # thousands of trials have the same names


def decisions_to_proto(decisions: Iterable[Decision]) -> messages.DecideResponse:
    """Write decisions."""
    return messages.DecideResponse(
        decisions=[
            messages.Decision(
                trial=one.trial,
                stop=one.stop,
                reason=one.reason,
                predicted_final=one.predicted_final,
                step=one.step,
                complete=one.complete,
            )
            for one in decisions
        ]
    )


def rule_to_proto(rule: Rule) -> types_pb2.RuleDescription:
    """Write what a rule says of itself."""
    description = rule.description
    return types_pb2.RuleDescription(
        name=description.name,
        aliases=description.aliases,
        summary=description.summary,
        description=description.description,
        source=description.source,
        settings=[setting_to_proto(setting) for setting in description.settings],
    )
