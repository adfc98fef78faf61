"""Fixtures of the suggestion tests."""

from collections.abc import Iterator

import pytest
from tests.suggestion.caller import Caller
from tests.suggestion.process import ServiceProcess
from tests.suggestion.studies import MIXED, make_spec


@pytest.fixture(scope="session")
def service() -> Iterator[ServiceProcess]:
    """A service that every test may ask, under a uid of its own."""
    with ServiceProcess() as process:
        yield process


@pytest.fixture
def caller(request: pytest.FixtureRequest) -> Caller:
    """A study of random search that no other test has."""
    return Caller(make_spec("random", MIXED), uid=request.node.nodeid)
