"""What is never printed: values of variables that are named like secrets, and passwords in URLs."""

import re
from collections.abc import Mapping
from dataclasses import replace

from tunesmith.study import StudyJob

_NAMED_LIKE_SECRETS = re.compile(r"token|secret|passw|passphrase|credential|api_?key|private_?key|auth", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")
HIDDEN = "***"


def secret_name(name: str) -> bool:
    """Whether an environment variable is named like one that holds a secret."""
    return _NAMED_LIKE_SECRETS.search(name) is not None


def hide(env: Mapping[str, str]) -> dict[str, str]:
    """Environment variables without their secrets."""
    return {name: HIDDEN if secret_name(name) else value for name, value in env.items()}


def without_secrets(job: StudyJob) -> StudyJob:
    """A document that may be shown."""
    template = replace(job.spec.trial, env=hide(job.spec.trial.env))
    return replace(job, spec=replace(job.spec, trial=template))


def hide_password(url: str) -> str:
    """A URL that may be shown."""
    return _PASSWORD.sub(rf"\1:{HIDDEN}@", url)
