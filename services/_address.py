"""Addresses as people write them: `unix:/path`, `host:port`, `https://host:port`."""

import os
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tunesmith.services.errors import FixRequest
from tunesmith.services.local import MAX_SOCKET_PATH

_TCP = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[\w.-]+):(?P<port>\d{1,5})/?", re.ASCII)


@dataclass(frozen=True)
class UnixAddress:
    """A socket in the file system."""

    path: Path

    def __post_init__(self) -> None:
        """Check the length, of which the kernel's own message says nothing."""
        length = len(os.fsencode(self.path))
        if length > MAX_SOCKET_PATH:
            raise FixRequest(f"a socket's path must have at most {MAX_SOCKET_PATH} bytes, but {self} has {length}")

    def __str__(self) -> str:
        """As gRPC takes it."""
        return f"unix:{self.path}"


@dataclass(frozen=True)
class TcpAddress:
    """A port of a machine."""

    host: str
    """Name or number, an IPv6 number without brackets."""
    port: int
    tls: bool = False
    """Written `https://`."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can call it. A name other than `localhost` may mean anything, so it is not."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        """As gRPC takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> UnixAddress | TcpAddress:
    """Read an address; FixRequest when it is none."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if path and "\0" not in path:
            return UnixAddress(Path(path).absolute())
    found = _TCP.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise FixRequest(f"an address must be `unix:/path`, `host:port` or `https://host:port`, but got {text!r}")
    return TcpAddress(found["host"].strip("[]"), int(found["port"]), found["scheme"] == "https")
