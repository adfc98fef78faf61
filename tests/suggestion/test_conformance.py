"""The conformance suite over every algorithm that is installed."""

import pytest
from tests.suggestion.conformance import NAMES, Conformance


@pytest.mark.parametrize("name", NAMES)
class TestEveryAlgorithm(Conformance):
    """See `conformance.py`."""
