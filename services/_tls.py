"""The PEM files of both ends of a TLS connection."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

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

    def __post_init__(self) -> None:
        """Raise FixRequest for half a pair."""
        if (self.cert is None) != (self.key is None):
            raise FixRequest("a client certificate and its key belong together: give both, or none of them")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """As TUNESMITH_CA, TUNESMITH_CERT and TUNESMITH_KEY say."""
        files = (environment.get(f"TUNESMITH_{name}") for name in ("CA", "CERT", "KEY"))
        return cls(*(Path(file) if file else None for file in files))

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files. Raises FixRequest for one that is none: gRPC would only say that nobody can be reached."""
        self.context()
        ca, key, cert = (None if path is None else _read(path) for path in (self.ca, self.key, self.cert))
        return grpc.ssl_channel_credentials(ca, key, cert)

    def context(self) -> ssl.SSLContext:
        """The same for a socket of Python's. Raises FixRequest."""
        try:
            context = ssl.create_default_context(cadata=None if self.ca is None else _read(self.ca).decode("latin-1"))
        except (ssl.SSLError, ValueError):
            raise FixRequest(f"{self.ca} must be a PEM file with certificates of authorities") from None
        if self.cert is not None and self.key is not None:
            _read(self.cert), _read(self.key)
            try:
                context.load_cert_chain(self.cert, self.key, password="")
            except (ssl.SSLError, ValueError):
                raise FixRequest(
                    f"{self.cert} and {self.key} must be PEM files of a certificate and its own key, not encrypted"
                ) from None
        return context


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FixRequest(f"the file of a certificate or key must be readable: {error}") from error
