"""What a local trial inherits."""

import os
import sys
from collections.abc import Collection, Mapping

_OURS = "TUNESMITH_"


def base_environment(environ: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """The manager's environment without TUNESMITH_* and secrets, and with our own Python first on PATH.

    A Python trial prints without a buffer unless PYTHONUNBUFFERED says otherwise: into a file it would keep 8 KiB to
    itself, metrics would come late, and those of a killed trial never.
    """
    env = {name: value for name, value in environ.items() if not name.startswith(_OURS) and name not in secrets}
    path = [os.path.dirname(sys.executable), *env.get("PATH", os.defpath).split(os.pathsep)]
    env["PATH"] = os.pathsep.join(path)
    env.setdefault("PYTHONUNBUFFERED", "1")
    return env


def trial_environment(
    trial: str, folder: str, gpus: tuple[str, ...] | None, additions: Mapping[str, str]
) -> dict[str, str]:
    """What one attempt gets beside it. Without a GPU request it sees what we see; a request of none hides them all."""
    granted = {} if gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(gpus)}
    return {**additions, **granted, "TUNESMITH_TRIAL": trial, "TUNESMITH_TRIAL_DIR": folder}
