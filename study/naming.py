"""Names: which are allowed, and how a trial gets its own."""

import base64
import hashlib
import re

MAX_NAME = 63
MAX_STUDY_NAME = 50
"""Leaves room for the number and the five characters that make a trial's name."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def trial_name(study: str, uid: str, number: int) -> str:
    """`<study>-<number>-<5 chars>`, where the five are the same for the same uid and number."""
    digest = hashlib.sha256(f"{uid}:{number}".encode()).digest()
    return f"{study}-{number}-{base64.b32encode(digest)[:5].decode().lower()}"


def trial_seed(study_seed: int | None, number: int) -> int:
    """A seed of a trial's own (`${trial.seed}`), the same at each of its attempts; below 2**31, as every library takes.

    None, for a study whose seed is not drawn yet, counts as 0.
    """
    digest = hashlib.sha256(f"{study_seed or 0}:{number}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def check_name(kind: str, text: str) -> str | None:
    """The rule for DNS labels that `text` breaks as the name of a `kind`; None when it may be one.

    A study's name is shorter than others, since the names of its trials begin with it.
    """
    longest = MAX_STUDY_NAME if kind == "study" else MAX_NAME
    if len(text) > longest:
        return (
            f"the name of a {kind} must have at most {longest} characters, but got {len(text)}: {text[:longest]!r}..."
        )
    if not _LABEL.fullmatch(text):
        rule = "consist of lower case letters, digits and '-', and begin and end with a letter or digit"
        return f"the name of a {kind} must {rule}, but got {text!r}"
    return None
