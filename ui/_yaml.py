"""The document of a study as the dashboard shows it."""

from tunesmith.client._secrets import without_secrets
from tunesmith.client._values import Study
from tunesmith.study import document_yaml


def study_yaml(study: Study) -> str:
    """Without the values of variables that are named like secrets."""
    return document_yaml(without_secrets(study.job))
