"""What `run` and `watch` do with a study: stay with it, show its result, say how to go on."""

from typing import TextIO

from tunesmith.client import _output, _result
from tunesmith.client._client import Client
from tunesmith.client._data import study_data
from tunesmith.client._display import lines_only, make_display
from tunesmith.client._follow import Follower, first_failure
from tunesmith.client._interrupts import Interrupts
from tunesmith.client._options import Target
from tunesmith.client._progress import best_text, done_text
from tunesmith.client._stopping import RULE_FAILED, failure_line, saved_line
from tunesmith.client._terminal import plain_stream
from tunesmith.client._values import Study
from tunesmith.client._watch import Watch
from tunesmith.study import StudyState, TrialState

EACH_TRIAL = 100
"""Trials up to which each has its own line in a log."""


def stay(client: Client, where: Target, study: Study, stream: TextIO, interrupts: Interrupts, *, again: str) -> int:
    """Follow a study to its end and show its result; or stop its trials after Ctrl-C, and say that `again` goes on."""
    if study.state.final and where.for_people and study.counts.not_well:
        print(*first_failure(client, study), sep="\n", file=stream)
    ended = follow(client, study, stream, interrupts, again=again)
    return 130 if ended is None else finish(client, where, ended)


def follow(client: Client, study: Study, stream: TextIO, interrupts: Interrupts, *, again: str) -> Study | None:
    """Follow a study to its end, and give it as it ended; None: Ctrl-C stopped its trials, and `again` goes on."""
    if study.state.final:
        return study
    few = study.planned is not None and study.planned <= EACH_TRIAL
    plain = lines_only(stream)
    display = make_display(stream, each_trial=few, done=study.counts.finished)
    follower = Follower(client, study, display, interrupts, shows_running=not plain)
    watch = Watch(client, study.name, trials=plain and few, since_revision=study.revision)
    if follower.follow(watch):
        return follower.study
    _tell_how_to_go_on(follower.study, again, stream)
    return None


def finish(client: Client, where: Target, study: Study, *, shows_result: bool = True) -> int:
    """Show a study's result, and give the exit code that says how it ended."""
    if not where.for_people:
        _output.emit(study_data(study), where.output)
    elif shows_result:
        best = client.trial(study.name, study.best.number) if study.best else None
        room = None if plain_stream() else _output.width()
        print(*_result.result_lines(study, best, room, _on_stopping(client, study)), sep="\n")
    failed = study.state is StudyState.FAILED or (study.state is StudyState.STOPPED and study.best is None)
    return 1 if failed else 0


def _on_stopping(client: Client, study: Study) -> list[str]:
    """That the rule failed, and what stopping saved, as far as that is so."""
    if study.spec.early_stopping is None:
        return []
    ended = client.trials(study.name, states=[TrialState.SUCCEEDED, TrialState.EARLY_STOPPED])
    failures = client.events(study.name, reason=RULE_FAILED)
    return [text for text in (failure_line(failures), saved_line(study, ended)) if text]


def _tell_how_to_go_on(study: Study, again: str, stream: TextIO) -> None:
    print(
        f"\n{_output.bold('Interrupted')} at {done_text(study)}. Nothing of it runs, and nothing is lost.", file=stream
    )
    if study.best is not None:
        print(f"So far the {best_text(study)}.", file=stream)
    print(f"To go on:\n  {again}", file=stream, flush=True)
