"""gRPC options of all our servers and channels."""

from tunesmith.services._version import VERSION
from tunesmith.services.errors import WIDE

USER_AGENT = f"tunesmith/{VERSION}"

Options = tuple[tuple[str, int | str], ...]

_MESSAGE = 64 * 1024 * 1024  # bytes; gRPC's own limit of 4 MiB is met at 10,000 trials
_KEEPALIVE = (
    # A peer whose machine vanished is noticed after 80 s. Not sooner: Go servers hang up on clients that ping often.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)
_BOTH: Options = (
    ("grpc.max_send_message_length", _MESSAGE),
    ("grpc.max_receive_message_length", _MESSAGE),
    *_KEEPALIVE,
)

SERVER_OPTIONS: Options = (
    *_BOTH,
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),  # else a second server takes the same port without an error
)


def channel_options(*, loopback: bool) -> Options:
    """Options of a channel; `loopback`: to this machine, so that a proxy of the environment is not for it."""
    return (
        *_BOTH,
        ("grpc.primary_user_agent", USER_AGENT),
        ("grpc.max_metadata_size", 2 * WIDE),
        ("grpc.absolute_max_metadata_size", 2 * WIDE),
        # Services start again within a second, so do not wait for one as for a server across the ocean.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        *((("grpc.enable_http_proxy", 0),) if loopback else ()),
    )
