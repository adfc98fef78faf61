"""A suggestion service that is allowed to ask at endpoints, and one that is not."""

import dataclasses

import pytest
from tests.suggestion.process import ServiceProcess
from tests.suggestion.studies import ONE_POINT, make_spec

from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import NotOffered, TryAgain
from tunesmith.study import AlgorithmSpec, wire
from tunesmith.v1 import suggestion_pb2 as messages


def validate(service: ServiceProcess, endpoint: str) -> None:
    spec = make_spec("random", ONE_POINT)
    spec = dataclasses.replace(spec, algorithm=AlgorithmSpec("random", {}, endpoint))
    with rpc_errors():
        service.stub.Validate(messages.ValidateRequest(spec=wire.spec_to_proto(spec)), timeout=30)


def test_one_that_is_not_refuses_rather_than_using_its_own(service: ServiceProcess) -> None:
    """Who reaches it must not make it connect anywhere, nor get its `random` for another's."""
    with pytest.raises(NotOffered, match=r"does not ask others, as at 127\.0\.0\.1:1 \(see --follow-endpoints\)"):
        validate(service, "127.0.0.1:1")


def test_one_that_is_names_the_address_that_does_not_answer() -> None:
    with ServiceProcess(["--follow-endpoints"]) as service:
        with pytest.raises(TryAgain, match=r"the suggestion service 127\.0\.0\.1:1 does not answer"):
            validate(service, "127.0.0.1:1")
        validate(service, "")
