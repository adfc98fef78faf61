"""The suggestion service as a process, which tests kill."""

from tests import service_process

from tunesmith.v1 import suggestion_pb2_grpc


class ServiceProcess(service_process.ServiceProcess):
    """`python -m tunesmith.suggestion serve` at a Unix socket of its own."""

    module = "tunesmith.suggestion"

    @property
    def stub(self) -> suggestion_pb2_grpc.SuggestionServiceStub:
        """Its methods."""
        return suggestion_pb2_grpc.SuggestionServiceStub(self.channel)
