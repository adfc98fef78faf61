"""gRPC's own lines on standard error, which would stand before our sentence: the command does without them."""

import os

_LEVEL = "GRPC_VERBOSITY"


def quiet_grpc() -> None:
    """Import gRPC so that it writes none, unless the user wants them. The environment of children stays as it is."""
    if _LEVEL in os.environ:
        return
    os.environ[_LEVEL] = "NONE"  # read once, when gRPC is imported
    try:
        import grpc  # noqa: F401
    finally:
        del os.environ[_LEVEL]
