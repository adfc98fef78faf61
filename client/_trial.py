"""Inside a trial: its parameters, its reports, whether to stop, and where its checkpoints go. Imports no gRPC.

A script should also run alone while it is being written, so outside of a trial `params` gives the defaults it is
called with, `report` prints, and `should_stop` is False; what cannot work there says so.
"""

import json
import math
import operator
import os
import time

TYPE_CHECKING = False  # importing `typing` would cost as much as all the rest
if TYPE_CHECKING:
    from pathlib import Path
    from typing import SupportsFloat, SupportsIndex

Value = float | int | str | bool

_FOLDER = "TUNESMITH_TRIAL_DIR"
_PARAMS = "TUNESMITH_PARAMS"
_CHECKPOINTS = "TUNESMITH_CHECKPOINT_DIR"
_REPORTS = "reports.jsonl"
_STOP = "stop"
_ASKS = "asks"

_told: set[str] = set()  # folders of trials that are known to look for a stop


def params(**defaults: Value) -> dict[str, Value]:
    """The trial's parameters by name; those that are not active have no entry, unless a default is given.

    Args:
        **defaults: Values of parameters that the trial does not have, and of all of them outside of a trial.

    Returns:
        A new dict.

    Raises:
        RuntimeError: This is no trial, and no defaults are given.
    """
    text = os.environ.get(_PARAMS)
    if text is None and not defaults:
        raise _no_trial("params() without defaults", _PARAMS)
    return {**defaults, **json.loads(text or "{}")}


def report(step: "SupportsIndex | SupportsFloat | None" = None, **metrics: "SupportsFloat") -> None:
    """Report metrics: `report(step=10, loss=0.3, accuracy=0.9)`. NaN and infinities are recorded as such.

    Takes about 30 µs, and works while the manager is away. Outside of a trial the line is printed instead.

    Args:
        step: A whole number that rises; None: the count of reports before this one.
        **metrics: Numbers, or what `float` takes: an element of an array, a tensor of one number. Names that are not
            Python's are passed as `**{"val-loss": 0.3}`.

    Raises:
        TypeError: There is no metric, or a value or the step is no number.
        OSError: The line cannot be written.
    """
    if not metrics:
        raise TypeError("report() needs a metric, as in report(step=10, loss=0.3)")
    numbers = {name: _number(name, value) for name, value in metrics.items()}
    whole = None if step is None else _whole(step)
    folder = os.environ.get(_FOLDER)
    if folder is None:
        print(*([] if whole is None else [f"step={whole}"]), *(f"{name}={value}" for name, value in numbers.items()))
        return
    metrics_json = {name: value if math.isfinite(value) else _in_words(value) for name, value in numbers.items()}
    line = json.dumps({"time": time.time(), "step": whole, "metrics": metrics_json})
    _append(os.path.join(folder, _REPORTS), line.encode() + b"\n")


def should_stop() -> bool:
    """Whether the trial was asked to end: save what is worth saving, and exit. False outside of a trial.

    A trial that asks is given half a minute to end by itself when a rule stops it early; another one gets TERM at once.
    """
    folder = os.environ.get(_FOLDER)
    if folder is None:
        return False
    if folder not in _told:
        _told.add(folder)
        try:  # noqa: SIM105 - importing contextlib would cost as much as all the rest
            os.close(os.open(os.path.join(folder, _ASKS), os.O_CREAT | os.O_CLOEXEC, 0o666))
        except OSError:  # a full disk, or a folder that is gone: then it is not given that time
            pass
    return os.path.exists(os.path.join(folder, _STOP))


def checkpoint_dir() -> "Path":
    """The trial's folder for checkpoints, the same in all its attempts. It exists.

    Raises:
        RuntimeError: This is no trial.
    """
    from pathlib import Path

    folder = os.environ.get(_CHECKPOINTS)
    if folder is None:
        raise _no_trial("checkpoint_dir()", _CHECKPOINTS)
    os.makedirs(folder, exist_ok=True)
    return Path(folder)


def _whole(step: "SupportsIndex | SupportsFloat") -> int:
    try:
        return operator.index(step)  # type: ignore[arg-type]  # so loosely typed that report(**metrics) is well typed
    except TypeError:
        raise TypeError(f"a step must be a whole number, but got step={step!r}") from None


def _number(name: str, value: "SupportsFloat") -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"a metric must be a number, but got {name}={value!r}") from error


def _in_words(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _append(path: str, line: bytes) -> None:
    """Append in one write, so that the lines of several processes do not mix."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(f"a report must be written whole, but the disk of {path} is full")
    finally:
        os.close(descriptor)


def _no_trial(what: str, variable: str) -> RuntimeError:
    return RuntimeError(f"{what} must be called inside a trial of Tunesmith, but {variable} is not set")
