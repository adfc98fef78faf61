#!/opt/tunesmith/bin/python
"""`healthy PLACE`: whether a service of this container serves, by its exit status.

PLACE is a gRPC server's `host:port`, the folder of a manager, or the address of a dashboard (`http://` or `https://`).
"""

import ssl
import sys
from pathlib import Path
from urllib.request import urlopen

SECONDS = 5


def main(place: str) -> None:
    """Ask; raises unless it serves."""
    if place.startswith("http"):
        # It is this container's own, whose certificate is made for another name.
        with urlopen(place, timeout=SECONDS, context=ssl._create_unverified_context()):
            return
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    from tunesmith.services.channel import open_sync_channel

    with open_sync_channel(_address(place)) as channel:
        status = HealthStub(channel).Check(HealthCheckRequest(), timeout=SECONDS).status
    if status != HealthCheckResponse.SERVING:
        sys.exit(f"{place} is {HealthCheckResponse.ServingStatus.Name(status)}")


def _address(place: str) -> str:
    """Of a gRPC server. A manager's is its socket, which never asks for TLS."""
    from tunesmith.services.local import read_place

    if not place.startswith("/"):
        return place
    found = read_place(Path(place))
    return found.address if found else sys.exit(f"no manager serves {place} yet")


if __name__ == "__main__":
    main(*sys.argv[1:])
