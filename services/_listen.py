"""Where a server may listen, and the making of its sockets."""

import errno
import socket
import stat
from dataclasses import dataclass

import grpc

from tunesmith.services._address import TcpAddress, UnixAddress, parse_address
from tunesmith.services._folders import private_folder
from tunesmith.services._tls import TlsFiles
from tunesmith.services.errors import FixRequest, Forbidden, NotNow, TunesmithError


@dataclass(frozen=True)
class Policy:
    """What is asked of callers, which decides how far a server may be reached. See `server.serving`."""

    tokens: bool
    tls: TlsFiles | None
    insecure_bind: bool
    harmless: bool

    def check(self, address: TcpAddress) -> None:
        """Raise FixRequest unless a server may listen there."""
        if address.loopback:
            return
        if self.tls is None and not self.insecure_bind:
            raise FixRequest(
                f"beyond loopback a server needs TLS (a certificate and its key), or --insecure-bind, but got {address}"
            )
        certificates = self.tls is not None and self.tls.client_ca is not None
        if not (self.tokens or certificates or (self.harmless and self.insecure_bind)):
            raise FixRequest(f"beyond loopback a server must ask for tokens or client certificates, but got {address}")


def listen_at(server: grpc.aio.Server, text: str, policy: Policy) -> str:
    """Add one address to a server that is not started; gives it with its real port.

    Raises:
        FixRequest: It is no address, is not allowed, or this machine has none such.
        NotNow: Another process listens there.
        Forbidden: The folder of a Unix socket, or the port, is not for this user.
    """
    address = parse_address(text)
    if isinstance(address, UnixAddress):
        return _listen_unix(server, address)
    policy.check(address)
    return _listen_tcp(server, address, policy.tls)


def _listen_unix(server: grpc.aio.Server, address: UnixAddress) -> str:
    if not address.path.parent.parent.is_dir():
        raise FixRequest(f"the folder {address.path.parent.parent} must exist for {address}")
    private_folder(address.path.parent, ours=False)
    _remove_stale(address)
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise FixRequest(f"cannot listen at {address}: {error}") from error
    address.path.chmod(0o600)
    return str(address)


def _remove_stale(address: UnixAddress) -> None:
    try:
        mode = address.path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FixRequest(f"{address} must be free or a socket, but something else is there")
    with socket.socket(socket.AF_UNIX) as probe:
        # gRPC itself would take the path away from a server that lives.
        if probe.connect_ex(str(address.path)) == 0:
            raise NotNow(f"another process listens at {address}")
    address.path.unlink(missing_ok=True)


def _listen_tcp(server: grpc.aio.Server, address: TcpAddress, tls: TlsFiles | None) -> str:
    try:
        if tls is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), tls.credentials())
    except RuntimeError as error:
        raise _why_not(address) from error
    bound = TcpAddress(address.host, port)
    return str(bound) if tls is None else f"https://{bound}"


def _why_not(address: TcpAddress) -> TunesmithError:
    # gRPC says only that it failed, so ask the system again.
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(place)
    except PermissionError as error:
        return Forbidden(f"cannot listen at {address}: {error.strerror}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return NotNow(f"another process listens at {address}")
        return FixRequest(f"cannot listen at {address}: {error.strerror}")
    return FixRequest(f"cannot listen at {address}: the certificate and key must belong together")
