"""Every rule that the registry finds, held to the suite."""

import pytest
from tests.earlystop.conformance import Conformance
from tests.earlystop.studies import NAMES


@pytest.mark.parametrize("name", NAMES)
class TestRules(Conformance):
    """Ours, and those of third parties that are installed."""
