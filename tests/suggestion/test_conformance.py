"""The conformance suite over every algorithm that is installed."""

import pytest
from tests.suggestion.conformance import Conformance
from tests.suggestion.studies import NAMES


@pytest.mark.parametrize("name", NAMES)
class TestEveryAlgorithm(Conformance):
    """See `conformance.py`."""
