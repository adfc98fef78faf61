"""Where progress is shown: redrawn in place on a terminal, line by line elsewhere."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from tunesmith.client import _progress
from tunesmith.client._progress import Progress
from tunesmith.client._terminal import plain_stream
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study

if TYPE_CHECKING:
    pass

REDRAW = 0.25
"""Seconds between two drawings on a terminal: more would take time from the trials."""
LINE = 2.0
"""Seconds between two lines elsewhere, at least."""
HEARTBEAT = 30.0
"""Seconds after which a line is written although nothing changed, so that whoever reads a log knows that it goes on."""


class Display(Protocol):
    """Shows one study's progress."""

    def show(self, progress: Progress, now: float) -> None:
        """The progress at `now` (monotonic seconds); called often, whether or not something changed."""

    def ended(self, study: Study, trials: Sequence[Trial]) -> None:
        """Trials ended."""

    def say(self, lines: Sequence[str]) -> None:
        """Something to be read, that stays."""

    def close(self) -> None:
        """No more progress."""


class LineDisplay:
    """For logs and pipes. With `each_trial` every trial that ends has its line; else there is one every two seconds."""

    def __init__(self, stream: TextIO, *, each_trial: bool, done: int = 0) -> None:
        self._stream = stream
        self._each_trial = each_trial
        self._last_time: float | None = None
        self._last = (-1, "")
        self._done = done

    def show(self, progress: Progress, now: float) -> None:
        """A line, if it is time for one."""
        if self._last_time is None:
            self._last_time, self._last = now, _tells(progress)
            return
        quiet, changed = now - self._last_time, _tells(progress) != self._last
        if quiet >= HEARTBEAT or (changed and quiet >= LINE and not self._each_trial):
            self.say([_progress.plain_line(progress)])
            self._last_time, self._last = now, _tells(progress)

    def ended(self, study: Study, trials: Sequence[Trial]) -> None:
        """A line for each of few trials."""
        if not self._each_trial or not trials:
            return
        lines = []
        for trial in trials:
            self._done += 1
            lines.append(f"[{_progress.share(self._done, study.planned)}] {_progress.trial_line(study, trial)}")
        self.say(lines)
        self._last_time = None

    def say(self, lines: Sequence[str]) -> None:
        """Lines."""
        print(*lines, sep="\n", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to clear away."""


class LiveDisplay:
    """For a terminal: a few lines that are drawn anew in place."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._drawn = float("-inf")

    def show(self, progress: Progress, now: float) -> None:
        """Draw, if it is time to."""
        from rich.live import Live
        from rich.text import Text

        if now - self._drawn < REDRAW:
            return
        self._drawn = now
        lines = _progress.live_lines(progress, self._console.width)
        text = Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
        text.highlight_regex("━+", "green")
        text.highlight_regex("─+", "dim")
        text.highlight_regex(r"\b[\d,]+ (failed|without metrics)", "red")
        if self._live is None:
            self._live = Live(text, console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(text, refresh=True)

    def ended(self, study: Study, trials: Sequence[Trial]) -> None:
        """Counted in the bar."""

    def say(self, lines: Sequence[str]) -> None:
        """Lines above the ones that are redrawn."""
        from rich.text import Text

        self._console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

    def close(self) -> None:
        """Clear the lines away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _tells(progress: Progress) -> tuple[int, str]:
    """What a new line would say that the last one did not."""
    return progress.done, _progress.best_text(progress.study)


def lines_only(stream: TextIO) -> bool:
    """Whether nothing can be redrawn on a stream."""
    return plain_stream(stream) or os.environ.get("TERM") == "dumb"


def make_display(stream: TextIO, *, each_trial: bool, done: int = 0) -> Display:
    """The display that suits a stream; `done` trials had ended before."""
    if lines_only(stream):
        return LineDisplay(stream, each_trial=each_trial, done=done)
    return LiveDisplay(stream)
