"""Fixtures of the early-stopping tests."""

from collections.abc import Iterator

import pytest
from tests.earlystop.caller import Caller
from tests.earlystop.process import ServiceProcess
from tests.earlystop.studies import make_spec


@pytest.fixture(scope="session")
def service() -> Iterator[ServiceProcess]:
    """A service that every test may ask, under a uid of its own."""
    with ServiceProcess() as process:
        yield process


@pytest.fixture
def caller(request: pytest.FixtureRequest) -> Caller:
    """A study with the median rule that no other test has."""
    return Caller(make_spec("median", startStep=1, minTrials=1), uid=request.node.nodeid)
