"""The early-stopping service as a process, which tests kill."""

from tests import service_process

from tunesmith.v1 import early_stopping_pb2_grpc


class ServiceProcess(service_process.ServiceProcess):
    """`python -m tunesmith.earlystop serve` at a Unix socket of its own."""

    module = "tunesmith.earlystop"

    @property
    def stub(self) -> early_stopping_pb2_grpc.EarlyStoppingServiceStub:
        """Its methods."""
        return early_stopping_pb2_grpc.EarlyStoppingServiceStub(self.channel)
