"""A study's progress as text: pure functions of what the manager told and of the time since then."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.client import _format
from tunesmith.client._terminal import safe
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.study import StudyState, TrialState

_FULL, _EMPTY = "━", "─"


@dataclass(frozen=True, slots=True)
class Progress:
    """A study as it was told, `age` seconds ago; `running` are some of the trials that ran then."""

    study: Study
    age: float = 0.0
    running: tuple[Trial, ...] = ()

    @property
    def done(self) -> int:
        """Trials that have ended."""
        return self.study.counts.finished

    @property
    def elapsed(self) -> float:
        """Seconds spent in Running until now."""
        return self.study.elapsed + (self.age if self.study.state is StudyState.RUNNING else 0)

    @property
    def fraction(self) -> float | None:
        """How much of the study is done, by trials or by time, whichever is further; None when nothing limits it."""
        planned, limit = self.study.planned, self.study.spec.limits.duration
        parts = [self.done / planned] if planned else []
        parts += [self.elapsed / limit] if limit else []
        return min(max(parts), 1.0) if parts else None

    @property
    def left(self) -> float | None:
        """Seconds until the study ends at this pace, at the latest; None while there is no telling."""
        planned, limit = self.study.planned, self.study.spec.limits.duration
        guesses = [limit - self.elapsed] if limit else []
        if planned and self.done:
            # From when the study was told, so that the guess falls while nothing ends.
            guesses.append(self.study.elapsed * max(planned - self.done, 0) / self.done - self.age)
        return max(min(guesses), 0.0) if guesses else None


def bar(fraction: float, width: int) -> str:
    """A bar of `width` cells."""
    full = round(fraction * width)
    return _FULL * full + _EMPTY * (width - full)


def share(done: int, planned: int | None) -> str:
    """`23/60`; `40` where there is no limit, or one that was lowered below what is done."""
    return f"{done:,}/{planned:,}" if planned and done <= planned else f"{done:,}"


def done_text(study: Study) -> str:
    """`23/60 trials`."""
    done, planned = study.counts.finished, study.planned
    if planned and done <= planned:
        return f"{share(done, planned)} trials"
    return _format.plural(done, "trial") + (f" (the limit is {planned:,})" if planned else "")


def counts_line(progress: Progress) -> str:
    """`23/60 trials, 4 running, 1 failed`."""
    counts = progress.study.counts
    named = (
        (counts.running, "running"),
        (counts.failed, "failed"),
        (counts.metrics_unavailable, "without metrics"),
        (counts.early_stopped, "stopped early"),
        (counts.killed, "killed"),
    )
    return ", ".join(
        [done_text(progress.study), *(f"{count:,} {name}" for count, name in named if count or name == "running")]
    )


def time_line(progress: Progress) -> str:
    """`42s so far, about 1m 05s left`."""
    left = progress.left
    tail = (
        ""
        if left is None or progress.study.state is not StudyState.RUNNING
        else f", about {_format.duration(left)} left"
    )
    return f"{_format.duration(progress.elapsed)} so far{tail}"


def best_text(study: Study) -> str:
    """`best accuracy 0.98 (trial 17)`; nothing while there is none."""
    if study.best is None:
        return ""
    return f"best {safe(study.spec.objective.metric)} {_format.number(study.best.value)} (trial {study.best.number})"


def plain_line(progress: Progress) -> str:
    """The whole progress in one line, for a log."""
    state = progress.study.state
    parts = [counts_line(progress), time_line(progress), best_text(progress.study)]
    if state not in (StudyState.RUNNING, StudyState.CREATED):
        parts.insert(0, state.lower())
    return "; ".join(part for part in parts if part)


def trial_line(study: Study, trial: Trial) -> str:
    """How one trial ended, in one line."""
    took = _format.between(*trial.span)
    text = f"trial {trial.number} {_ended(trial)} in {took}" if took != "-" else f"trial {trial.number} {_ended(trial)}"
    if trial.value is not None:
        text += f": {safe(study.spec.objective.metric)} {_format.number(trial.value)}"
    return f"{text}, {_format.assignment(study.in_order(trial.assignment))}"


def _ended(trial: Trial) -> str:
    words = {
        TrialState.SUCCEEDED: "succeeded",
        TrialState.EARLY_STOPPED: "was stopped early",
        TrialState.METRICS_UNAVAILABLE: "ended without metrics",
    }
    word = words.get(trial.state, str(trial.state).lower())
    tells = trial.state is TrialState.FAILED or trial.reason == "converged"
    return f"{word} ({safe(trial.reason)})" if tells and trial.reason else word


def live_lines(progress: Progress, width: int, remarks: Sequence[str] = ()) -> list[str]:
    """The display of a terminal that is `width` wide: bar, counts, time, best trial, running trials, remarks."""
    study = progress.study
    lines = [_bar_line(progress, width), f"{counts_line(progress)}; {time_line(progress)}"]
    if study.best is not None:
        lines.append(f"{best_text(study)}: {_format.assignment(study.in_order(study.best.assignment))}")
    lines += [
        f"  {safe(trial.name)}: {_format.assignment(study.in_order(trial.assignment))}" for trial in progress.running
    ]
    return [_fit(line, width) for line in [*lines, *remarks]]


def _bar_line(progress: Progress, width: int) -> str:
    state = progress.study.state
    name = safe(progress.study.name)
    label = name if state in (StudyState.RUNNING, StudyState.CREATED) else f"{name} ({state.lower()})"
    fraction = progress.fraction
    if fraction is None:
        return label
    label = _fit(label, max(width - 30, 10))
    room = width - len(label) - len(" 100%") - 2
    return f"{label} {bar(fraction, max(min(room, 60), 8))} {fraction:4.0%}"


def _fit(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
