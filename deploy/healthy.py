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
        with urlopen(place, timeout=SECONDS, context=_any_certificate()):
            return
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
    from grpc_health.v1.health_pb2_grpc import HealthStub

    from tunesmith.services.channel import open_sync_channel

    with open_sync_channel(_address(place)) as channel:
        status = HealthStub(channel).Check(HealthCheckRequest(), timeout=SECONDS).status
    if status != HealthCheckResponse.SERVING:
        sys.exit(f"{place} is {HealthCheckResponse.ServingStatus.Name(status)}")


def _any_certificate() -> ssl.SSLContext:
    """This container's own is made for another name than the one by which we call it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _address(place: str) -> str:
    """Of a gRPC server. A manager's is its socket, which never asks for TLS."""
    from tunesmith.services.local import read_place

    if not place.startswith("/"):
        return place
    found = read_place(Path(place))
    return found.address if found else sys.exit(f"no manager serves {place} yet")


if __name__ == "__main__":
    main(*sys.argv[1:])
