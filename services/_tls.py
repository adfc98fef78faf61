"""The PEM files of both ends of a TLS connection."""

from dataclasses import dataclass
from pathlib import Path

import grpc

from tunesmith.services.errors import FixRequest


@dataclass(frozen=True)
class TlsFiles:
    """PEM files with which a server shows who it is."""

    cert: Path
    """Its certificate, followed by the intermediate ones."""
    key: Path
    client_ca: Path | None = None
    """Clients must show a certificate that this one signed. None: they need none."""

    def credentials(self) -> grpc.ServerCredentials:
        """Read the files."""
        pair = (_read(self.key), _read(self.cert))
        ca = None if self.client_ca is None else _read(self.client_ca)
        return grpc.ssl_server_credentials([pair], root_certificates=ca, require_client_auth=ca is not None)


@dataclass(frozen=True)
class ClientTls:
    """PEM files with which a client knows a server, and shows who it is."""

    ca: Path | None = None
    """Signed the server's certificate. None: one of the authorities that gRPC brings."""
    cert: Path | None = None
    """The client's own certificate, for servers that ask for one (mTLS)."""
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files."""
        ca, key, cert = (None if path is None else _read(path) for path in (self.ca, self.key, self.cert))
        return grpc.ssl_channel_credentials(ca, key, cert)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FixRequest(f"the file of a certificate or key must be readable: {error}") from error
