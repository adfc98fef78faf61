"""ManagerService: the API over the engine and the store."""

import grpc

from tunesmith.manager.api._algorithms import AlgorithmCalls
from tunesmith.manager.api._presence import Presence
from tunesmith.manager.api._records import RecordCalls
from tunesmith.manager.api._studies import StudyCalls
from tunesmith.manager.api._trials import TrialCalls
from tunesmith.manager.api._workers import WorkerCalls
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import manager_pb2_grpc as rpc

__all__ = ["ManagerServicer", "Presence", "add_to"]


class ManagerServicer(StudyCalls, TrialCalls, RecordCalls, AlgorithmCalls, WorkerCalls, rpc.ManagerServiceServicer):
    """Answers clients."""


def add_to(server: grpc.aio.Server, servicer: ManagerServicer) -> list[str]:
    """Add the service to a server; gives its full name."""
    rpc.add_ManagerServiceServicer_to_server(servicer, server)
    return [pb.DESCRIPTOR.services_by_name["ManagerService"].full_name]
